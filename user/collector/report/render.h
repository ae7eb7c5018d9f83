/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns packed entries, as described in <flightrec/probes.h>, into readable messages: what printf
 * would have written in the C locale, except that wide characters always become UTF-8.
 *
 * Formats and data come from an observed process and may be anything. Time and stack are bounded by
 * the given sizes, whatever widths and precisions are asked for. Nothing is escaped here: a message
 * may contain any bytes except NUL, which is left out.
 */
#ifndef FLIGHTREC_COLLECTOR_RENDER_H
#define FLIGHTREC_COLLECTOR_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct render_input {
	const char
		*format; /* ends at @format_size or at a NUL; not used with FLIGHTREC_HOW_INLINE */
	size_t format_size;
	const unsigned char *data;
	size_t size;
	uint32_t severity_flags; /* as in the entry probe: severity and FLIGHTREC_HOW_* */
};

/*
 * Writes the message of an entry to @out, NUL-terminated unless @capacity is 0.
 *
 * Each missing argument becomes "...". The message ends in " [format refused]" if its format was
 * refused, here or in the process, and in " [cut]" if it was cut, here or before.
 *
 * Returns the length of the message, which is less than @capacity unless that is 0.
 */
size_t render_message(const struct render_input *message, char *out, size_t capacity);

/* Context data, and how far it has been read. */
struct render_context {
	const unsigned char *data;
	size_t size;
	size_t at; /* 0 at first */
};

struct render_text {
	char *at;
	size_t capacity; /* not 0 */
};

/*
 * Writes the next item of context data to @key and @value, NUL-terminated and cut if necessary.
 * Returns false at the end, or if the data there is not an item.
 */
bool render_context_item(struct render_context *context, struct render_text key,
			 struct render_text value);

#endif /* FLIGHTREC_COLLECTOR_RENDER_H */
