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
#include <stdio.h>

/*
 * Writes @string to @out as one piece of one line: \n, \t and \r; \x1b for other unsafe ASCII
 * characters and for bytes that are not UTF-8; \u202e for unsafe characters above ASCII. All
 * else stays letter for letter, a backslash too: messages read as they were logged, at the price
 * that a logged "\n" of two letters looks like an escaped newline. NULL writes nothing.
 */
void escape_text(FILE *out, const char *string);

/*
 * Writes @size bytes of JSON to @out, with the unsafe characters that JSON lets pass in its
 * strings (DEL, C1 ...) as \u009B. What a reader of the JSON gets stays the same. No character
 * may be split between two calls.
 */
void escape_json(FILE *out, const char *json, size_t size);

/* Whether @string is UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_valid(const char *string);

/*
 * Returns a copy of @string, to be freed, with U+FFFD in place of each byte that is not UTF-8;
 * NULL: no memory.
 */
char *utf8_sanitize(const char *string);

#endif /* FLIGHTREC_ESCAPE_H */
