/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of `flightrec`: one table, and a file cmd_*.c for each, called by main.c. */
#ifndef FLIGHTREC_COMMAND_H
#define FLIGHTREC_COMMAND_H

#include <stddef.h>

/* Exit codes. Otherwise `run` exits with the status of its command. */
#define EXIT_FAILED 1
#define EXIT_USAGE 2
#define EXIT_NOTHING 3
#define EXIT_UNSUPPORTED 4

struct options;

/* For sets of commands, as in struct option_spec. */
enum command_bit {
	COMMAND_RUN = 1 << 0,
	COMMAND_ATTACH = 1 << 1,
	COMMAND_LIST = 1 << 2,
	COMMAND_DUMP = 1 << 3,
	COMMAND_DOCTOR = 1 << 4,
	COMMAND_HELP = 1 << 5,
	COMMAND_COMPLETION = 1 << 6,
	COMMAND_SPANS = 1 << 7,
	COMMAND_TOP = 1 << 8,
	COMMAND_EVERY = (1 << 9) - 1,
};

/* What may follow the options. */
enum operands {
	OPERANDS_NONE,
	OPERANDS_PROGRAM, /* a command and its arguments; options end where it begins */
	OPERANDS_PIDS,
	OPERANDS_COMMAND, /* the name of one of these commands, or nothing */
	OPERANDS_SHELL,
};

struct command {
	enum command_bit bit;
	const char *name;
	const char *synopsis;    /* what follows the name */
	const char *summary;     /* a few words */
	const char *description; /* for its page of help, in lines */
	enum operands operands;
};

extern const struct command commands[];
extern const size_t n_commands;

/* Returns NULL if there is no such command. */
const struct command *command_find(const char *name);
/* The command that was probably meant, or NULL. */
const char *command_nearest(const char *name);

/* Run a command. Each returns the exit status. */
int cmd_run(const struct options *options);
int cmd_attach(const struct options *options);
int cmd_list(const struct options *options);
int cmd_top(const struct options *options);
int cmd_dump(const struct options *options);
int cmd_spans(const struct options *options);
int cmd_doctor(const struct options *options);
int cmd_help(const struct options *options);
int cmd_completion(const struct options *options);

#endif /* FLIGHTREC_COMMAND_H */
