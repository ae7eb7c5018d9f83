/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spans: recorders of programs that do not use the library, by description. An event begins one,
 * another ends it, and further ones are its entries.
 *
 *	statement = "span" NAME TIMEOUT ["by" ARG] "{" clause... "}"
 *		  | event TIMEOUT ["by" ARG] ["return" "=" "hijack"] ["if" condition] [format]
 *	clause    = "name" format
 *		  | ("begin" | "end" | "log") event ["return" "=" "hijack"] ["if" condition]
 *[format] | "require" event ["or" STRING] event     = "usdt:" LIB ":" PROVIDER ":" NAME | "uprobe:"
 *LIB ":" FUNCTION | "syscall:" NAME ["," NAME]... condition = ARG ("==" | "!=" | "<" | "<=" | ">" |
 *">=") INTEGER | ARG ("==" | "!=") STRING format    = STRING ["," ARG]... ARG       = "arg" NUMBER
 *
 * A string is compared with the beginning of what the argument points to. "#" begins a comment.
 */
#ifndef FLIGHTREC_SPAN_SET_H
#define FLIGHTREC_SPAN_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/conversion.h"

#define SPAN_NAME_MAX 48
#define SPAN_ARGS_MAX 8 /* of a format */
#define SPAN_ARG_NUMBER_MAX 16
#define SPAN_PREFIX_MAX 32
#define SPAN_FORMAT_MAX 256
#define SPAN_TEXT_MAX (64 * 1024)
#define SPANS_MAX 64
/* Of all spans together: their numbers stand where call sites have addresses, of which none is that
 * low. */
#define SPAN_EVENTS_MAX 2048
#define SPAN_SYSCALLS_MAX 64 /* of an event */

#define SPAN_BY_THREAD (-1)

enum span_kind { SPAN_USDT, SPAN_UPROBE, SPAN_SYSCALL };
enum span_role { SPAN_BEGIN, SPAN_END, SPAN_LOG, SPAN_REQUIRE };
enum span_operator {
	SPAN_ALWAYS,
	SPAN_EQUAL,
	SPAN_UNEQUAL,
	SPAN_LESS,
	SPAN_LESS_EQUAL,
	SPAN_GREATER,
	SPAN_GREATER_EQUAL,
};

struct span_format {
	char *text; /* NULL: none */
	struct format_plan plan;
	uint8_t arg[SPAN_ARGS_MAX]; /* which argument of the event each conversion has */
};

struct span_condition {
	enum span_operator op;
	uint8_t arg;
	bool is_string;
	uint8_t length; /* of the string */
	int64_t number;
	char string[SPAN_PREFIX_MAX];
};

struct span_event {
	enum span_kind kind;
	enum span_role role;
	char *source; /* as it was written */
	char *library;
	char *provider; /* of a USDT probe */
	char *name;     /* of the probe or the function */
	int syscall[SPAN_SYSCALLS_MAX];
	size_t n_syscalls;
	bool hijack; /* the function's end is seen by changing its return address */
	struct span_condition condition;
	struct span_format format;
	char *reason; /* of a requirement: why it may not be met; or NULL */
	unsigned int line;
	unsigned int column;
};

struct span {
	char *name;
	uint64_t timeout_ns;
	int by_arg;   /* what tells one from another: an argument's number, or SPAN_BY_THREAD */
	bool has_end; /* an event ends it; otherwise what began it: a function, a system call */
	struct span_format format; /* of its recorders' name; or none */
	struct span_event *event;
	size_t n_events;
	size_t events_room;
	size_t first_number; /* of its events among those of all spans */
};

/* Zeroed: none. */
struct span_set {
	struct span *span;
	size_t n_spans;
	size_t room;
	size_t n_events; /* of all of them */
};

struct span_error {
	unsigned int line;
	unsigned int column;
	char text[256];
};

/*
 * Adds the statements of @text (@size bytes) to @set. Returns 0; -EINVAL, with @error filled in; or
 * -ENOMEM. After an error nothing of @text is in the set.
 */
int span_set_parse(struct span_set *set, const char *text, size_t size, struct span_error *error);
void span_set_free(struct span_set *set);

/* The event of a number from 1, and its span; NULL: there is none. */
const struct span_event *span_set_event(const struct span_set *set, size_t number,
					const struct span **span);

#endif /* FLIGHTREC_SPAN_SET_H */
