/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames of a stack as people read them. */
#ifndef FLIGHTREC_FRAME_TEXT_H
#define FLIGHTREC_FRAME_TEXT_H

#include <stddef.h>

#include "collector/base/text_buffer.h"
#include "collector/report/report.h"

/*
 * Appends "#0 function (file.c:27)"; where the source is not known "#0 function+0x1f (module)"; and
 * "#0 0x1f2e (module)", an address in that file, where nothing else is.
 */
void frame_text(struct text_buffer *to, const struct report_frame *frame, size_t number);

#endif /* FLIGHTREC_FRAME_TEXT_H */
