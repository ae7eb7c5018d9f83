// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/report/render.c user/collector/report/render_number.c */
/* link: user/collector/report/render_out.c user/format/conversion.c user/lib/pack.c */
/*
 * A format of up to two arguments that C defines, packed and rendered, against what libc makes of
 * it. The input says what the format is made of, and then what the arguments are.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "collector/report/render.h"
#include "flightrec.h"
#include "flightrec/probes.h"
#include "fuzz.h"
#include "lib/pack.h"

#define OUT_MAX 65536

/* %.16000Lf and its like take libc a while, and it is asked twice. */
const struct fuzz_bounds fuzz_bounds = {
	.cpu_ns = {100000000, 20000},
	.allocated = {1 << 20, 64},
};

enum kind { INT, LONG, DOUBLE, LONG_DOUBLE, STRING, WIDE, KINDS };

struct input {
	const uint8_t *data;
	size_t size;
	char format[512];
	size_t length;
	enum kind kind[2];
	unsigned int n;
};

struct argument {
	int i;
	long l;
	double d;
	long double ld;
	const char *s;
	const wchar_t *w;
	char text[24];
	wchar_t wide[12];
};

static unsigned int next(struct input *in)
{
	return fuzz_byte(&in->data, &in->size);
}

static void put(struct input *in, const char *text)
{
	in->length += (size_t)snprintf(in->format + in->length, sizeof(in->format) - in->length,
				       "%s", text);
}

static void put_number(struct input *in)
{
	unsigned int number = next(in);
	char text[16];

	/* More digits than any number has, now and then. */
	if (number == 255)
		number = 16000 + next(in) * 4;
	snprintf(text, sizeof(text), "%u", number);
	put(in, text);
}

static void put_conversion(struct input *in, bool star)
{
	static const char *const lengths[KINDS][6] = {
		{"", "h", "hh", "", "", "h"}, {"l", "ll", "z", "j", "t", "q"},
		{"", "l", "", "", "", ""},    {"L", "L", "L", "L", "L", "L"},
		{"", "", "", "", "", ""},     {"l", "l", "l", "l", "l", "l"}};
	static const char *const letters[KINDS] = {"diouxXc",  "diouxX", "fFeEgGaA",
						   "fFeEgGaA", "s",      "s"};
	unsigned int flags = next(in), more = next(in), choice = next(in);
	enum kind kind = choice % KINDS;
	const char *all = letters[kind];
	char letter[2] = {all[next(in) % strlen(all)], '\0'};

	put(in, "%");
	for (unsigned int i = 0; i < 6; i++) {
		char flag[2] = {"-+ #0'"[i], '\0'};

		if (flags & 1u << i)
			put(in, flag);
	}
	if (star && more & 1)
		put(in, "*");
	else if (more & 2)
		put_number(in);
	if (more & 12)
		put(in, ".");
	if (star && more & 8 && !(more & 1))
		put(in, "*");
	else if (more & 4)
		put_number(in);
	if (star && more & 1)
		in->kind[in->n++] = INT;
	else if (star && more & 8)
		in->kind[in->n++] = INT;
	/* "%lc" is another thing than "%c", and what "%hc" is nobody says. */
	put(in, letter[0] == 'c' ? "" : lengths[kind][choice / KINDS % 6]);
	put(in, letter);
	in->kind[in->n++] = kind;
}

static void take(struct input *in, void *to, size_t size)
{
	size_t there = size < in->size ? size : in->size;

	memset(to, 0, size);
	if (there)
		memcpy(to, in->data, there);
	in->data += there;
	in->size -= there;
}

/* Not every 16 bytes are a long double; see read_long_double() of render_number.c. */
static void take_long_double(struct input *in, long double *to)
{
#if defined(__x86_64__)
	uint64_t significand;
	uint16_t exponent;

	take(in, &significand, sizeof(significand));
	take(in, &exponent, sizeof(exponent));
	if (exponent & 0x7fff)
		significand |= 1ull << 63;
	else
		significand &= ~(1ull << 63);
	memset(to, 0, sizeof(*to));
	memcpy(to, &significand, sizeof(significand));
	memcpy((char *)to + sizeof(significand), &exponent, sizeof(exponent));
#else
	take(in, to, sizeof(*to));
#endif
}

