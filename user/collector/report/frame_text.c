// SPDX-License-Identifier: BSD-2-Clause
#include "collector/report/frame_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "collector/base/escape.h"

static void put_hexadecimal(struct text_buffer *to, const char *before, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%s0x%" PRIx64, before, number);
	text_string(to, text);
}

static void put_place(struct text_buffer *to, const struct report_frame *frame)
{
	const char *base = frame->module ? strrchr(frame->module, '/') : NULL;

	text_string(to, " (");
	if (frame->file) {
		escape_text(to, frame->file);
		text_char(to, ':');
		text_number(to, frame->line, 1);
	} else {
		escape_text(to, base ? base + 1 : frame->module);
	}
	text_char(to, ')');
}

void frame_text(struct text_buffer *to, const struct report_frame *frame, size_t number)
{
	text_char(to, '#');
	text_number(to, number, 1);
	text_char(to, ' ');
	if (frame->function)
		escape_text(to, frame->function);
	if (!frame->function || !frame->file)
		put_hexadecimal(to, frame->function ? "+" : "", frame->offset);
	if (frame->file || frame->module)
		put_place(to, frame);
	if (frame->times > 1) {
		text_string(to, ", ");
		text_number(to, frame->times, 1);
		text_string(to, " times");
	}
}
