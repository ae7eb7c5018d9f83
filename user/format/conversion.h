/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A parser for printf formats. The library learns from it what to pack and the collector what was
 * packed, so that they always agree. Reads nothing beyond the given size, allocates nothing, keeps
 * no state: async-signal-safe, and safe on any input.
 *
 * Where the C standard leaves a conversion undefined but glibc prints it ("%hf", "%5%"), we follow
 * glibc; where glibc would have to guess the argument's type, the format is malformed. "%b" and
 * "%w32d" work as in glibc 2.38, even if the process has an older one.
 */
#ifndef FLIGHTREC_FORMAT_CONVERSION_H
#define FLIGHTREC_FORMAT_CONVERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORMAT_ARGS_MAX 64

enum format_result {
	FORMAT_OK,
	FORMAT_END,       /* no more conversions */
	FORMAT_REFUSED,   /* a %n */
	FORMAT_MALFORMED, /* unknown conversion, numbered mixed with unnumbered arguments, or one
			     argument of two kinds */
	FORMAT_TRUNCATED, /* ends inside a conversion */
	FORMAT_GAP,       /* positions skip an argument, so its kind is unknown */
	FORMAT_TOO_MANY,  /* more than FORMAT_ARGS_MAX arguments */
};

/* What an argument is when it is passed and packed. */
enum format_kind {
	FORMAT_NONE,
	FORMAT_INT32,
	FORMAT_INT64,
	FORMAT_DOUBLE,
	FORMAT_LONG_DOUBLE,
	FORMAT_STRING,
	FORMAT_WIDE_STRING,
};

/* Flags. The I flag has no effect in the C locale and is dropped. */
#define FORMAT_LEFT 0x1u   /* - */
#define FORMAT_PLUS 0x2u   /* + */
#define FORMAT_SPACE 0x4u  /* the space */
#define FORMAT_ALT 0x8u    /* # */
#define FORMAT_ZERO 0x10u  /* 0 */
#define FORMAT_GROUP 0x20u /* ' */

/* The length of an integer. LONG with c and s means wide, LONG_LONG with f long double. */
enum format_length {
	FORMAT_PLAIN,
	FORMAT_CHAR,      /* hh, w8 */
	FORMAT_SHORT,     /* h, w16 */
	FORMAT_LONG,      /* l */
	FORMAT_LONG_LONG, /* ll, q, L, w64 */
	FORMAT_SIZE,      /* z, Z */
	FORMAT_MAX,       /* j */
	FORMAT_DIFF,      /* t */
};

#define FORMAT_NO_ARG 0xffu
#define FORMAT_NO_NUMBER (-1)

struct format_conversion {
	const char *text; /* its place in the format; for literal text, the text */
	size_t size;
	char conversion;       /* d b B o u x X c s p f F e E g G a A m; 0: literal text */
	uint8_t flags;         /* FORMAT_LEFT and so on */
	uint8_t length;        /* enum format_length */
	uint8_t kind;          /* enum format_kind, of its argument */
	uint8_t arg;           /* index of its argument, from 0, or FORMAT_NO_ARG */
	uint8_t width_arg;     /* the same for a `*` */
	uint8_t precision_arg; /* the same */
	int width;             /* or FORMAT_NO_NUMBER */
	int precision;         /* or FORMAT_NO_NUMBER */
};

struct format_parser {
	const char *at; /* what comes next; after an error, the conversion at fault */
	const char *end;
	uint8_t next_arg;
	bool sequential;
	bool positional;
};

void format_begin(struct format_parser *parser, const char *format, size_t size);

/*
 * Takes the next conversion, or run of literal text, which is never empty. `%%` is returned as the
 * text "%"; in the odd case that it contains a `*`, that argument is in *_arg. Returns FORMAT_OK,
 * FORMAT_END, or what is wrong. Only format_plan() can find a gap.
 */
enum format_result format_next(struct format_parser *parser, struct format_conversion *conversion);

#define FORMAT_UNLIMITED UINT32_MAX

/*
 * An argument. For a string, the number of bytes to read is at most the greater of @limit and,
 * unless it is FORMAT_NO_ARG, the int argument @limit_arg; if that argument is negative there is no
 * limit. For wide strings these are bytes of the converted string.
 */
struct format_arg {
	uint32_t limit;
	uint8_t kind;
	uint8_t limit_arg;
};

struct format_plan {
	uint8_t n;
	bool has_errno; /* the format has a %m */
	struct format_arg arg[FORMAT_ARGS_MAX];
};

/*
 * Fills in the arguments of a format, in the order they are passed. Returns FORMAT_OK or what is
 * wrong.
 */
enum format_result format_plan(const char *format, size_t size, struct format_plan *plan);

/*
 * Writes the UTF-8 of @c, or of U+FFFD if it is not a character, to @out (at least 4 bytes).
 * Returns its size.
 */
size_t format_utf8(uint32_t c, char *out);

/*
 * Where to cut @text, which is longer than @size, to at most @size bytes without splitting a UTF-8
 * character.
 */
size_t format_whole_characters(const char *text, size_t size);

#endif /* FLIGHTREC_FORMAT_CONVERSION_H */
