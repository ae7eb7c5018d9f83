// SPDX-License-Identifier: BSD-2-Clause
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strerrorname_np() */
#endif
#include "collector/report/render.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flightrec/probes.h"
#include "format/conversion.h"

/*
 * A double, or long double, has no digits other than 0 behind so many; with those, it is
 * no longer than this.
 */
#define REAL_PRECISION_MAX 16500
#define REAL_SIZE_MAX (REAL_PRECISION_MAX + LDBL_MAX_10_EXP + 64)

#define MISSING "..."
#define CUT " [cut]"
#define REFUSED " [format refused]"

/* What is written; what has no room is dropped. */
struct out {
	char *at;
	size_t room; /* without the NUL */
	bool cut;
};

/* An argument as it was packed. */
struct value {
	const unsigned char *data; /* NULL: missing */
	size_t size;
	bool null; /* a string that was NULL */
};

/* A conversion with its `*` filled in. */
struct spec {
	const struct format_conversion *conversion;
	uint8_t flags;
	size_t width;
	int precision; /* or FORMAT_NO_NUMBER */
};

static void fill(struct out *out, char c, size_t size)
{
	if (size > out->room) {
		size = out->room;
		out->cut = true;
	}
	memset(out->at, c, size);
	out->at += size;
	out->room -= size;
}

static void put(struct out *out, const void *text, size_t size)
{
	const char *from = text;

	if (size > out->room) {
		size = format_whole_characters(from, out->room);
		out->room = size;
		out->cut = true;
	}
	out->room -= size;
	for (size_t i = 0; i < size; i++) {
		if (from[i])
			*out->at++ = from[i];
		else
			out->room++;
	}
}

static void put_text(struct out *out, const char *text)
{
	put(out, text, strlen(text));
}

/* Text in its width. A %c of NUL counts in the width, though it is left out. */
static void put_padded(struct out *out, const struct spec *spec, const void *text, size_t size)
{
	size_t padding = spec->width > size ? spec->width - size : 0;

	if (!(spec->flags & FORMAT_LEFT))
		fill(out, ' ', padding);
	put(out, text, size);
	if (spec->flags & FORMAT_LEFT)
		fill(out, ' ', padding);
}

/*
 * A number in its width: @lead (sign and 0x), zeros up to the width if @zero_pad, the digits up
 * to @split, @zeros zeros, and the other digits.
 */
static void put_number(struct out *out, const struct spec *spec, const char *lead,
		       const char *digits, size_t size, size_t split, size_t zeros, bool zero_pad)
{
	size_t length = strlen(lead) + size + zeros;
	size_t padding = spec->width > length ? spec->width - length : 0;
	bool left = spec->flags & FORMAT_LEFT;

	if (!left && !zero_pad)
		fill(out, ' ', padding);
	put_text(out, lead);
	if (!left && zero_pad)
		fill(out, '0', padding);
	put(out, digits, split);
	fill(out, '0', zeros);
	put(out, digits + split, size - split);
	if (left)
		fill(out, ' ', padding);
}

