// SPDX-License-Identifier: BSD-2-Clause
/* link: user/format/conversion.c user/lib/pack.c */
/* How far strings are read, and what is cut if there is not enough room. */
#include <wchar.h>

#include "packing.h"

/* In front of a page that faults, and not terminated. */
static const char *unterminated(void)
{
	return memcpy(guard - 5, "abcde", 5);
}

static void reads_strings_no_further_than_a_precision(void **state)
{
	struct flightrec_site sites[4] = {SITE, SITE, SITE, SITE};
	const char *text = unterminated();

	(void)state;
	/* The first pass makes the plan, the second goes by it. */
	for (int pass = 0; pass < 2; pass++) {
		pack(&sites[0], 64, "%.5s|%.3s|%.0s", text, text, guard);
		want_string("abcde", 0);
		want_string("abc", 0);
		want_string("", 0);
		want_end(0);
		/* If the room ends exactly where the precision does, nothing after it is read. */
		pack(&sites[1], 7, "%.5s", text);
		want_string("abcde", 0);
		want_end(0);
		pack(&sites[2], 6, "%.5s", text);
		want_string("abcd", FLIGHTREC_STRING_CUT);
		want_end(FLIGHTREC_HOW_CUT);
		/* More than a word of the plan can hold. */
		pack(&sites[3], 1024, "%.99999s", "short");
		want_string("short", 0);
		want_end(0);
	}
}

static void reads_strings_no_further_than_an_argument(void **state)
{
	struct flightrec_site sites[4] = {SITE, SITE, SITE, SITE};
	const char *text = unterminated();

	(void)state;
	/* The first pass makes the plan, the second goes by it. */
	for (int pass = 0; pass < 2; pass++) {
		pack(&sites[0], 64, "%.*s|%.*s", 5, text, 0, text);
		want_int(5);
		want_string("abcde", 0);
		want_int(0);
		want_string("", 0);
		want_end(0);
		pack(&sites[1], 64, "%1$.*2$s", text, 5);
		want_string("abcde", 0);
		want_int(5);
		want_end(0);
		/* If it is used twice, as much is read as the larger use needs. */
		pack(&sites[2], 64, "%1$.2s %1$.*2$s %3$d", text, 5, 7);
		want_string("abcde", 0);
		want_int(5);
		want_int(7);
		pack(&sites[2], 64, "%1$.2s %1$.*2$s %3$d", text, 1, 7);
		want_string("ab", 0);
		want_int(1);
		want_int(7);
		want_end(0);
		/* A negative precision is none. */
		pack(&sites[3], 64, "%.*s", -1, "terminated");
		want_int(-1);
		want_string("terminated", 0);
		want_end(0);
	}
}

static void reads_wide_strings_no_further_than_a_precision(void **state)
{
	struct flightrec_site sites[2] = {SITE, SITE};
	wchar_t *wide = (wchar_t *)guard - 3;

	(void)state;
	/* The first pass makes the plan, the second goes by it. */
	for (int pass = 0; pass < 2; pass++) {
		wmemcpy(wide, (const wchar_t[]){'a', 0x20ac, 0x20ac}, 3);
		pack(&sites[0], 64, "%.7ls|%.6ls|%.4ls|%.0ls", wide, wide, wide, (wchar_t *)guard);
		want_string("a\xe2\x82\xac\xe2\x82\xac", 0);
		want_string("a\xe2\x82\xac", 0);
		want_string("a\xe2\x82\xac", 0);
		want_string("", 0);
		want_end(0);
		wmemcpy(wide + 1, (const wchar_t[]){(wchar_t)0xd801, (wchar_t)-1}, 2);
		pack(&sites[1], 64, "%.7ls", wide);
		want_string("a\xef\xbf\xbd\xef\xbf\xbd", 0);
		want_end(0);
	}
}

static void cuts_strings_first(void **state)
{
	struct flightrec_site site = SITE;

	(void)state;
	/* 4 + 2 + 8 + 2 + 4 bytes, apart from the strings. */
	pack(&site, 28, "%d %s %ld %s %d", 1, "12345678", 2L, "", 3);
	want_int(1);
	want_string("12345678", 0);
	want_long(2);
	want_string("", 0);
	want_int(3);
	want_end(0);
	pack(&site, 27, "%d %s %ld %s %d", 1, "12345678", 2L, "end", 3);
	want_int(1);
	want_string("1234567", FLIGHTREC_STRING_CUT);
	want_long(2);
	want_string("", FLIGHTREC_STRING_CUT);
	want_int(3);
	want_end(FLIGHTREC_HOW_CUT);
	/* Not even the fixed sizes fit: the last arguments are left out. */
	pack(&site, 19, "%d %s %ld %s %d", 1, "12345678", 2L, "end", 3);
	want_int(1);
	want_string("", FLIGHTREC_STRING_CUT);
	want_long(2);
	want_string("", FLIGHTREC_STRING_CUT);
	want_end(FLIGHTREC_HOW_CUT);
	pack(&site, 13, "%d %s %ld %s %d", 1, "", 2L, "end", 3);
	want_int(1);
	want_string("", 0);
	want_end(FLIGHTREC_HOW_CUT);
	/* The guard page checks all other capacities. */
	for (size_t capacity = 0; capacity < 40; capacity++) {
		struct flightrec_site fresh = SITE;

		pack(&site, capacity, "%d %s %ld %s %d", 1, "12345678", 2L, "end", 3);
		assert_int_equal(packed.how, capacity < 31 ? FLIGHTREC_HOW_CUT : 0);
		pack(&fresh, capacity, "%m %Lf %ls", 1.0L, L"\u20ac\u20ac\u20ac");
		assert_int_equal(packed.how, capacity < 31 ? FLIGHTREC_HOW_CUT : 0);
	}
}

