/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/* libs: jansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/base/escape.h"

/* What is in @text, which is freed, as a string of its own. */
static char *taken(struct text_buffer *text)
{
	char *string;

	assert_false(text->failed);
	text_char(text, '\0');
	assert_int_equal(strlen(text->data), text->size - 1);
	string = strdup(text->data);
	text_buffer_free(text);
	return string;
}

static char *escaped(const char *string)
{
	struct text_buffer text = {0};

	escape_text(&text, string);
	return taken(&text);
}

/* What a reader of the JSON gets. */
static char *sanitized(const char *string)
{
	struct text_buffer text = {0};
	char *json, *clean;
	json_t *value;

	escape_json(&text, string);
	json = taken(&text);
	value = json_loads(json, JSON_DECODE_ANY, NULL);
	assert_non_null(value);
	clean = strdup(json_string_value(value));
	json_decref(value);
	free(json);
	return clean;
}

static bool utf8_valid(const char *string)
{
	char *clean = sanitized(string);
	bool same = !strcmp(clean, string);

	free(clean);
	return same;
}

static void assert_escaped(const char *string, const char *expected)
{
	char *text = escaped(string);

	assert_string_equal(text, expected);
	free(text);
}

static void test_ordinary_text_stays(void **state)
{
	char *ascii;
	int i;

	(void)state;
	ascii = calloc(1, 128);
	for (i = 0x20; i < 0x7f; i++)
		ascii[i - 0x20] = (char)i;
	assert_escaped(ascii, ascii);
	free(ascii);
	assert_escaped("", "");
	assert_escaped(NULL, "");
	assert_escaped("C:\\new\\table \\x1b", "C:\\new\\table \\x1b");
	assert_escaped("Grüße, мир, 世界, 😀, \u00a0", "Grüße, мир, 世界, 😀, \u00a0");
	/* Characters next to those that are escaped. */
	assert_escaped("\u00a0\u00ac\u00ae\u200a\u2010\u2027\u202f\u205f\u2070",
		       "\u00a0\u00ac\u00ae\u200a\u2010\u2027\u202f\u205f\u2070");
	assert_escaped("\u061b\u061d\u180a\ufdff\ufe10\ufefe\uff00\uffef\ufffc\ufffd",
		       "\u061b\u061d\u180a\ufdff\ufe10\ufefe\uff00\uffef\ufffc\ufffd");
	assert_escaped("\ud7ff\ue000\U0010ffff", "\ud7ff\ue000\U0010ffff");
}

static void test_controls(void **state)
{
	char string[4] = "a?b";
	char expected[16];
	int i;

	(void)state;
	assert_escaped("a\nb\tc\rd", "a\\nb\\tc\\rd");
	assert_escaped("\x1b[31mred\x1b[0m\x07", "\\x1b[31mred\\x1b[0m\\x07");
	for (i = 1; i < 0x20; i++) {
		if (i == '\n' || i == '\t' || i == '\r')
			continue;
		string[1] = (char)i;
		snprintf(expected, sizeof(expected), "a\\x%02xb", (unsigned int)i);
		assert_escaped(string, expected);
	}
	assert_escaped("\x7f", "\\x7f");
}

static void test_unsafe_characters(void **state)
{
	uint32_t code;
	char string[8], expected[16];

	(void)state;
	for (code = 0x80; code < 0xa0; code++) {
		snprintf(string, sizeof(string), "\xc2%c", (int)code);
		snprintf(expected, sizeof(expected), "\\u%04x", (unsigned int)code);
		assert_escaped(string, expected);
	}
	assert_escaped("\u2028\u2029", "\\u2028\\u2029");
	assert_escaped("\u202a\u202b\u202c\u202d\u202e", "\\u202a\\u202b\\u202c\\u202d\\u202e");
	assert_escaped("\u2066\u2067\u2068\u2069", "\\u2066\\u2067\\u2068\\u2069");
	assert_escaped("\u200b\u200c\u200d\u200e\u200f\ufeff",
		       "\\u200b\\u200c\\u200d\\u200e\\u200f\\ufeff");
	assert_escaped("\u00ad\u061c\u180e\u2060\u2065\u206f\ufff9\ufe0f\u3164",
		       "\\u00ad\\u061c\\u180e\\u2060\\u2065\\u206f\\ufff9\\ufe0f\\u3164");
	assert_escaped("\U000e0001\U000e007f\U000e0fff\U0001d173\U000110bd",
		       "\\U000e0001\\U000e007f\\U000e0fff\\U0001d173\\U000110bd");
	assert_escaped("\U000e1000\U000dffff", "\U000e1000\U000dffff");
}

