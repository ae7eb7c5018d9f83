/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a message goes while render.c and render_number.c put it together: as far as there is room.
 */
#ifndef FLIGHTREC_COLLECTOR_RENDER_OUT_H
#define FLIGHTREC_COLLECTOR_RENDER_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/conversion.h"

/* Stands for an argument that is missing. */
#define RENDER_MISSING "..."

struct render_out {
	char *at;
	size_t room; /* left, without the NUL */
	size_t work; /* left, in bits of exponents: see render_real() */
	bool cut;    /* something had no room, or was too much work */
};

/* A conversion with its `*` filled in. */
struct render_spec {
	const struct format_conversion *conversion;
	uint8_t flags;
	size_t width;
	int precision; /* or FORMAT_NO_NUMBER */
};

/* @size times @c. */
void render_fill(struct render_out *out, char c, size_t size);

/* Text without its NULs, which count for @size only; cut between characters. */
void render_put(struct render_out *out, const void *text, size_t size);

void render_put_text(struct render_out *out, const char *text);

/* Text in its width. A %c of NUL counts in the width, though it is left out. */
void render_put_padded(struct render_out *out, const struct render_spec *spec, const void *text,
		       size_t size);

/*
 * Ends the message that began at @start with @end and a NUL. Where @end has no room, it takes the
 * place of the message's last bytes. Returns the length of it all.
 */
size_t render_finish(struct render_out *out, char *start, const char *end);

#endif /* FLIGHTREC_COLLECTOR_RENDER_OUT_H */
