// SPDX-License-Identifier: BSD-2-Clause
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strerrorname_np() */
#endif
/*
 * A message is made in two passes over its format. In the first, format_plan() determines the kind
 * of each argument, as the library did when it packed them, so unpack() can find each one in the
 * data. The second pass goes through the conversions and writes each with its argument.
 *
 * Why not printf? The format comes from the observed process, and printf trusts its format: it
 * reads arguments that are not there, writes through %n, and spends as long as a width of two
 * billion takes. Only the digits of a real number are left to snprintf(), with a format made here.
 *
 * What holds at every step, whatever the format and the data:
 * - Nothing is read except the bytes of the format and the data. An argument beyond the end of the
 *   data is missing, and so are all after it, since where they begin depends on its size.
 * - Nothing is written beyond the room there is. Once something does not fit, the rest is not
 *   looked at, so what precedes " [cut]" is the same as it would be in a larger buffer.
 * - The work is bounded by the size of the format, the room, and out->work for what libc does.
 */
#include "collector/report/render.h"

#include <stdio.h>
#include <string.h>

#include "collector/report/render_number.h"
#include "collector/report/render_out.h"
#include "flightrec/probes.h"
#include "format/conversion.h"

#define CUT " [cut]"
#define REFUSED " [format refused]"

/* What is left of the packed data. */
struct packed {
	const unsigned char *data;
	size_t size;
	bool cut; /* something is incomplete */
};

/* An argument as it was packed. */
struct value {
	const unsigned char *data; /* NULL: missing */
	size_t size;
	bool null; /* a string that was NULL */
};

struct values {
	struct value arg[FORMAT_ARGS_MAX];
	struct value saved_errno;
};

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

static void put_string(struct render_out *out, const struct render_spec *spec,
		       const struct value *value)
{
	size_t size = value->size;

	if (value->null) {
		/* Like glibc: all of it or nothing. */
		bool fits = spec->precision == FORMAT_NO_NUMBER || spec->precision >= 6;

		render_put_padded(out, spec, "(null)", fits ? 6 : 0);
		return;
	}
	if (spec->precision != FORMAT_NO_NUMBER && size > (size_t)spec->precision) {
		size = (size_t)spec->precision;
		if (spec->conversion->kind == FORMAT_WIDE_STRING)
			size = format_whole_characters((const char *)value->data, size);
	}
	render_put_padded(out, spec, value->data, size);
}

static void put_character(struct render_out *out, const struct render_spec *spec, uint32_t c)
{
	char text[4] = {(char)c};

	render_put_padded(out, spec, text,
			  spec->conversion->length == FORMAT_LONG ? format_utf8(c, text) : 1);
}

static void put_errno(struct render_out *out, const struct render_spec *spec,
		      const struct value *value)
{
	const char *string = NULL;
	struct value text;
	int32_t number;

	memcpy(&number, value->data, sizeof(number));
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
	if (spec->flags & FORMAT_ALT) {
		static const struct format_conversion decimal = {.conversion = 'd'};
		struct render_spec as_number = *spec;

		string = strerrorname_np(number);
		if (!string) {
			as_number.conversion = &decimal;
			render_integer(out, &as_number, (uint64_t)(int64_t)number);
			return;
		}
	}
#endif
	if (!string)
		string = strerror(number);
	text = (struct value){.data = (const unsigned char *)string, .size = strlen(string)};
	put_string(out, spec, &text);
}

/* Reads the int for a `*`, if there is one. Returns false if that argument is missing. */
static bool star(const struct values *values, uint8_t arg, int *number)
{
	if (arg == FORMAT_NO_ARG)
		return true;
	if (!values->arg[arg].data)
		return false;
	*number = (int)(int32_t)read_integer(&values->arg[arg]);
	return true;
}

static void put_value(struct render_out *out, const struct render_spec *spec,
		      const struct value *value)
{
	switch (spec->conversion->conversion) {
	case 'm':
		put_errno(out, spec, value);
		break;
	case 's':
		put_string(out, spec, value);
		break;
	case 'c':
		put_character(out, spec, (uint32_t)read_integer(value));
		break;
	case 'p':
		if (read_integer(value))
			render_integer(out, spec, read_integer(value));
		else
			render_put_padded(out, spec, "(nil)", 5);
		break;
	case 'd':
	case 'b':
	case 'B':
	case 'o':
	case 'u':
	case 'x':
	case 'X':
		render_integer(out, spec, read_integer(value));
		break;
	default:
		render_real(out, spec, value->data);
		break;
	}
}

static void put_conversion(struct render_out *out, const struct format_conversion *conversion,
			   const struct values *values)
{
	const struct value *value = conversion->conversion == 'm' ? &values->saved_errno
								  : &values->arg[conversion->arg];
	struct render_spec spec = {.conversion = conversion, .flags = conversion->flags};
	int width = conversion->width, precision = conversion->precision;

	if (!star(values, conversion->width_arg, &width) ||
	    !star(values, conversion->precision_arg, &precision) || !value->data) {
		render_put_text(out, RENDER_MISSING);
		return;
	}
	if (width < 0 && conversion->width_arg != FORMAT_NO_ARG) {
		spec.flags |= FORMAT_LEFT;
		spec.width = (size_t) - (long)width;
	} else if (width > 0) {
		spec.width = (size_t)width;
	}
	spec.precision = precision < 0 ? FORMAT_NO_NUMBER : precision;
	put_value(out, &spec, value);
}

