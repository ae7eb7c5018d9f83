/* SPDX-License-Identifier: BSD-2-Clause */
/* What a command line says. */
#ifndef FLIGHTREC_OPTIONS_H
#define FLIGHTREC_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/command.h"
#include "collector/report/report_form.h"

#define DEFAULT_BUFFER (16u << 20)
#define DEFAULT_MAX_RECORDERS 131072

struct options {
	const struct command *command;
	bool help;           /* show the command's page, and do nothing else */
	const char *output;  /* NULL: the standard stream of the command */
	bool append;         /* to what @output holds already */
	bool probes;         /* entries and deadlines by probes, not by memory */
	const char *exec;    /* to be run for each timeout; NULL: nothing */
	uint64_t exec_limit; /* how often; 0: any number */
	const struct report_form *form;
	bool json; /* --json was given */
	int min_severity;
	uint64_t timeout_ns;  /* 0: every recorder's own */
	uint64_t duration_ns; /* 0: no end */
	uint64_t max_reports; /* 0: any number */
	uint64_t buffer;
	bool buffer_given; /* @buffer is the user's choice */
	uint64_t max_recorders;
	bool quiet;
	int verbose;
	bool all;
	pid_t *pids; /* each once */
	size_t n_pids;
	const char *core; /* of dump: a file in place of processes; or NULL */
	bool closed;      /* of dump: also recorders that are closed */
	bool verifier;    /* of doctor */
	char **operands;  /* what follows the options, NULL-terminated: a part of argv */
	size_t n_operands;
};

/*
 * Parses argv[1...] of @command; argv[] may be reordered, and must outlive @options.
 * Returns 0, or EXIT_USAGE, having said in one line on standard error what is wrong.
 * To be freed in either case.
 */
int options_parse(struct options *options, const struct command *command, int argc, char **argv);
void options_free(struct options *options);

/* Says in one line what is wrong with a command line, and where help is; returns EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int usage_error(const struct command *command,
						      const char *format, ...);
/* The same of a word that there is not, such as an option; @meant: the nearest there is, or NULL.
 */
int usage_unknown(const struct command *command, const char *what, const char *word,
		  const char *meant);

#endif /* FLIGHTREC_OPTIONS_H */