static void test_invalid_utf8(void **state)
{
	static const struct {
		const char *bytes, *text, *clean;
	} cases[] = {
		{"\x80", "\\x80", "\ufffd"},
		{"\xff\xfe", "\\xff\\xfe", "\ufffd\ufffd"},
		/* Cut short, at the end and within. */
		{"a\xc3", "a\\xc3", "a\ufffd"},
		{"\xe2\x82", "\\xe2\\x82", "\ufffd\ufffd"},
		{"\xf0\x9f\x98", "\\xf0\\x9f\\x98", "\ufffd\ufffd\ufffd"},
		{"\xc3(", "\\xc3(", "\ufffd("},
		{"\xe2\x82\xc3\xa9", "\\xe2\\x82\u00e9", "\ufffd\ufffd\u00e9"},
		/* Overlong: ESC and '/' in disguise. */
		{"\xc0\x9b", "\\xc0\\x9b", "\ufffd\ufffd"},
		{"\xe0\x80\xaf", "\\xe0\\x80\\xaf", "\ufffd\ufffd\ufffd"},
		{"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf", "\ufffd\ufffd\ufffd\ufffd"},
		/* Surrogates, beyond U+10FFFF, five bytes. */
		{"\xed\xa0\x80", "\\xed\\xa0\\x80", "\ufffd\ufffd\ufffd"},
		{"\xed\xb0\x80", "\\xed\\xb0\\x80", "\ufffd\ufffd\ufffd"},
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\ufffd\ufffd\ufffd\ufffd"},
		{"\xf8\x88", "\\xf8\\x88", "\ufffd\ufffd"},
		/* A lone C1 byte is CSI to an 8-bit terminal. */
		{"\23331m", "\\x9b31m", "\ufffd31m"},
	};
	char *clean;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_escaped(cases[i].bytes, cases[i].text);
		assert_false(utf8_valid(cases[i].bytes));
		clean = sanitized(cases[i].bytes);
		assert_string_equal(clean, cases[i].clean);
		assert_true(utf8_valid(clean));
		free(clean);
	}
}

static void test_valid_stays(void **state)
{
	static const char *const strings[] = {
		"",       "plain\n\x1b", "é世😀", "\xc2\x80\u07ff\u0800\uffff\U00010000\U0010ffff",
		"\u202e",
	};
	char *clean;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		assert_true(utf8_valid(strings[i]));
		clean = sanitized(strings[i]);
		assert_string_equal(clean, strings[i]);
		free(clean);
	}
}

/* Nothing unsafe gets through, whatever two bytes, or four random ones, are given. */
static void test_any_bytes(void **state)
{
	uint32_t random = 1;
	char bytes[5] = "";
	char *text, *at, *clean;
	unsigned int i;

	(void)state;
	for (i = 0; i < 0x10000 + 200000; i++) {
		memset(bytes, 0, sizeof(bytes));
		if (i < 0x10000) {
			bytes[0] = (char)(i >> 8);
			bytes[1] = (char)i;
		} else {
			random = random * 1664525 + 1013904223;
			memcpy(bytes, &random, 4);
		}
		text = escaped(bytes);
		for (at = text; *at; at++)
			assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
		assert_true(utf8_valid(text));
		free(text);
		clean = sanitized(bytes);
		assert_true(utf8_valid(clean));
		free(clean);
	}
}

