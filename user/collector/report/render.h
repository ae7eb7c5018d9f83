/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packed entries, as <flightrec/probes.h> describes them, into readable messages: as printf would
 * have written them in the C locale, but that wide characters always come as UTF-8.
 *
 * Formats and data come from an observed process, and may be anything. Time and stack taken are
 * bounded by the sizes given, whatever widths and precisions they ask for. Nothing is escaped
 * here: messages may hold any bytes but NUL, which is left out.
 */
#ifndef FLIGHTREC_COLLECTOR_RENDER_H
#define FLIGHTREC_COLLECTOR_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct render_input {
	const char *format; /* ends at @format_size or at a NUL; unused with FLIGHTREC_HOW_INLINE */
	size_t format_size;
	const unsigned char *data;
	size_t size;
	uint32_t severity_flags; /* as the entry probe has it: severity and FLIGHTREC_HOW_* */
};

/*
 * Writes the message of an entry to @out, NUL-terminated if @capacity is not 0.
 *
 * "..." stands for each argument that is missing. The message ends in " [format refused]" if its
 * format was or is refused, and in " [cut]" if it was cut, here or before.
 *
 * Returns the length of the message, less than @capacity unless that is 0.
 */
size_t render_message(const struct render_input *message, char *out, size_t capacity);

/* Context data, and how far it is read. */
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
 * Writes the next item of context data to @key and @value, cut if need be and NUL-terminated.
 * Returns false at the end, or if what is there is not an item.
 */
bool render_context_item(struct render_context *context, struct render_text key,
			 struct render_text value);

#endif /* FLIGHTREC_COLLECTOR_RENDER_H */
