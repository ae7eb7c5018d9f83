/* SPDX-License-Identifier: BSD-2-Clause */
/* How the files of the form "json" write JSON. */
#ifndef FLIGHTREC_JSON_WRITING_H
#define FLIGHTREC_JSON_WRITING_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/base/escape.h"
#include "collector/base/text_buffer.h"
#include "collector/report/date_cache.h"

struct json {
	struct text_buffer *to;
	struct date_cache *dates;
	bool first; /* no item yet in the object or array that is open */
};

/* Writes what precedes each value of an array. */
static inline void begin_value(struct json *json)
{
	if (!json->first)
		text_char(json->to, ',');
	json->first = false;
}

/* @key is one of ours, so there is nothing to escape. */
static inline void begin_member(struct json *json, const char *key, size_t size)
{
	begin_value(json);
	text_char(json->to, '"');
	text_put(json->to, key, size);
	text_put(json->to, "\":", 2);
}

#define KEY(json, name) begin_member(json, name, sizeof(name) - 1)

static inline void open_object(struct json *json)
{
	text_char(json->to, '{');
	json->first = true;
}

static inline void close_object(struct json *json)
{
	text_char(json->to, '}');
	json->first = false;
}

static inline void open_array(struct json *json)
{
	text_char(json->to, '[');
	json->first = true;
}

static inline void close_array(struct json *json)
{
	text_char(json->to, ']');
	json->first = false;
}

static inline void put_literal(struct json *json, const char *literal)
{
	text_string(json->to, literal);
}

/* NULL becomes null. */
static inline void put_string_or_null(struct json *json, const char *bytes)
{
	if (bytes)
		escape_json(json->to, bytes);
	else
		put_literal(json, "null");
}

/* For values that are always there. NULL becomes "". */
static inline void put_string(struct json *json, const char *bytes)
{
	escape_json(json->to, bytes);
}

/* Within the range that a reader accepts as a 64-bit integer. */
static inline void put_count(struct json *json, uint64_t n)
{
	text_number(json->to, n > INT64_MAX ? INT64_MAX : n, 1);
}

/* Numbers that are no counts: addresses. */
static inline void put_address(struct json *json, uint64_t address)
{
	unsigned int digits = 1;

	while (digits < 16 && address >> (4 * digits))
		digits++;
	text_char(json->to, '"');
	for (unsigned int shift = 4 * digits; shift; shift -= 4) {
		if (shift == 4 * digits)
			text_string(json->to, "0x");
		text_char(json->to, "0123456789abcdef"[address >> (shift - 4) & 15]);
	}
	text_char(json->to, '"');
}

static inline void put_integer(struct json *json, int64_t n)
{
	text_integer(json->to, n);
}

/* With one to four digits after the point. */
static inline void put_milliseconds(struct json *json, uint64_t ns)
{
	uint64_t rounded = ns / 100 + (ns % 100 >= 50);

	text_number(json->to, rounded / 10000, 1);
	text_char(json->to, '.');
	text_fraction(json->to, rounded % 10000, 4, 1);
}

#endif /* FLIGHTREC_JSON_WRITING_H */
