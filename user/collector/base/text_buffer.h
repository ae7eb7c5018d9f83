/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text that grows at its end and keeps its memory from one use to the next. Writing thousands of
 * reports in a moment leaves no time for the locks and formats of a stream. Zeroed, it is empty.
 * Not thread-safe.
 */
#ifndef FLIGHTREC_TEXT_BUFFER_H
#define FLIGHTREC_TEXT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text_buffer {
	char *data; /* not NUL-terminated */
	size_t size;
	size_t room;
	bool failed; /* memory ran out: something is missing, and all later text will be */
};

/* Makes room for @size more bytes. Returns false, with failed set, if there is no memory. */
bool text_buffer_grow(struct text_buffer *to, size_t size);
void text_buffer_free(struct text_buffer *buffer);

/* Removes everything after @size, and forgets a failure to append it. */
static inline void text_buffer_cut(struct text_buffer *buffer, size_t size)
{
	buffer->size = size;
	buffer->failed = false;
}

static inline void text_put(struct text_buffer *to, const char *bytes, size_t size)
{
	if (to->failed || (to->room - to->size < size && !text_buffer_grow(to, size)))
		return;
	if (size)
		memcpy(to->data + to->size, bytes, size);
	to->size += size;
}

static inline void text_string(struct text_buffer *to, const char *string)
{
	text_put(to, string, strlen(string));
}

static inline void text_char(struct text_buffer *to, char c)
{
	text_put(to, &c, 1);
}

/* Appends a decimal number, padded with zeros to @digits. */
void text_number(struct text_buffer *to, uint64_t number, unsigned int digits);
/* Appends a decimal number that may be negative. */
void text_integer(struct text_buffer *to, int64_t number);
/* Appends @prefix and the lowest @digits hexadecimal digits, such as "\x1b" or "\u009b". */
void text_hex(struct text_buffer *to, const char *prefix, uint32_t number, unsigned int digits);
/*
 * Appends the @digits decimal digits of a fraction, without trailing zeros after the first @least.
 */
void text_fraction(struct text_buffer *to, uint64_t fraction, unsigned int digits,
		   unsigned int least);

#endif /* FLIGHTREC_TEXT_BUFFER_H */
