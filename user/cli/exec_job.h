/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run of `--exec`: a timeout, and what a command gets to know of it. The report is a file in
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
	struct exec_job *next;          /* the caller's */
	pid_t process;                  /* that is watched */
	struct text_buffer report;      /* JSON */
	struct text_buffer environment; /* the strings one after the other, each with its NUL */
	size_t variable[EXEC_JOB_VARIABLES]; /* where they begin */
	size_t n_variables;
};

/* Of a report that has a recorder. Returns NULL if there is no memory. */
struct exec_job *exec_job_new(struct report_form_state *form_state, const struct report *report);
/* NULL: nothing. */
void exec_job_free(struct exec_job *job);
/* The memory it takes. */
size_t exec_job_bytes(const struct exec_job *job);

/*
 * Starts sh -c @command in a process group of its own, with @mask as its signal mask, and signals
 * and limits as this process was started with. Returns its number or a negative errno.
 */
pid_t exec_job_start(const struct exec_job *job, const char *command, const sigset_t *mask);

#endif /* FLIGHTREC_EXEC_JOB_H */
