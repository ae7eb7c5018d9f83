/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes bytes that came from an observed process fit for a terminal, a log, or JSON.
 *
 * A character is unsafe if it can move the cursor, end a line, reorder what a person reads, or
 * make two strings look alike by being invisible: control and format characters (Unicode's
 * categories Cc and Cf), line and paragraph separators, and whatever else Unicode has displayed
 * as nothing (Default_Ignorable_Code_Point). Blanks of unusual width are safe: they show.
 */
#ifndef FLIGHTREC_ESCAPE_H
#define FLIGHTREC_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/base/text_buffer.h"

/*
 * Appends @string to @to as one piece of one line: \n, \t and \r; \x1b for other unsafe ASCII
 * characters and for bytes that are not UTF-8; \u202e and \U000e0001 for other unsafe characters.
 * All else stays letter for letter, a backslash too: messages read as they were logged, at the
 * price that a logged "\n" of two letters looks like an escaped newline. NULL writes nothing.
 */
void escape_text(struct text_buffer *to, const char *string);

/* The same in double quotes; within, a backslash or a double quote has a backslash before it. */
void escape_quoted(struct text_buffer *to, const char *string);

/*
 * For a name that other text follows or that stands where a person expects one word: as it is if
 * it consists of ASCII letters, digits and _ - . / + @ = % ~, else quoted. Nothing unquoted can be
 * taken for brackets, a colon or a blank of ours.
 */
void escape_word(struct text_buffer *to, const char *string);

/*
 * Appends @string to @to as a JSON string, in its quotes, of ASCII and safe characters alone: a
 * reader of the JSON gets what was logged, with U+FFFD in place of each byte that is not UTF-8
 * (overlong forms, surrogates and what is above U+10FFFF are not). NULL is the empty string.
 */
void escape_json(struct text_buffer *to, const char *string);

/*
 * The same for a key of an object: keys that differ stay different. A byte that is not UTF-8, or
 * is part of a U+FFFD, becomes U+FFFD and the byte's two hexadecimal digits.
 */
void escape_json_key(struct text_buffer *to, const char *string);

#endif /* FLIGHTREC_ESCAPE_H */
