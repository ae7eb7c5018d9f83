/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of all commands: the one table that the parser (options.c), the pages of help
 * (help.c) and the completion scripts (completion.c) are made from, and that a test compares the
 * manual page with.
 */
#ifndef FLIGHTREC_OPTION_TABLE_H
#define FLIGHTREC_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct options;

/* What a shell can complete an option's argument to. */
enum option_completion { COMPLETE_NOTHING, COMPLETE_FILE, COMPLETE_PROGRAM, COMPLETE_PID };

struct option_spec {
	const char *name;      /* behind "--" */
	char letter;           /* behind "-"; 0: it has none */
	const char *argument;  /* what it is called in help; NULL: it takes none */
	const char *help;      /* for its page, in lines */
	unsigned int commands; /* a set of enum command_bit */
	enum option_completion completion;
	/* If one of a few words is to be given: the word of that number; NULL: there are no more.
	 */
	const char *(*word)(size_t index);
	/* Returns 0, or -EINVAL: @value, NULL for an option without an argument, is not right. */
	int (*set)(struct options *options, const char *value);
	const char *expected; /* what a right value is; NULL: one of its words, or any */
};

extern const struct option_spec option_table[];
extern const size_t n_options;

/* Whether @command, an enum command_bit, has the option. */
bool option_belongs(const struct option_spec *option, unsigned int command);

#endif /* FLIGHTREC_OPTION_TABLE_H */
