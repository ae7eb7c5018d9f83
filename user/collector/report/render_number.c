// SPDX-License-Identifier: BSD-2-Clause
#include "collector/report/render_number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A double or long double has only zeros behind this many digits. Printed with all of them it is no
 * longer than REAL_SIZE_MAX.
 */
#define REAL_PRECISION_MAX 16500
#define REAL_SIZE_MAX (REAL_PRECISION_MAX + LDBL_MAX_10_EXP + 64)
/* The same for %a. */
#define HEXADECIMAL_PRECISION_MAX 32

/* The parts of a number, in this order; padding is added to them. */
struct number {
	char lead[4]; /* sign and 0x */
	const char *digits;
	size_t size;
	size_t split;  /* how many of the digits precede the zeros */
	size_t zeros;  /* added for the precision */
	bool zero_pad; /* pad with zeros, after @lead */
};

static void put_number(struct render_out *out, const struct render_spec *spec,
		       const struct number *number)
{
	size_t length = strlen(number->lead) + number->size + number->zeros;
	size_t padding = spec->width > length ? spec->width - length : 0;
	bool left = spec->flags & FORMAT_LEFT;

	if (!left && !number->zero_pad)
		render_fill(out, ' ', padding);
	render_put_text(out, number->lead);
	if (!left && number->zero_pad)
		render_fill(out, '0', padding);
	render_put(out, number->digits, number->split);
	render_fill(out, '0', number->zeros);
	render_put(out, number->digits + number->split, number->size - number->split);
	if (left)
		render_fill(out, ' ', padding);
}

/* Reduces an integer that was extended from an int to the length its conversion names. */
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
	case 'p':
		return 16;
	default:
		return 10;
	}
}

/* Fills in @lead. Returns the number whose digits are to be shown. */
static uint64_t take_lead(const struct render_spec *spec, uint64_t number, char *lead)
{
	char conversion = spec->conversion->conversion;
	unsigned int base = base_of(conversion);
	bool negative;

	if (conversion == 'd') {
		number = to_length(number, spec->conversion->length, true);
		negative = (int64_t)number < 0;
		strcpy(lead, sign_of(spec->flags, negative));
		return negative ? -number : number;
	}
	if (conversion == 'p') {
		strcpy(lead, sign_of(spec->flags, false));
		strcat(lead, "0x");
		return number;
	}
	number = to_length(number, spec->conversion->length, false);
	if ((base == 16 || base == 2) && spec->flags & FORMAT_ALT && number)
		strcpy(lead, (const char[]){'0', conversion, '\0'});
	return number;
}

void render_integer(struct render_out *out, const struct render_spec *spec, uint64_t number)
{
	char conversion = spec->conversion->conversion, buffer[64];
	const char *alphabet = conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char *digits = buffer + sizeof(buffer);
	unsigned int base = base_of(conversion);
	struct number to = {.lead = ""};
	size_t precision = 1;

	for (number = take_lead(spec, number, to.lead); number; number /= base, to.size++)
		*--digits = alphabet[number % base];
	to.digits = digits;
	if (spec->precision != FORMAT_NO_NUMBER)
		precision = (size_t)spec->precision;
	if (precision > to.size)
		to.zeros = precision - to.size;
	else if (base == 8 && spec->flags & FORMAT_ALT)
		to.zeros = 1;
	to.zero_pad = spec->flags & FORMAT_ZERO && spec->precision == FORMAT_NO_NUMBER;
	put_number(out, spec, &to);
}

/*
 * Not every 16 bytes are a valid long double: on x86 one bit is implied by the others, and glibc
 * before 2.33 overruns a buffer if it is wrong.
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

static long double read_real(const struct render_spec *spec, const unsigned char *data)
{
	double narrow;

	if (spec->conversion->kind == FORMAT_LONG_DOUBLE)
		return read_long_double(data);
	memcpy(&narrow, data, sizeof(narrow));
	return narrow;
}

/*
 * A precision at which all digits that are not 0 are shown; zeros beyond it need no help from libc.
 * It is not 0, which would drop the point, and for %g it covers the digits before the point.
 */
static int exact_precision(char conversion, int exponent)
{
	int behind, digits;

	if (conversion == 'a')
		return HEXADECIMAL_PRECISION_MAX;
	/* The number is f * 2^exponent, where f is less than 1 and has LDBL_MANT_DIG bits. */
	behind = exponent < LDBL_MANT_DIG ? LDBL_MANT_DIG - exponent : 1;
	/* Three bits make less than one decimal digit. */
	digits = conversion != 'f' && exponent > 0 ? behind + exponent / 3 + 1 : behind;
	return digits < REAL_PRECISION_MAX ? digits : REAL_PRECISION_MAX;
}

/*
 * The format for snprintf() is made here, and @buffer is large enough for any @precision up to
 * REAL_PRECISION_MAX.
 */
static int print_real(char buffer[REAL_SIZE_MAX], const struct render_spec *spec, int precision,
		      long double real)
{
	bool wide = spec->conversion->kind == FORMAT_LONG_DOUBLE;
	char format[16], *at = format;

	*at++ = '%';
	if (spec->flags & FORMAT_PLUS)
		*at++ = '+';
	if (spec->flags & FORMAT_SPACE)
		*at++ = ' ';
	if (spec->flags & FORMAT_ALT)
		*at++ = '#';
	*at++ = '.';
	*at++ = '*';
	if (wide)
		*at++ = 'L';
	*at++ = spec->conversion->conversion;
	*at = '\0';
	/* By the type it was passed as: %a shows a double differently from a long double. */
	if (wide)
		return snprintf(buffer, REAL_SIZE_MAX, format, precision, real);
	return snprintf(buffer, REAL_SIZE_MAX, format, precision, (double)real);
}

static bool charge(struct render_out *out, size_t bits)
{
	if (bits > out->work) {
		out->cut = true;
		return false;
	}
	out->work -= bits;
	return true;
}

void render_real(struct render_out *out, const struct render_spec *spec, const unsigned char *data)
{
	char conversion = (char)(spec->conversion->conversion | 0x20);
	long double real = read_real(spec, data);
	int precision = spec->precision, length, exact, exponent = 0;
	char buffer[REAL_SIZE_MAX];
	struct number to = {.digits = buffer};
	size_t n = 0;

	if (isfinite(real))
		frexpl(real, &exponent);
	if (!charge(out, (size_t)abs(exponent)))
		return;
	exact = exact_precision(conversion, exponent);
	if (precision > exact) {
		/* %g drops zeros at the end unless it has a #. */
		if (isfinite(real) && (conversion != 'g' || spec->flags & FORMAT_ALT))
			to.zeros = (size_t)(precision - exact);
		precision = exact;
	}
	length = print_real(buffer, spec, precision, real);
	if (length < 0 || length >= REAL_SIZE_MAX) {
		render_put_text(out, RENDER_MISSING);
		return;
	}
	if (*to.digits == '-' || *to.digits == '+' || *to.digits == ' ')
		to.lead[n++] = *to.digits++;
	if (conversion == 'a' && isfinite(real)) {
		to.lead[n++] = *to.digits++;
		to.lead[n++] = *to.digits++;
	}
	to.size = to.split = (size_t)length - n;
	if (to.zeros && conversion != 'f') {
		const char *mark = strpbrk(to.digits, conversion == 'a' ? "pP" : "eE");

		if (mark)
			to.split = (size_t)(mark - to.digits);
	}
	to.zero_pad = spec->flags & FORMAT_ZERO && isfinite(real);
	put_number(out, spec, &to);
}
