/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of `run` and `attach`. */
#ifndef FLIGHTREC_OPTIONS_H
#define FLIGHTREC_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/report/report.h"

/* Exit codes; `run` otherwise ends with its command's. */
#define EXIT_FAILED 1
#define EXIT_USAGE 2
#define EXIT_NOTHING 3
#define EXIT_UNSUPPORTED 4

#define DEFAULT_BUFFER (16u << 20)
#define DEFAULT_MAX_RECORDERS 131072
#define MAX_RECORDERS_LIMIT (1u << 24)

struct options {
	bool run;           /* else attach */
	const char *output; /* NULL: the stream of the subcommand */
	enum report_format format;
	int min_severity;
	uint64_t timeout_ns;  /* 0: every recorder's own */
	uint64_t duration_ns; /* 0: no end */
	uint64_t max_reports; /* 0: any number */
	uint64_t buffer;
	uint64_t max_recorders;
	bool quiet;
	int verbose;
	bool all;
	pid_t *pids;
	size_t n_pids;
	char **command; /* NULL-terminated */
};

/* Parses argv[1...] of a subcommand. Returns 0, or the status to exit with; it said why. */
int options_parse(struct options *options, bool run, int argc, char **argv);
void options_free(struct options *options);

#endif /* FLIGHTREC_OPTIONS_H */
