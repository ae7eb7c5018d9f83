// SPDX-License-Identifier: BSD-2-Clause
#include "format/conversion.h"

#include <limits.h>
#include <string.h>

#define POSITION_NONE 0 /* positions count from 1 */
#define FORMAT_NO_LENGTH 0xffu

struct cursor {
	const char *at;
	const char *end;
};

static bool is_digit(const struct cursor *cursor)
{
	return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
}

static bool take(struct cursor *cursor, char c)
{
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

/* A decimal number, 0 if there is none, INT_MAX if it is too large. */
static int take_number(struct cursor *cursor)
{
	long long number = 0;

	for (; is_digit(cursor); cursor->at++) {
		number = number * 10 + (*cursor->at - '0');
		if (number > INT_MAX)
			number = INT_MAX;
	}
	return (int)number;
}

/* Takes "N$", the position N. Takes nothing if something else is there. */
static enum format_result take_position(struct cursor *cursor, int *position)
{
	struct cursor ahead = *cursor;

	*position = POSITION_NONE;
	if (!is_digit(&ahead))
		return FORMAT_OK;
	*position = take_number(&ahead);
	if (ahead.at == ahead.end)
		return FORMAT_TRUNCATED;
	if (!take(&ahead, '$')) {
		*position = POSITION_NONE;
		return FORMAT_OK;
	}
	if (*position == POSITION_NONE)
		return FORMAT_MALFORMED;
	*cursor = ahead;
	return FORMAT_OK;
}

/* The index of the argument at @position, or of the next argument. */
static enum format_result assign(struct format_parser *parser, int position, uint8_t *arg)
{
	if (position == POSITION_NONE)
		parser->sequential = true;
	else
		parser->positional = true;
	if (parser->sequential && parser->positional)
		return FORMAT_MALFORMED;
	if (position == POSITION_NONE)
		position = parser->next_arg + 1;
	if (position > FORMAT_ARGS_MAX)
		return FORMAT_TOO_MANY;
	*arg = (uint8_t)(position - 1);
	if (parser->sequential)
		parser->next_arg++;
	return FORMAT_OK;
}

/* A width or precision: a number, `*` or `*N$`. */
static enum format_result take_size(struct format_parser *parser, struct cursor *cursor,
				    int *number, uint8_t *arg)
{
	enum format_result result;
	int position;

	if (!take(cursor, '*')) {
		*number = take_number(cursor);
		return FORMAT_OK;
	}
	result = take_position(cursor, &position);
	if (result != FORMAT_OK)
		return result;
	/* If the "$" is missing, the digits are caught as an unknown conversion. */
	return assign(parser, position, arg);
}

static uint8_t take_flags(struct cursor *cursor)
{
	uint8_t flags = 0;

	for (; cursor->at < cursor->end; cursor->at++) {
		switch (*cursor->at) {
		case '-':
			flags |= FORMAT_LEFT;
			break;
		case '+':
			flags |= FORMAT_PLUS;
			break;
		case ' ':
			flags |= FORMAT_SPACE;
			break;
		case '#':
			flags |= FORMAT_ALT;
			break;
		case '0':
			flags |= FORMAT_ZERO;
			break;
		case '\'':
			flags |= FORMAT_GROUP;
			break;
		case 'I':
			break;
		default:
			return flags;
		}
	}
	return flags;
}

/* "w32", "wf16": an exact number of bits, or the fast type of at least that many. */
static uint8_t take_bits(struct cursor *cursor)
{
	bool fast = take(cursor, 'f');

	switch (take_number(cursor)) {
	case 8:
		return FORMAT_CHAR;
	case 16:
		return !fast                       ? FORMAT_SHORT
		       : sizeof(int_fast16_t) == 4 ? FORMAT_PLAIN
						   : FORMAT_LONG_LONG;
	case 32:
		return fast && sizeof(int_fast32_t) == 8 ? FORMAT_LONG_LONG : FORMAT_PLAIN;
	case 64:
		return FORMAT_LONG_LONG;
	default:
		return FORMAT_NO_LENGTH;
	}
}

static uint8_t take_length(struct cursor *cursor)
{
	if (take(cursor, 'h'))
		return take(cursor, 'h') ? FORMAT_CHAR : FORMAT_SHORT;
	if (take(cursor, 'l'))
		return take(cursor, 'l') ? FORMAT_LONG_LONG : FORMAT_LONG;
	if (take(cursor, 'q') || take(cursor, 'L'))
		return FORMAT_LONG_LONG;
	if (take(cursor, 'z') || take(cursor, 'Z'))
		return FORMAT_SIZE;
	if (take(cursor, 'j'))
		return FORMAT_MAX;
	if (take(cursor, 't'))
		return FORMAT_DIFF;
	if (take(cursor, 'w'))
		return take_bits(cursor);
	return FORMAT_PLAIN;
}

/* Determines the kind, and replaces i, C and S by the conversions that they are synonyms of. */
static enum format_result settle_kind(struct format_conversion *conversion)
{
	switch (conversion->conversion) {
	case 'i':
		conversion->conversion = 'd';
		/* fall through */
	case 'd':
	case 'b':
	case 'B':
	case 'o':
	case 'u':
	case 'x':
	case 'X':
		conversion->kind = conversion->length <= FORMAT_SHORT ? FORMAT_INT32 : FORMAT_INT64;
		return FORMAT_OK;
	case 'p':
		conversion->kind = FORMAT_INT64;
		return FORMAT_OK;
	case 'f':
	case 'F':
	case 'e':
	case 'E':
	case 'g':
	case 'G':
	case 'a':
	case 'A':
		conversion->kind =
			conversion->length == FORMAT_LONG_LONG ? FORMAT_LONG_DOUBLE : FORMAT_DOUBLE;
		return FORMAT_OK;
	case 'C':
	case 'c':
	case 'S':
	case 's':
		if (conversion->length > FORMAT_LONG)
			return FORMAT_MALFORMED;
		if (conversion->conversion == 'C' || conversion->conversion == 'S') {
			conversion->length = FORMAT_LONG;
			conversion->conversion = conversion->conversion == 'C' ? 'c' : 's';
		}
		if (conversion->conversion == 'c')
			conversion->kind = FORMAT_INT32;
		else
			conversion->kind = conversion->length == FORMAT_LONG ? FORMAT_WIDE_STRING
									     : FORMAT_STRING;
		return FORMAT_OK;
	case 'm':
	case '%':
		return FORMAT_OK;
	case 'n':
		return FORMAT_REFUSED;
	default:
		return FORMAT_MALFORMED;
	}
}

/* Takes what follows a "%". */
static enum format_result take_conversion(struct format_parser *parser, struct cursor *cursor,
					  struct format_conversion *conversion)
{
	enum format_result result;
	int position;

	result = take_position(cursor, &position);
	if (result != FORMAT_OK)
		return result;
	conversion->flags = take_flags(cursor);
	if (is_digit(cursor) || (cursor->at < cursor->end && *cursor->at == '*')) {
		result = take_size(parser, cursor, &conversion->width, &conversion->width_arg);
		if (result != FORMAT_OK)
			return result;
	}
	if (take(cursor, '.')) {
		result = take_size(parser, cursor, &conversion->precision,
				   &conversion->precision_arg);
		if (result != FORMAT_OK)
			return result;
	}
	conversion->length = take_length(cursor);
	if (cursor->at == cursor->end)
		return FORMAT_TRUNCATED;
	if (conversion->length == FORMAT_NO_LENGTH)
		return FORMAT_MALFORMED;
	conversion->conversion = *cursor->at++;
	result = settle_kind(conversion);
	if (result == FORMAT_OK && conversion->kind != FORMAT_NONE)
		result = assign(parser, position, &conversion->arg);
	return result;
}

void format_begin(struct format_parser *parser, const char *format, size_t size)
{
	*parser = (struct format_parser){.at = format, .end = size ? format + size : format};
}

enum format_result format_next(struct format_parser *parser, struct format_conversion *conversion)
{
	struct cursor cursor = {parser->at, parser->end};
	enum format_result result;

	*conversion = (struct format_conversion){
		.text = cursor.at,
		.arg = FORMAT_NO_ARG,
		.width_arg = FORMAT_NO_ARG,
		.precision_arg = FORMAT_NO_ARG,
		.width = FORMAT_NO_NUMBER,
		.precision = FORMAT_NO_NUMBER,
	};
	if (cursor.at == cursor.end)
		return FORMAT_END;
	if (take(&cursor, '%')) {
		result = take_conversion(parser, &cursor, conversion);
		if (result != FORMAT_OK)
			return result;
	} else {
		cursor.at = memchr(cursor.at, '%', (size_t)(cursor.end - cursor.at));
		if (!cursor.at)
			cursor.at = cursor.end;
	}
	if (conversion->conversion == '%') {
		conversion->conversion = 0;
		conversion->text = cursor.at - 1;
	}
	conversion->size = (size_t)(cursor.at - conversion->text);
	parser->at = cursor.at;
	return FORMAT_OK;
}

/*
 * Records a use of argument @index. A string used more than once is read as far as its most
 * demanding use needs. Two precisions from different arguments are refused: a plan has no room for
 * both.
 */
static bool note_arg(struct format_plan *plan, uint8_t index, struct format_arg use)
{
	struct format_arg *arg = &plan->arg[index];

	while (plan->n <= index)
		plan->arg[plan->n++] = (struct format_arg){.limit_arg = FORMAT_NO_ARG};
	if (arg->kind == FORMAT_NONE) {
		*arg = use;
		return true;
	}
	if (arg->kind != use.kind)
		return false;
	if (arg->limit < use.limit)
		arg->limit = use.limit;
	if (arg->limit == FORMAT_UNLIMITED) {
		arg->limit_arg = FORMAT_NO_ARG;
		return true;
	}
	if (use.limit_arg == FORMAT_NO_ARG)
		return true;
	if (arg->limit_arg != FORMAT_NO_ARG && arg->limit_arg != use.limit_arg)
		return false;
	arg->limit_arg = use.limit_arg;
	return true;
}

static bool note_conversion(struct format_plan *plan, const struct format_conversion *conversion)
{
	static const struct format_arg number = {.kind = FORMAT_INT32, .limit_arg = FORMAT_NO_ARG};
	struct format_arg use = {.kind = conversion->kind, .limit_arg = FORMAT_NO_ARG};

	if (conversion->conversion == 'm')
		plan->has_errno = true;
	if (conversion->width_arg != FORMAT_NO_ARG &&
	    !note_arg(plan, conversion->width_arg, number))
		return false;
	if (conversion->precision_arg != FORMAT_NO_ARG &&
	    !note_arg(plan, conversion->precision_arg, number))
		return false;
	if (conversion->arg == FORMAT_NO_ARG)
		return true;
	if (use.kind == FORMAT_STRING || use.kind == FORMAT_WIDE_STRING) {
		if (conversion->precision_arg != FORMAT_NO_ARG)
			use.limit_arg = conversion->precision_arg;
		else if (conversion->precision != FORMAT_NO_NUMBER)
			use.limit = (uint32_t)conversion->precision;
		else
			use.limit = FORMAT_UNLIMITED;
	}
	return note_arg(plan, conversion->arg, use);
}

enum format_result format_plan(const char *format, size_t size, struct format_plan *plan)
{
	struct format_conversion conversion;
	struct format_parser parser;
	enum format_result result;

	plan->n = 0;
	plan->has_errno = false;
	format_begin(&parser, format, size);
	while ((result = format_next(&parser, &conversion)) == FORMAT_OK) {
		if (!note_conversion(plan, &conversion))
			return FORMAT_MALFORMED;
	}
	if (result != FORMAT_END)
		return result;
	for (size_t i = 0; i < plan->n; i++) {
		if (plan->arg[i].kind == FORMAT_NONE)
			return FORMAT_GAP;
	}
	return FORMAT_OK;
}

size_t format_utf8(uint32_t c, char *out)
{
	size_t size;

	if (c < 0x80) {
		*out = (char)c;
		return 1;
	}
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = size; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	/* As many bits as there are bytes, then a 0, then the rest of the character. */
	out[0] = (char)(0xf00 >> size | c);
	return size;
}

size_t format_whole_characters(const char *text, size_t size)
{
	size_t start = size;

	for (int i = 0; i < 3 && start && ((unsigned char)text[start] & 0xc0) == 0x80; i++)
		start--;
	return ((unsigned char)text[start] & 0xc0) == 0xc0 ? start : size;
}
