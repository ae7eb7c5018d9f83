/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/escape.h"

#include <stdint.h>
#include <stdlib.h>
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

static void escape_ascii(FILE *out, unsigned int byte)
{
	switch (byte) {
	case '\n':
		fputs("\\n", out);
		break;
	case '\t':
		fputs("\\t", out);
		break;
	case '\r':
		fputs("\\r", out);
		break;
	default:
		fprintf(out, "\\x%02x", byte);
	}
}

void escape_text(FILE *out, const char *string)
{
	size_t left = string ? strlen(string) : 0;
	size_t length;
	uint32_t code;

	while (left) {
		length = plain(string, left);
		if (length) {
			fwrite(string, 1, length, out);
		} else {
			length = decode(string, left, &code);
			if (!length) {
				fprintf(out, "\\x%02x", (unsigned char)*string);
				length = 1;
			} else if (!unsafe(code)) {
				fwrite(string, 1, length, out);
			} else if (code < 0x80) {
				escape_ascii(out, code);
			} else {
				fprintf(out, "\\u%04x", (unsigned int)code);
			}
		}
		string += length;
		left -= length;
	}
}

void escape_json(FILE *out, const char *json, size_t size)
{
	size_t length;
	uint32_t code;

	while (size) {
		length = plain(json, size);
		if (length) {
			fwrite(json, 1, length, out);
		} else {
			length = decode(json, size, &code);
			/* Those below are escaped in strings already, or stand between tokens. */
			if (length && code >= 0x7f && unsafe(code))
				fprintf(out, "\\u%04X", (unsigned int)code);
			else
				fwrite(json, 1, length ? length : 1, out);
			if (!length)
				length = 1;
		}
		json += length;
		size -= length;
	}
}

bool utf8_valid(const char *string)
{
	size_t left = strlen(string);
	size_t length;
	uint32_t code;

	for (; left; string += length, left -= length) {
		length = plain(string, left);
		if (!length)
			length = decode(string, left, &code);
		if (!length)
			return false;
	}
	return true;
}

char *utf8_sanitize(const char *string)
{
	size_t left = strlen(string);
	size_t length;
	uint32_t code;
	char *clean, *to;

	/* At worst each byte becomes the three of U+FFFD. */
	if (left > (SIZE_MAX - 1) / 3)
		return NULL;
	clean = to = malloc(left * 3 + 1);
	if (!clean)
		return NULL;

	for (; left; string += length, left -= length) {
		length = decode(string, left, &code);
		if (length) {
			memcpy(to, string, length);
			to += length;
		} else {
			memcpy(to, REPLACEMENT, 3);
			to += 3;
			length = 1;
		}
	}
	*to = '\0';
	return clean;
}
