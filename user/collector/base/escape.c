/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/base/escape.h"

#include <stdint.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/*
 * Decodes the character at @bytes, of which @left are there. Returns its length and stores it in
 * @code; or returns 0 if it is not UTF-8.
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

/* The unsafe characters above ASCII, as of Unicode 16, sorted. */
static const struct {
	uint32_t first, last;
} unsafe_ranges[] = {
	{0x80, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},     {0x600, 0x605},
	{0x61c, 0x61c},     {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},
	{0x8e2, 0x8e2},     {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
	{0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164},
	{0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},
	{0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},
	{0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

static bool unsafe(uint32_t code)
{
	size_t low = 0, high = sizeof(unsafe_ranges) / sizeof(unsafe_ranges[0]);

	if (code < 0x80)
		return code < 0x20 || code == 0x7f;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (code > unsafe_ranges[middle].last)
			low = middle + 1;
		else if (code < unsafe_ranges[middle].first)
			high = middle;
		else
			return true;
	}
	return false;
}

/* What kind of text a string becomes part of. */
enum style { TEXT, QUOTED, JSON, JSON_KEY };

static inline bool is_json(enum style style)
{
	return style == JSON || style == JSON_KEY;
}

static inline bool is_plain(char c, enum style style)
{
	return c >= 0x20 && c < 0x7f && !(style != TEXT && (c == '"' || c == '\\'));
}

/*
 * How many of the @left bytes can be copied unchanged: nearly everything, so this is a fast path.
 */
static inline size_t plain(const char *bytes, size_t left, enum style style)
{
	size_t i;

	for (i = 0; i < left && is_plain(bytes[i], style); i++)
		;
	return i;
}

static void escape_ascii(struct text_buffer *to, uint32_t code, enum style style)
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
		if (is_json(style))
			text_hex(to, "\\u", code, 4);
		else
			text_hex(to, "\\x", code, 2);
	}
}

static void escape_byte(struct text_buffer *to, unsigned char byte, enum style style)
{
	if (style == JSON)
		text_string(to, REPLACEMENT);
	else
		text_hex(to, style == JSON_KEY ? REPLACEMENT : "\\x", byte, 2);
}

static void escape_unsafe(struct text_buffer *to, uint32_t code, enum style style)
{
	if (code < 0x10000) {
		text_hex(to, "\\u", code, 4);
	} else if (is_json(style)) {
		text_hex(to, "\\u", 0xd800 + ((code - 0x10000) >> 10), 4);
		text_hex(to, "\\u", 0xdc00 + ((code - 0x10000) & 0x3ff), 4);
	} else {
		text_hex(to, "\\U", code, 8);
	}
}

static inline void escape(struct text_buffer *to, const char *string, enum style style)
{
	size_t left = string ? strlen(string) : 0;
	size_t length;
	uint32_t code;

	for (; left; string += length, left -= length) {
		length = plain(string, left, style);
		if (length) {
			text_put(to, string, length);
			continue;
		}
		length = decode(string, left, &code);
		/*
		 * In a key, U+FFFD stands for a byte: a real one is written like the bytes that it
		 * consists of.
		 */
		if (length && code == 0xfffd && style == JSON_KEY)
			length = 0;
		if (!length) {
			escape_byte(to, (unsigned char)*string, style);
			length = 1;
		} else if (code < 0x80) {
			escape_ascii(to, code, style);
		} else if (unsafe(code)) {
			escape_unsafe(to, code, style);
		} else {
			text_put(to, string, length);
		}
	}
}

void escape_text(struct text_buffer *to, const char *string)
{
	escape(to, string, TEXT);
}

void escape_quoted(struct text_buffer *to, const char *string)
{
	text_char(to, '"');
	escape(to, string, QUOTED);
	text_char(to, '"');
}

static bool is_word(const char *string)
{
	if (!string || !*string)
		return false;
	for (; *string; string++) {
		bool letter =
			(*string >= 'a' && *string <= 'z') || (*string >= 'A' && *string <= 'Z');

		if (!letter && !(*string >= '0' && *string <= '9') && !strchr("_-./+@=%~", *string))
			return false;
	}
	return true;
}

void escape_word(struct text_buffer *to, const char *string)
{
	if (is_word(string))
		text_string(to, string);
	else
		escape_quoted(to, string);
}

void escape_json(struct text_buffer *to, const char *string)
{
	text_char(to, '"');
	escape(to, string, JSON);
	text_char(to, '"');
}

void escape_json_key(struct text_buffer *to, const char *string)
{
	text_char(to, '"');
	escape(to, string, JSON_KEY);
	text_char(to, '"');
}
