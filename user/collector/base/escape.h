/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes bytes that came from an observed process fit for a terminal, a log, or JSON.
 *
 * A character is unsafe if it can move the cursor, end a line or reorder what a person reads:
 * the control characters (C0, DEL, C1), the line and paragraph separators (U+2028, U+2029), and
 * the controls that embed, override or isolate a direction (U+202A-202E, U+2066-2069).
 */
#ifndef FLIGHTREC_ESCAPE_H
#define FLIGHTREC_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/base/text_buffer.h"

/*
 * Appends @string to @to as one piece of one line: \n, \t and \r; \x1b for other unsafe ASCII
 * characters and for bytes that are not UTF-8; \u202e for unsafe characters above ASCII. All
 * else stays letter for letter, a backslash too: messages read as they were logged, at the price
 * that a logged "\n" of two letters looks like an escaped newline. NULL writes nothing.
 */
void escape_text(struct text_buffer *to, const char *string);

/*
 * Appends @string to @to as a JSON string, in its quotes, of ASCII and safe characters alone: a
 * reader of the JSON gets what was logged, with U+FFFD in place of each byte that is not UTF-8
 * (overlong forms, surrogates and what is above U+10FFFF are not). NULL is the empty string.
 */
void escape_json(struct text_buffer *to, const char *string);

#endif /* FLIGHTREC_ESCAPE_H */
