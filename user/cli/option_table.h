/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of all commands: the one table from which the parser (options.c), the help pages
 * (help.c) and the completion scripts (completion.c) are made. A test compares the manual page with
 * it.
 */
#ifndef FLIGHTREC_OPTION_TABLE_H
#define FLIGHTREC_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct options;

/* How a shell can complete an option's argument. */
enum option_completion { COMPLETE_NOTHING, COMPLETE_FILE, COMPLETE_PROGRAM, COMPLETE_PID };

struct option_spec {
	const char *name;      /* after "--" */
	char letter;           /* after "-"; 0: none */
	const char *argument;  /* its name in help; NULL: the option takes none */
	const char *help;      /* for the help page, in lines */
	unsigned int commands; /* a set of enum command_bit */
	enum option_completion completion;
	/*
	 * If the argument is one of a few words: the word of that number, or NULL behind the last.
	 */
	const char *(*word)(size_t index);
	/*
	 * Returns 0, or -EINVAL if @value is not valid. @value is NULL for an option without
	 * argument.
	 */
	int (*set)(struct options *options, const char *value);
	const char *expected; /* describes a valid value; NULL: one of its words, or anything */
};

extern const struct option_spec option_table[];
extern const size_t n_options;

/* Whether the option belongs to @command, an enum command_bit. */
bool option_belongs(const struct option_spec *option, unsigned int command);

#endif /* FLIGHTREC_OPTION_TABLE_H */