static void assert_json(const char *string, const char *expected)
{
	struct text_buffer text = {0};
	char *json;

	escape_json(&text, string);
	json = taken(&text);
	assert_string_equal(json, expected);
	free(json);
}

static void test_quoted(void **state)
{
	static const struct {
		const char *string, *quoted, *word;
	} cases[] = {
		{"redis-server", "\"redis-server\"", "redis-server"},
		{"/usr/bin/a_b+c@d=e%f~.so", "\"/usr/bin/a_b+c@d=e%f~.so\"",
		 "/usr/bin/a_b+c@d=e%f~.so"},
		{"", "\"\"", "\"\""},
		{NULL, "\"\"", "\"\""},
		{"evil[1]", "\"evil[1]\"", "\"evil[1]\""},
		{"evil: ", "\"evil: \"", "\"evil: \""},
		{"two words", "\"two words\"", "\"two words\""},
		{"a\"b\\", "\"a\\\"b\\\\\"", "\"a\\\"b\\\\\""},
		{"a\n\x1b\xff\u200b", "\"a\\n\\x1b\\xff\\u200b\"", "\"a\\n\\x1b\\xff\\u200b\""},
		/* Letters and brackets that look like ours. */
		{"ｅvil［1］", "\"ｅvil［1］\"", "\"ｅvil［1］\""},
	};
	struct text_buffer text = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *string;

		escape_quoted(&text, cases[i].string);
		string = taken(&text);
		assert_string_equal(string, cases[i].quoted);
		free(string);
		escape_word(&text, cases[i].string);
		string = taken(&text);
		assert_string_equal(string, cases[i].word);
		free(string);
	}
}

static char *key_of(const char *string)
{
	struct text_buffer text = {0};

	escape_json_key(&text, string);
	return taken(&text);
}

/* Keys that differ stay different, whatever bytes they hold. */
static void test_json_keys(void **state)
{
	static const struct {
		const char *key, *json;
	} cases[] = {
		{"user", "\"user\""},
		{"a\"\n", "\"a\\\"\\n\""},
		{"Grüße", "\"Grüße\""},
		{"k\xff", "\"k\ufffd"
			  "ff\""},
		{"k\xfe", "\"k\ufffd"
			  "fe\""},
		{"k\ufffd", "\"k\ufffd"
			    "ef\ufffd"
			    "bf\ufffd"
			    "bd\""},
		{"k\ufffd"
		 "ff",
		 "\"k\ufffd"
		 "ef\ufffd"
		 "bf\ufffd"
		 "bdff\""},
		{"k\\xff", "\"k\\\\xff\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *key = key_of(cases[i].key);

		assert_string_equal(key, cases[i].json);
		free(key);
	}
	/* All keys of up to two bytes, compared with those that begin alike. */
	for (unsigned int first = 0x7e; first < 0x100; first += 3) {
		for (unsigned int second = 1; second < 0xff; second++) {
			char one[] = {(char)first, (char)second, '\0'};
			char other[] = {(char)first, (char)(second + 1), '\0'};
			char *key = key_of(one), *other_key = key_of(other);

			assert_string_not_equal(key, other_key);
			free(key);
			free(other_key);
		}
	}
}

static void test_json(void **state)
{
	(void)state;
	assert_json("", "\"\"");
	assert_json(NULL, "\"\"");
	assert_json("a \"b\" \\ /~", "\"a \\\"b\\\" \\\\ /~\"");
	assert_json("\n\t\r\b\x01\x1f\x7f", "\"\\n\\t\\r\\u0008\\u0001\\u001f\\u007f\"");
	assert_json("\302\23331m \u202e \u2028 \xff", "\"\\u009b31m \\u202e \\u2028 \ufffd\"");
	assert_json("\u200b\U000e0001", "\"\\u200b\\udb40\\udc01\"");
	assert_json("é世😀\u00a0", "\"é世😀\u00a0\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ordinary_text_stays),
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_unsafe_characters),
		cmocka_unit_test(test_invalid_utf8),
		cmocka_unit_test(test_valid_stays),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_quoted),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_keys),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