static void take_argument(struct input *in, enum kind kind, struct argument *to)
{
	switch (kind) {
	case INT:
		take(in, &to->i, sizeof(to->i));
		break;
	case LONG:
		take(in, &to->l, sizeof(to->l));
		break;
	case DOUBLE:
		take(in, &to->d, sizeof(to->d));
		break;
	case LONG_DOUBLE:
		take_long_double(in, &to->ld);
		break;
	default:
		take(in, to->text, sizeof(to->text) - 1);
		to->text[sizeof(to->text) - 1] = '\0';
		to->s = to->text[0] == 'N' ? NULL : to->text;
		/* In the C locale, libc refuses others. */
		for (size_t i = 0; i < 12; i++)
			to->wide[i] = i < 11 ? to->text[i] & 0x7f : 0;
		to->w = to->s ? to->wide : NULL;
		break;
	}
}

static void compare(const char *format, ...)
{
	static char expected[OUT_MAX], got[OUT_MAX];
	unsigned char data[FLIGHTREC_ENTRY_MAX];
	struct pack_source source = {.format = format, .how = FLIGHTREC_INFO};
	va_list args, again;
	size_t size;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(expected, sizeof(expected), format, again);
	va_end(again);
	size = pack_inline(&source, data, sizeof(data), args);
	va_end(args);
	fuzz_check(!(source.how & FLIGHTREC_HOW_REFUSED));
	render_message(
		&(struct render_input){.data = data, .size = size, .severity_flags = source.how},
		got, sizeof(got));
	/* A %c of NUL is left out; nothing is to be cut here. */
	if (source.how & FLIGHTREC_HOW_CUT || length < 0 || (size_t)length >= sizeof(expected) ||
	    strlen(expected) != (size_t)length)
		return;
	if (strcmp(expected, got) != 0) {
		fprintf(stderr, "%s: \"%s\" instead of \"%s\"\n", format, got, expected);
		fuzz_failed("as printf", __FILE__, __LINE__);
	}
}

#define ONE(x, X)                                                                                  \
	case x:                                                                                    \
		compare(f, a[0].X);                                                                \
		break;
#define TWO(x, X, y, Y)                                                                            \
	case KINDS + x *KINDS + y:                                                                 \
		compare(f, a[0].X, a[1].Y);                                                        \
		break;
#define WITH(x, X)                                                                                 \
	ONE(x, X)                                                                                  \
	TWO(x, X, INT, i)                                                                          \
	TWO(x, X, LONG, l)                                                                         \
	TWO(x, X, DOUBLE, d)                                                                       \
	TWO(x, X, LONG_DOUBLE, ld)                                                                 \
	TWO(x, X, STRING, s)                                                                       \
	TWO(x, X, WIDE, w)

void fuzz_one(const uint8_t *data, size_t size)
{
	struct input in = {.data = data, .size = size};
	struct argument a[2];
	const char *f = in.format;
	unsigned int how = next(&in);

	put_conversion(&in, how & 1);
	if (how & 2)
		put(&in, " %% \303\244");
	if (in.n < 2 && how & 4)
		put_conversion(&in, false);
	for (unsigned int i = 0; i < in.n; i++)
		take_argument(&in, in.kind[i], &a[i]);
	/* A width or a precision out of an int: not more than there is room for. */
	if (how & 1 && in.n == 2)
		a[0].i %= 20000;
	switch (in.n == 1 ? in.kind[0] : KINDS + in.kind[0] * KINDS + in.kind[1]) {
		WITH(INT, i)
		WITH(LONG, l)
		WITH(DOUBLE, d)
		WITH(LONG_DOUBLE, ld)
		WITH(STRING, s)
		WITH(WIDE, w)
	}
}

void fuzz_seeds(void)
{
	static const char all[] = "\0\0\0\0\0ABCDEFGHIJKL";
	char seed[sizeof(all)], name[16];

	memcpy(seed, all, sizeof(all));
	for (char how = 0; how < 8; how++) {
		for (char kind = 0; kind < KINDS; kind++) {
			seed[0] = how;
			seed[3] = kind;
			snprintf(name, sizeof(name), "%d-%d", how, kind);
			fuzz_seed(name, seed, sizeof(seed) - 1);
		}
	}
}
