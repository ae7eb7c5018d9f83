/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run of `--exec`: a timeout, and what the command is told about it. The report is a file in
 * memory on its standard input; ids and names are in the environment. Not thread-safe.
 */
#ifndef FLIGHTREC_EXEC_JOB_H
#define FLIGHTREC_EXEC_JOB_H

#include <signal.h>
#include <stddef.h>
#include <sys/types.h>

#include "collector/report/report_form.h"

#define EXEC_JOB_VARIABLES 7

struct exec_job {
	struct exec_job *next;               /* for the caller */
	pid_t process;                       /* the watched one */
	struct text_buffer report;           /* JSON */
	struct text_buffer environment;      /* the strings one after another, each with its NUL */
	size_t variable[EXEC_JOB_VARIABLES]; /* offsets of the strings */
	size_t n_variables;
};

/* The report must have a recorder. Returns NULL if there is no memory. */
struct exec_job *exec_job_new(struct report_form_state *form_state, const struct report *report);
/* NULL is allowed. */
void exec_job_free(struct exec_job *job);
/* The memory it uses. */
size_t exec_job_bytes(const struct exec_job *job);

/*
 * Starts sh -c @command in its own process group, with signal mask @mask and with the signals and
 * limits this process was started with. Returns its pid or a negative errno.
 */
pid_t exec_job_start(const struct exec_job *job, const char *command, const sigset_t *mask);

#endif /* FLIGHTREC_EXEC_JOB_H */