/* Takes a packed string. If the data ends inside it, it counts as cut. */
static bool take_string(struct packed *from, struct value *value)
{
	uint16_t word;

	*value = (struct value){.data = NULL};
	if (from->size < sizeof(word))
		return false;
	memcpy(&word, from->data, sizeof(word));
	from->data += sizeof(word);
	from->size -= sizeof(word);
	value->data = from->data;
	if (word == FLIGHTREC_STRING_NULL) {
		value->null = true;
		return true;
	}
	value->size = word & ~FLIGHTREC_STRING_CUT;
	if (value->size > from->size) {
		value->size = from->size;
		from->cut = true;
	}
	if (word & FLIGHTREC_STRING_CUT)
		from->cut = true;
	from->data += value->size;
	from->size -= value->size;
	return true;
}

static bool take_fixed(struct packed *from, struct value *value, size_t size)
{
	*value = (struct value){.data = NULL};
	if (from->size < size)
		return false;
	*value = (struct value){.data = from->data, .size = size};
	from->data += size;
	from->size -= size;
	return true;
}

/* Finds each argument in the data. After one that is missing, all are missing. */
static void unpack(const struct format_plan *plan, struct packed *from, struct values *values)
{
	static const uint8_t fixed_size[] = {
		[FORMAT_INT32] = 4,
		[FORMAT_INT64] = 8,
		[FORMAT_DOUBLE] = 8,
		[FORMAT_LONG_DOUBLE] = 16,
	};
	bool there = !plan->has_errno || take_fixed(from, &values->saved_errno, 4);

	for (size_t i = 0; i < plan->n; i++) {
		uint8_t kind = plan->arg[i].kind;

		values->arg[i] = (struct value){.data = NULL};
		if (!there)
			continue;
		if (kind == FORMAT_STRING || kind == FORMAT_WIDE_STRING)
			there = take_string(from, &values->arg[i]);
		else
			there = take_fixed(from, &values->arg[i], fixed_size[kind]);
	}
}

/* Returns false if the format is refused; then it is written as it is. */
static bool put_message(struct render_out *out, struct value format, struct packed *packed)
{
	const char *text = (const char *)format.data;
	struct format_conversion conversion;
	struct format_parser parser;
	struct format_plan plan;
	struct values values;

	if (format_plan(text, format.size, &plan) != FORMAT_OK) {
		render_put(out, text, format.size);
		return false;
	}
	values.saved_errno = (struct value){.data = NULL};
	unpack(&plan, packed, &values);
	format_begin(&parser, text, format.size);
	while (!out->cut && format_next(&parser, &conversion) == FORMAT_OK) {
		if (conversion.conversion)
			put_conversion(out, &conversion, &values);
		else
			render_put(out, conversion.text, conversion.size);
	}
	return true;
}

size_t render_message(const struct render_input *message, char *buffer, size_t capacity)
{
	struct render_out out = {.at = buffer, .room = capacity - 1, .work = RENDER_WORK};
	struct packed packed = {
		.data = message->data,
		.size = message->size,
		.cut = message->severity_flags & FLIGHTREC_HOW_CUT,
	};
	struct value format = {(const unsigned char *)message->format, message->format_size, false};
	bool refused = message->severity_flags & FLIGHTREC_HOW_REFUSED, cut;

	if (!capacity)
		return 0;
	if (message->severity_flags & FLIGHTREC_HOW_INLINE && !take_string(&packed, &format))
		packed.cut = true;
	format.size = format.size ? strnlen((const char *)format.data, format.size) : 0;
	if (message->severity_flags & (FLIGHTREC_HOW_STEP_IN | FLIGHTREC_HOW_STEP_OUT))
		render_put_text(&out, message->severity_flags & FLIGHTREC_HOW_STEP_IN ? "+" : "-");
	if (refused)
		render_put(&out, format.data, format.size);
	else
		refused = !put_message(&out, format, &packed);
	cut = packed.cut || out.cut || (refused && out.room < strlen(REFUSED));
	if (refused)
		return render_finish(&out, buffer, cut ? REFUSED CUT : REFUSED);
	return render_finish(&out, buffer, cut ? CUT : "");
}

bool render_context_item(struct render_context *context, struct render_text key,
			 struct render_text value)
{
	struct render_out out = {.at = key.at, .room = key.capacity - 1};
	struct packed item = {.data = context->data};
	struct value name;
	uint16_t length;

	if (context->at > context->size || context->size - context->at < sizeof(length))
		return false;
	memcpy(&length, context->data + context->at, sizeof(length));
	if (length > context->size - context->at - sizeof(length))
		return false;
	item.data += context->at + sizeof(length);
	item.size = length;
	if (!take_string(&item, &name))
		return false;
	context->at += sizeof(length) + length;
	render_put(&out, name.data, name.size);
	*out.at = '\0';
	render_message(
		&(struct render_input){
			.data = item.data,
			.size = item.size,
			.severity_flags = FLIGHTREC_HOW_INLINE,
		},
		value.at, value.capacity);
	return true;
}
