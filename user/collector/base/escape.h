/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes bytes from an observed process safe for a terminal, a log, or JSON.
 *
 * A character is unsafe if it can move the cursor, end a line, reorder what a person reads, or make
 * two strings look alike by being invisible: control and format characters (Unicode categories Cc
 * and Cf), line and paragraph separators, and everything else that Unicode displays as nothing
 * (Default_Ignorable_Code_Point). Blanks of unusual width are safe: they can be seen.
 */
#ifndef FLIGHTREC_ESCAPE_H
#define FLIGHTREC_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/base/text_buffer.h"

/*
 * Appends @string to @to as part of one line. \n, \t and \r are written so; other unsafe ASCII
 * characters, and bytes that are not UTF-8, as \x1b; other unsafe characters as \u202e or
 * \U000e0001. Everything else stays as it is, even a backslash: messages read as they were logged,
 * at the price that a logged backslash and "n" look like an escaped newline. NULL writes nothing.
 */
void escape_text(struct text_buffer *to, const char *string);

/* The same in double quotes. Inside, backslashes and double quotes are preceded by a backslash. */
void escape_quoted(struct text_buffer *to, const char *string);

/*
 * For a name that is followed by other text, or stands where one word is expected. It is written as
 * it is if it consists of ASCII letters, digits and _ - . / + @ = % ~, and quoted otherwise. So
 * nothing unquoted can be mistaken for our own brackets, colons or blanks.
 */
void escape_word(struct text_buffer *to, const char *string);

/*
 * Appends @string to @to as a JSON string with its quotes, made of ASCII and safe characters only.
 * A reader of the JSON gets what was logged, with U+FFFD for each byte that is not UTF-8 (overlong
 * forms, surrogates and anything above U+10FFFF are not). NULL is the empty string.
 */
void escape_json(struct text_buffer *to, const char *string);

/*
 * The same for the key of an object: different keys stay different. A byte that is not UTF-8, or
 * belongs to a U+FFFD, becomes U+FFFD followed by the byte's two hexadecimal digits.
 */
void escape_json_key(struct text_buffer *to, const char *string);

#endif /* FLIGHTREC_ESCAPE_H */
