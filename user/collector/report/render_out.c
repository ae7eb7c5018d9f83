// SPDX-License-Identifier: BSD-2-Clause
#include "collector/report/render_out.h"

#include <string.h>

void render_fill(struct render_out *out, char c, size_t size)
{
	if (size > out->room) {
		size = out->room;
		out->cut = true;
	}
	memset(out->at, c, size);
	out->at += size;
	out->room -= size;
}

void render_put(struct render_out *out, const void *text, size_t size)
{
	const char *from = text;

	if (size > out->room) {
		size = format_whole_characters(from, out->room);
		out->room = size;
		out->cut = true;
	}
	out->room -= size;
	for (size_t i = 0; i < size; i++) {
		if (from[i])
			*out->at++ = from[i];
		else
			out->room++;
	}
}

void render_put_text(struct render_out *out, const char *text)
{
	render_put(out, text, strlen(text));
}

void render_put_padded(struct render_out *out, const struct render_spec *spec, const void *text,
		       size_t size)
{
	size_t padding = spec->width > size ? spec->width - size : 0;

	if (!(spec->flags & FORMAT_LEFT))
		render_fill(out, ' ', padding);
	render_put(out, text, size);
	if (spec->flags & FORMAT_LEFT)
		render_fill(out, ' ', padding);
}

size_t render_finish(struct render_out *out, char *start, const char *end)
{
	size_t size = strlen(end), length = (size_t)(out->at - start);

	if (size > out->room && size < length + out->room) {
		length = format_whole_characters(start, length + out->room - size);
		memcpy(start + length, end, size);
		out->at = start + length + size;
	} else if (size <= out->room) {
		memcpy(out->at, end, size);
		out->at += size;
	}
	*out->at = '\0';
	return (size_t)(out->at - start);
}