static uint64_t read_integer(const struct value *value)
{
	uint64_t wide;
	int32_t narrow;

	if (value->size == sizeof(wide)) {
		memcpy(&wide, value->data, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, value->data, sizeof(narrow));
	return (uint64_t)(int64_t)narrow;
}

/* Brings an integer, extended from an int, to the length that its conversion says. */
static uint64_t to_length(uint64_t number, uint8_t length, bool is_signed)
{
	switch (length) {
	case FORMAT_CHAR:
		return is_signed ? (uint64_t)(int8_t)number : (uint8_t)number;
	case FORMAT_SHORT:
		return is_signed ? (uint64_t)(int16_t)number : (uint16_t)number;
	case FORMAT_PLAIN:
		return is_signed ? (uint64_t)(int32_t)number : (uint32_t)number;
	default:
		return number;
	}
}

static const char *sign_of(uint8_t flags, bool negative)
{
	if (negative)
		return "-";
	if (flags & FORMAT_PLUS)
		return "+";
	return flags & FORMAT_SPACE ? " " : "";
}

static unsigned int base_of(char conversion)
{
	switch (conversion) {
	case 'b':
	case 'B':
		return 2;
	case 'o':
		return 8;
	case 'x':
	case 'X':
		return 16;
	default:
		return 10;
	}
}

static void put_integer(struct out *out, const struct spec *spec, uint64_t number)
{
	char conversion = spec->conversion->conversion, lead[4] = "", buffer[64];
	const char *alphabet = conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	size_t size = 0, zeros = 0, precision = 1;
	char *digits = buffer + sizeof(buffer);
	unsigned int base = 10;

	if (conversion == 'd') {
		bool negative;

		number = to_length(number, spec->conversion->length, true);
		negative = (int64_t)number < 0;
		strcpy(lead, sign_of(spec->flags, negative));
		if (negative)
			number = -number;
	} else if (conversion == 'p') {
		base = 16;
		strcpy(lead, sign_of(spec->flags, false));
		strcat(lead, "0x");
	} else {
		number = to_length(number, spec->conversion->length, false);
		base = base_of(conversion);
		if ((base == 16 || base == 2) && spec->flags & FORMAT_ALT && number)
			strcpy(lead, (const char[]){'0', conversion, '\0'});
	}
	for (uint64_t rest = number; rest; rest /= base, size++)
		*--digits = alphabet[rest % base];
	if (spec->precision != FORMAT_NO_NUMBER)
		precision = (size_t)spec->precision;
	if (precision > size)
		zeros = precision - size;
	else if (base == 8 && spec->flags & FORMAT_ALT)
		zeros = 1;
	put_number(out, spec, lead, digits, size, 0, zeros,
		   spec->flags & FORMAT_ZERO && spec->precision == FORMAT_NO_NUMBER);
}

/*
 * Not every 16 bytes are a long double: x86's has bits that its exponent implies, and glibc
 * before 2.33 overruns a buffer if they are not as implied.
 */
static long double read_long_double(const unsigned char *data)
{
	long double real;

#if defined(__x86_64__)
	uint64_t significand;
	uint16_t exponent;

	memcpy(&significand, data, 8);
	memcpy(&exponent, data + 8, 2);
	if (exponent & 0x7fff && !(significand >> 63))
		return (long double)NAN;
#endif
	memcpy(&real, data, sizeof(real));
	return real;
}

/* snprintf() gets a format made here, and a precision that @buffer is large enough for. */
static int print_real(char *buffer, size_t size, const struct spec *spec, int precision,
		      const struct value *value, bool *finite)
{
	char format[16], *at = format;
	long double real;
	double narrow;

	*at++ = '%';
	if (spec->flags & FORMAT_PLUS)
		*at++ = '+';
	if (spec->flags & FORMAT_SPACE)
		*at++ = ' ';
	if (spec->flags & FORMAT_ALT)
		*at++ = '#';
	*at++ = '.';
	*at++ = '*';
	if (spec->conversion->kind == FORMAT_LONG_DOUBLE)
		*at++ = 'L';
	*at++ = spec->conversion->conversion;
	*at = '\0';
	if (spec->conversion->kind == FORMAT_LONG_DOUBLE) {
		real = read_long_double(value->data);
		*finite = isfinite(real);
		return snprintf(buffer, size, format, precision, real);
	}
	memcpy(&narrow, value->data, sizeof(narrow));
	*finite = isfinite(narrow);
	return snprintf(buffer, size, format, precision, narrow);
}

static void put_real(struct out *out, const struct spec *spec, const struct value *value)
{
	char conversion = (char)(spec->conversion->conversion | 0x20);
	char buffer[REAL_SIZE_MAX], lead[4] = "", *digits = buffer;
	size_t size, split, zeros = 0, n = 0;
	int precision = spec->precision, length;
	bool finite;

	if (precision > REAL_PRECISION_MAX) {
		/* Of %g, zeros at the end are dropped unless it has a #. */
		if (conversion != 'g' || spec->flags & FORMAT_ALT)
			zeros = (size_t)precision - REAL_PRECISION_MAX;
		precision = REAL_PRECISION_MAX;
	}
	length = print_real(buffer, sizeof(buffer), spec, precision, value, &finite);
	if (length < 0 || (size_t)length >= sizeof(buffer)) {
		put_text(out, MISSING);
		return;
	}
	size = (size_t)length;
	if (*digits == '-' || *digits == '+' || *digits == ' ')
		lead[n++] = *digits++;
	if (conversion == 'a' && finite) {
		lead[n++] = *digits++;
		lead[n++] = *digits++;
	}
	lead[n] = '\0';
	size -= n;
	split = size;
	if (!finite) {
		zeros = 0;
	} else if (zeros && conversion != 'f') {
		const char *exponent = strpbrk(digits, conversion == 'a' ? "pP" : "eE");

		if (exponent)
			split = (size_t)(exponent - digits);
	}
	put_number(out, spec, lead, digits, size, split, zeros,
		   spec->flags & FORMAT_ZERO && finite);
}

static void put_string(struct out *out, const struct spec *spec, const struct value *value)
{
	size_t size = value->size;

	if (value->null) {
		/* As glibc does: all of it or nothing. */
		bool fits = spec->precision == FORMAT_NO_NUMBER || spec->precision >= 6;

		put_padded(out, spec, "(null)", fits ? 6 : 0);
		return;
	}
	if (spec->precision != FORMAT_NO_NUMBER && size > (size_t)spec->precision) {
		size = (size_t)spec->precision;
		if (spec->conversion->kind == FORMAT_WIDE_STRING)
			size = format_whole_characters((const char *)value->data, size);
	}
	put_padded(out, spec, value->data, size);
}

static void put_character(struct out *out, const struct spec *spec, uint32_t c)
{
	char text[4] = {(char)c};

	put_padded(out, spec, text,
		   spec->conversion->length == FORMAT_LONG ? format_utf8(c, text) : 1);
}

static void put_errno(struct out *out, const struct spec *spec, const struct value *value)
{
	const char *string = NULL;
	struct value text;
	int32_t number;

	memcpy(&number, value->data, sizeof(number));
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
	if (spec->flags & FORMAT_ALT) {
		static const struct format_conversion decimal = {.conversion = 'd'};
		struct spec as_number = *spec;

		string = strerrorname_np(number);
		if (!string) {
			as_number.conversion = &decimal;
			put_integer(out, &as_number, (uint64_t)(int64_t)number);
			return;
		}
	}
#endif
	if (!string)
		string = strerror(number);
	text = (struct value){.data = (const unsigned char *)string, .size = strlen(string)};
	put_string(out, spec, &text);
}

/* The int that a `*` takes, if it has one; false if that argument is missing. */
static bool star(const struct value *values, uint8_t arg, int *number)
{
	if (arg == FORMAT_NO_ARG)
		return true;
	if (!values[arg].data)
		return false;
	*number = (int)(int32_t)read_integer(&values[arg]);
	return true;
}

static void put_conversion(struct out *out, const struct format_conversion *conversion,
			   const struct value *values, const struct value *saved_errno)
{
	const struct value *value =
		conversion->conversion == 'm' ? saved_errno : &values[conversion->arg];
	struct spec spec = {.conversion = conversion, .flags = conversion->flags};
	int width = conversion->width, precision = conversion->precision;

	if (!star(values, conversion->width_arg, &width) ||
	    !star(values, conversion->precision_arg, &precision) || !value->data) {
		put_text(out, MISSING);
		return;
	}
	if (width < 0 && conversion->width_arg != FORMAT_NO_ARG) {
		spec.flags |= FORMAT_LEFT;
		spec.width = (size_t) - (long)width;
	} else if (width > 0) {
		spec.width = (size_t)width;
	}
	spec.precision = precision < 0 ? FORMAT_NO_NUMBER : precision;
	switch (conversion->conversion) {
	case 'm':
		put_errno(out, &spec, value);
		break;
	case 's':
		put_string(out, &spec, value);
		break;
	case 'c':
		put_character(out, &spec, (uint32_t)read_integer(value));
		break;
	case 'p':
		if (read_integer(value))
			put_integer(out, &spec, read_integer(value));
		else
			put_padded(out, &spec, "(nil)", 5);
		break;
	case 'd':
	case 'b':
	case 'B':
	case 'o':
	case 'u':
	case 'x':
	case 'X':
		put_integer(out, &spec, read_integer(value));
		break;
	default:
		put_real(out, &spec, value);
		break;
	}
}

/* Takes a packed string; what the data ends within counts as cut. */
static bool take_string(const unsigned char **data, size_t *size, struct value *value, bool *cut)
{
	uint16_t word;

	*value = (struct value){.data = NULL};
	if (*size < sizeof(word))
		return false;
	memcpy(&word, *data, sizeof(word));
	*data += sizeof(word);
	*size -= sizeof(word);
	value->data = *data;
	if (word == FLIGHTREC_STRING_NULL) {
		value->null = true;
		return true;
	}
	value->size = word & ~FLIGHTREC_STRING_CUT;
	if (value->size > *size) {
		value->size = *size;
		*cut = true;
	}
	if (word & FLIGHTREC_STRING_CUT)
		*cut = true;
	*data += value->size;
	*size -= value->size;
	return true;
}

static bool take_fixed(const unsigned char **data, size_t *size, struct value *value, size_t n)
{
	*value = (struct value){.data = NULL};
	if (*size < n)
		return false;
	*value = (struct value){.data = *data, .size = n};
	*data += n;
	*size -= n;
	return true;
}

/* Finds each argument in the data; those after one that is missing are missing, too. */
static void unpack(const struct format_plan *plan, const unsigned char *data, size_t size,
		   struct value *values, struct value *saved_errno, bool *cut)
{
	static const uint8_t fixed_size[] = {
		[FORMAT_INT32] = 4,
		[FORMAT_INT64] = 8,
		[FORMAT_DOUBLE] = 8,
		[FORMAT_LONG_DOUBLE] = 16,
	};
	bool there = !plan->has_errno || take_fixed(&data, &size, saved_errno, 4);

	for (size_t i = 0; i < plan->n; i++) {
		uint8_t kind = plan->arg[i].kind;

		values[i] = (struct value){.data = NULL};
		if (!there)
			continue;
		if (kind == FORMAT_STRING || kind == FORMAT_WIDE_STRING)
			there = take_string(&data, &size, &values[i], cut);
		else
			there = take_fixed(&data, &size, &values[i], fixed_size[kind]);
	}
}

/* Ends the message with @size bytes of @end, over the last of it if there is no other room. */
static size_t finish(struct out *out, char *start, const char *end)
{
	size_t size = strlen(end), length = (size_t)(out->at - start);

	if (size > out->room && size < length + out->room) {
		length = format_whole_characters(start, length + out->room - size);
		memcpy(start + length, end, size);
		out->at = start + length + size;
	} else if (size <= out->room) {
		memcpy(out->at, end, size);
		out->at += size;
	}
	*out->at = '\0';
	return (size_t)(out->at - start);
}

size_t render_message(const char *format, size_t format_size, const unsigned char *data,
		      size_t size, uint32_t how, char *buffer, size_t capacity)
{
	struct value values[FORMAT_ARGS_MAX], saved_errno = {.data = NULL};
	struct out out = {.at = buffer, .room = capacity ? capacity - 1 : 0};
	struct format_conversion conversion;
	struct format_parser parser;
	struct format_plan plan;
	bool refused = how & FLIGHTREC_HOW_REFUSED, cut = how & FLIGHTREC_HOW_CUT;

	if (!capacity)
		return 0;
	if (how & FLIGHTREC_HOW_INLINE) {
		struct value packed;

		if (!take_string(&data, &size, &packed, &cut))
			cut = true;
		format = (const char *)packed.data;
		format_size = packed.size;
	}
	format_size = format_size ? strnlen(format, format_size) : 0;
	if (how & (FLIGHTREC_HOW_STEP_IN | FLIGHTREC_HOW_STEP_OUT))
		put_text(&out, how & FLIGHTREC_HOW_STEP_IN ? "+" : "-");
	if (refused || format_plan(format, format_size, &plan) != FORMAT_OK) {
		refused = true;
		put(&out, format, format_size);
	} else {
		unpack(&plan, data, size, values, &saved_errno, &cut);
		format_begin(&parser, format, format_size);
		while (!out.cut && format_next(&parser, &conversion) == FORMAT_OK) {
			if (conversion.conversion)
				put_conversion(&out, &conversion, values, &saved_errno);
			else
				put(&out, conversion.text, conversion.size);
		}
	}
	cut |= out.cut || (refused && out.room < strlen(REFUSED));
	if (refused)
		return finish(&out, buffer, cut ? REFUSED CUT : REFUSED);
	return finish(&out, buffer, cut ? CUT : "");
}

bool render_context_item(const unsigned char *data, size_t size, size_t *at, char *key,
			 size_t key_capacity, char *value, size_t value_capacity)
{
	struct out out = {.at = key, .room = key_capacity - 1};
	struct value name;
	bool cut = false;
	uint16_t length;

	if (*at > size || size - *at < sizeof(length))
		return false;
	data += *at;
	size -= *at + sizeof(length);
	memcpy(&length, data, sizeof(length));
	data += sizeof(length);
	if (length > size)
		return false;
	size = length;
	if (!take_string(&data, &size, &name, &cut))
		return false;
	*at += sizeof(length) + length;
	put(&out, name.data, name.size);
	*out.at = '\0';
	render_message(NULL, 0, data, size, FLIGHTREC_HOW_INLINE, value, value_capacity);
	return true;
}
