/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text that grows at its end, and keeps its memory from one use to the next: what takes
 * thousands of reports in a moment has no time for a stream's locks and formats.
 * Zeroed it is empty. Not thread-safe.
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
	bool failed; /* memory ran out: something was left out, and the rest will be */
};

/* Makes room for @size more bytes. Returns false, with failed set, if there is no memory. */
bool text_buffer_grow(struct text_buffer *to, size_t size);
void text_buffer_free(struct text_buffer *buffer);

/* Takes away all that is behind @size, and the failure to put it there. */
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

/* A decimal number, with zeros in front up to @digits. */
void text_number(struct text_buffer *to, uint64_t number, unsigned int digits);
/* A decimal number that may be negative. */
void text_integer(struct text_buffer *to, int64_t number);
/* "\x1b" and "\u009b": @prefix, then the lower @digits hexadecimal digits. */
void text_hex(struct text_buffer *to, const char *prefix, uint32_t number, unsigned int digits);
/* A fraction's @digits decimal digits, without the zeros at its end but for the first @least. */
void text_fraction(struct text_buffer *to, uint64_t fraction, unsigned int digits,
		   unsigned int least);

#endif /* FLIGHTREC_TEXT_BUFFER_H */
