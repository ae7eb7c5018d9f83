/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/base/escape.h"

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

static bool is_plain(char c, bool json)
{
	return c >= 0x20 && c < 0x7f && !(json && (c == '"' || c == '\\'));
}

/* How many of the @left bytes stay as they are: most of what is logged, so worth a short cut. */
static inline size_t plain(const char *bytes, size_t left, bool json)
{
	size_t i;

	for (i = 0; i < left && is_plain(bytes[i], json); i++)
		;
	return i;
}

static void escape_ascii(struct text_buffer *to, uint32_t code, bool json)
{
	switch (code) {
	case '\n':
		text_string(to, "\\n");
		break;
	case '\t':
		text_string(to, "\\t");
		break;
	case '\r':
		text_string(to, "\\r");
		break;
	case '"':
	case '\\':
		text_char(to, '\\');
		text_char(to, (char)code);
		break;
	default:
		if (json)
			text_hex(to, "\\u", code, 4);
		else
			text_hex(to, "\\x", code, 2);
	}
}

static void escape_byte(struct text_buffer *to, unsigned char byte, bool json)
{
	if (json)
		text_string(to, REPLACEMENT);
	else
		text_hex(to, "\\x", byte, 2);
}

static inline void escape(struct text_buffer *to, const char *string, bool json)
{
	size_t left = string ? strlen(string) : 0;
	size_t length;
	uint32_t code;

	for (; left; string += length, left -= length) {
		length = plain(string, left, json);
		if (length) {
			text_put(to, string, length);
			continue;
		}
		length = decode(string, left, &code);
		if (!length) {
			escape_byte(to, (unsigned char)*string, json);
			length = 1;
		} else if (code < 0x80) {
			escape_ascii(to, code, json);
		} else if (unsafe(code)) {
			text_hex(to, "\\u", code, 4);
		} else {
			text_put(to, string, length);
		}
	}
}

void escape_text(struct text_buffer *to, const char *string)
{
	escape(to, string, false);
}

void escape_json(struct text_buffer *to, const char *string)
{
	text_char(to, '"');
	escape(to, string, true);
	text_char(to, '"');
}
