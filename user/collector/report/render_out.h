/* SPDX-License-Identifier: BSD-2-Clause */
/* The output of render.c and render_number.c: text of a bounded size. */
#ifndef FLIGHTREC_COLLECTOR_RENDER_OUT_H
#define FLIGHTREC_COLLECTOR_RENDER_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/conversion.h"

/* Stands for a missing argument. */
#define RENDER_MISSING "..."

struct render_out {
	char *at;
	size_t room; /* left, not counting the NUL */
	size_t work; /* left, in bits of exponents: see render_real() */
	bool cut;    /* something did not fit, or was too much work */
};

/* A conversion with its `*` resolved. */
struct render_spec {
	const struct format_conversion *conversion;
	uint8_t flags;
	size_t width;
	int precision; /* or FORMAT_NO_NUMBER */
};

/* Appends @size times @c. */
void render_fill(struct render_out *out, char c, size_t size);

/* Appends text without its NULs, which do count as part of @size. Cuts between characters. */
void render_put(struct render_out *out, const void *text, size_t size);

void render_put_text(struct render_out *out, const char *text);

/*
 * Appends text padded to its width. A NUL from %c counts towards the width, though it is left out.
 */
void render_put_padded(struct render_out *out, const struct render_spec *spec, const void *text,
		       size_t size);

/*
 * Appends @end and a NUL to the message that begins at @start. If there is no room, @end replaces
 * the message's last bytes. Returns the length of it all.
 */
size_t render_finish(struct render_out *out, char *start, const char *end);

#endif /* FLIGHTREC_COLLECTOR_RENDER_OUT_H */