static void cuts_between_characters(void **state)
{
	struct flightrec_site site = SITE, wide = SITE;

	(void)state;
	for (size_t room = 3; room < 6; room++) {
		pack(&site, room + 2, "%s", "\xe2\x82\xac\xe2\x82\xac");
		want_string("\xe2\x82\xac", FLIGHTREC_STRING_CUT);
		pack(&wide, room + 2, "%ls", L"\u20ac\u20ac");
		want_string("\xe2\x82\xac", FLIGHTREC_STRING_CUT);
	}
}

static void never_exceeds_an_entry(void **state)
{
	struct flightrec_site site = SITE;
	static char text[3000], expected[FLIGHTREC_ENTRY_MAX - 5];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memset(expected, 'x', sizeof(expected) - 1);
	pack(&site, 4000, "%.2999s%d", text, 1);
	want_string(expected, FLIGHTREC_STRING_CUT);
	want_int(1);
	want_end(FLIGHTREC_HOW_CUT);
}

static void packs_inline_formats(void **state)
{
	(void)state;
	pack_format(1024, "%d %s %m", 7, "seven");
	want_string("%d %s %m", 0);
	want_int(42);
	want_int(7);
	want_string("seven", 0);
	want_end(FLIGHTREC_HOW_INLINE);
	pack_format(1024, "bad %y %d", 7);
	want_string("bad %y %d", 0);
	want_end(FLIGHTREC_HOW_INLINE | FLIGHTREC_HOW_REFUSED);
	/* If it is cut inside a conversion, that one goes, with its argument. */
	for (size_t capacity = 11; capacity < 14; capacity++) {
		pack_format(capacity, "%d abc%-10ld", 7, 8L);
		want_string("%d abc", FLIGHTREC_STRING_CUT);
		if (capacity >= 12)
			want_int(7);
		want_end(FLIGHTREC_HOW_INLINE | FLIGHTREC_HOW_CUT);
	}
	/* Cut before something that the rest depends on. */
	pack_format(12, "100%% %2$s %1$d", 7, "seven");
	want_string("100%% ", FLIGHTREC_STRING_CUT);
	want_end(FLIGHTREC_HOW_INLINE | FLIGHTREC_HOW_CUT);
	for (size_t capacity = 0; capacity < 60; capacity++) {
		pack_format(capacity, "%d \xe2\x82\xac%s%Lf%m%1$%", 7, "seven", 1.0L);
		pack_format(capacity, "%d \xe2\x82\xac%s%Lf%m", 7, "seven", 1.0L);
		assert_int_equal(packed.how, capacity < 46
						     ? FLIGHTREC_HOW_INLINE | FLIGHTREC_HOW_CUT
						     : FLIGHTREC_HOW_INLINE);
	}
}

static void limits_inline_formats(void **state)
{
	char format[FLIGHTREC_INLINE_FORMAT_MAX + 8], *end;
	char *unread = guard - sizeof(format);

	(void)state;
	memset(format, 'x', sizeof(format));
	end = format + FLIGHTREC_INLINE_FORMAT_MAX;
	memcpy(end - 4, "%d%s", 5);
	pack_format(1024, format, 1, "two");
	*end = '\0';
	want_string(format, 0);
	want_int(1);
	want_string("two", 0);
	want_end(FLIGHTREC_HOW_INLINE);

	memcpy(end - 4, "x%d%s", 6);
	pack_format(1024, format, 1, "two");
	end[-1] = '\0';
	want_string(format, FLIGHTREC_STRING_CUT);
	want_int(1);
	want_end(FLIGHTREC_HOW_INLINE | FLIGHTREC_HOW_CUT);

	memset(unread, '%', sizeof(format));
	unread[sizeof(format) - 1] = '\0';
	pack_format(1024, unread);
	assert_int_equal(packed.size, FLIGHTREC_INLINE_FORMAT_MAX + 2);
	assert_int_equal(packed.how, FLIGHTREC_HOW_INLINE | FLIGHTREC_HOW_CUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_strings_no_further_than_a_precision),
		cmocka_unit_test(reads_strings_no_further_than_an_argument),
		cmocka_unit_test(reads_wide_strings_no_further_than_a_precision),
		cmocka_unit_test(cuts_strings_first),
		cmocka_unit_test(cuts_between_characters),
		cmocka_unit_test(never_exceeds_an_entry),
		cmocka_unit_test(packs_inline_formats),
		cmocka_unit_test(limits_inline_formats),
	};

	return cmocka_run_group_tests(tests, map_guards, NULL);
}
