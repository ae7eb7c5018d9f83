/* SPDX-License-Identifier: BSD-2-Clause */
/* A parsed command line. */
#ifndef FLIGHTREC_OPTIONS_H
#define FLIGHTREC_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/command.h"
#include "cli/output.h"
#include "collector/report/deaths.h"
#include "collector/report/report_form.h"

#define DEFAULT_BUFFER (16u << 20)
#define DEFAULT_MAX_RECORDERS 131072

/* -s or --pack */
struct span_option {
	const char *text; /* a statement, or the name of a file */
	bool is_pack;
};

struct options {
	const struct command *command;
	bool help;          /* show the command's help page, and do nothing else */
	const char *output; /* NULL: the command's standard stream */
	bool append;        /* to what @output already holds */
	enum deaths deaths;
	bool probes;         /* entries and deadlines by probes, not by memory */
	bool no_stack;       /* reports without where threads are */
	const char *exec;    /* to run for each timeout; NULL: nothing */
	uint64_t exec_limit; /* how often; 0: no limit */
	const struct report_form *form;
	enum color color;
	bool json; /* --json was given */
	int min_severity;
	uint64_t timeout_ns;  /* 0: each recorder's own */
	uint64_t duration_ns; /* 0: unlimited */
	uint64_t max_reports; /* 0: unlimited */
	uint64_t buffer;
	bool buffer_given; /* @buffer was set by the user */
	uint64_t max_recorders;
	bool quiet;
	int verbose;
	bool all;
	pid_t *pids; /* without duplicates */
	size_t n_pids;
	const char *core; /* for dump: a file instead of processes; or NULL */
	bool closed;      /* for dump: include closed recorders */
	bool verifier;    /* for doctor */
	struct span_option *spans;
	size_t n_spans;
	size_t spans_room;
	bool packs;          /* for spans: list them */
	uint64_t blocked_ns; /* 0: blocked threads are not looked for */
	bool idle;           /* also those that may just have nothing to do */
	char **operands;     /* what follows the options, NULL-terminated; part of argv */
	size_t n_operands;
};

/*
 * Parses argv[1...] of @command. argv[] may be reordered, and must outlive @options. Returns 0; or
 * EXIT_USAGE, after printing one line that says what is wrong. Free the options in either case.
 */
int options_parse(struct options *options, const struct command *command, int argc, char **argv);
void options_free(struct options *options);

/*
 * Prints one line that says what is wrong with a command line and where to find help. Returns
 * EXIT_USAGE.
 */
__attribute__((format(printf, 2, 3))) int usage_error(const struct command *command,
						      const char *format, ...);
/* The same for an unknown word, such as an option. @meant is the nearest known one, or NULL. */
int usage_unknown(const struct command *command, const char *what, const char *word,
		  const char *meant);

#endif /* FLIGHTREC_OPTIONS_H */
