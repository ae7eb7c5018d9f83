/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/escape.h"

#include <stdint.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/*
 * Returns the length of the character that begins at @bytes, of which @left are there, and
 * stores its number to @code; 0: no UTF-8.
 */
static size_t decode(const char *bytes, size_t left, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *byte = (const unsigned char *)bytes;
	size_t length, i;

	if (byte[0] < 0x80) {
		*code = byte[0];
		return 1;
	}
	if (byte[0] >= 0xc0 && byte[0] < 0xe0)
		length = 2;
	else if (byte[0] >= 0xe0 && byte[0] < 0xf0)
		length = 3;
	else if (byte[0] >= 0xf0 && byte[0] < 0xf8)
		length = 4;
	else
		return 0;
	if (length > left)
		return 0;

	*code = byte[0] & (0x7f >> length);
	for (i = 1; i < length; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (byte[i] & 0x3f);
	}
	if (*code < least[length] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return length;
}

static bool unsafe(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 || code == 0x2029 ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* How many of the @left bytes are printable ASCII: most of what is logged, so worth a short cut. */
static size_t plain(const char *bytes, size_t left)
{
	size_t i;

	for (i = 0; i < left && bytes[i] >= 0x20 && bytes[i] < 0x7f; i++)
		;
	return i;
}

static void escape_ascii(struct text_buffer *to, unsigned int byte)
{
	switch (byte) {
	case '\n':
		text_string(to, "\\n");
		break;
	case '\t':
		text_string(to, "\\t");
		break;
	case '\r':
		text_string(to, "\\r");
		break;
	default:
		text_hex(to, "\\x", byte, 2);
	}
}

void escape_text(struct text_buffer *to, const char *string)
{
	size_t left = string ? strlen(string) : 0;
	size_t length;
	uint32_t code;

	while (left) {
		length = plain(string, left);
		if (length) {
			text_put(to, string, length);
		} else {
			length = decode(string, left, &code);
			if (!length) {
				text_hex(to, "\\x", (unsigned char)*string, 2);
				length = 1;
			} else if (!unsafe(code)) {
				text_put(to, string, length);
			} else if (code < 0x80) {
				escape_ascii(to, code);
			} else {
				text_hex(to, "\\u", code, 4);
			}
		}
		string += length;
		left -= length;
	}
}

static void escape_json_ascii(struct text_buffer *to, uint32_t code)
{
	switch (code) {
	case '"':
		text_string(to, "\\\"");
		break;
	case '\\':
		text_string(to, "\\\\");
		break;
	case '\n':
		text_string(to, "\\n");
		break;
	case '\t':
		text_string(to, "\\t");
		break;
	case '\r':
		text_string(to, "\\r");
		break;
	default:
		text_hex(to, "\\u", code, 4);
	}
}

static size_t plain_json(const char *bytes, size_t left)
{
	size_t i;

	for (i = 0;
	     i < left && bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '"' && bytes[i] != '\\';
	     i++)
		;
	return i;
}

void escape_json(struct text_buffer *to, const char *string)
{
	size_t left = string ? strlen(string) : 0;
	size_t length;
	uint32_t code;

	text_char(to, '"');
	while (left) {
		length = plain_json(string, left);
		if (length) {
			text_put(to, string, length);
		} else {
			length = decode(string, left, &code);
			if (!length) {
				text_string(to, REPLACEMENT);
				length = 1;
			} else if (code < 0x80) {
				escape_json_ascii(to, code);
			} else if (unsafe(code)) {
				text_hex(to, "\\u", code, 4);
			} else {
				text_put(to, string, length);
			}
		}
		string += length;
		left -= length;
	}
	text_char(to, '"');
}
