// SPDX-License-Identifier: BSD-2-Clause
/* link: user/format/conversion.c user/lib/pack.c */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wchar.h>

#include <cmocka.h>

#include "flightrec.h"
#include "flightrec/probes.h"
#include "lib/pack.h"

#define SEVERITY FLIGHTREC_WARNING
#define SITE                                                                                       \
	{                                                                                          \
		.file = "file.c", .function = "function"                                           \
	}

static char *guard; /* a page that faults; what ends at it can neither be read nor written beyond */
static char *out_guard;

static char *map_guarded(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED || mprotect(pages + page, (size_t)page, PROT_NONE))
		return NULL;
	return pages + page;
}

static int map_guards(void **state)
{
	(void)state;
	guard = map_guarded();
	out_guard = map_guarded();
	return guard && out_guard ? 0 : -1;
}

/* What was packed last. */
static struct {
	unsigned char data[FLIGHTREC_ENTRY_MAX];
	size_t size;
	size_t at; /* read so far, by the want_*() below */
	uint32_t how;
} packed;

static void keep(unsigned char *data, size_t size, size_t capacity, uint32_t how)
{
	assert_true(size <= capacity);
	assert_int_equal(how & FLIGHTREC_HOW_SEVERITY, SEVERITY);
	memcpy(packed.data, data, size);
	packed.size = size;
	packed.at = 0;
	packed.how = how & ~FLIGHTREC_HOW_SEVERITY;
}

static void pack(struct flightrec_site *site, size_t capacity, const char *format, ...)
{
	unsigned char *data = (unsigned char *)out_guard - capacity;
	uint32_t how = SEVERITY;
	va_list args;
	size_t size;

	va_start(args, format);
	size = pack_entry(site, format, 42, data, capacity, &how, args);
	va_end(args);
	keep(data, size, capacity, how);
}

static void pack_format(size_t capacity, const char *format, ...)
{
	unsigned char *data = (unsigned char *)out_guard - capacity;
	uint32_t how = SEVERITY;
	va_list args;
	size_t size;

	va_start(args, format);
	size = pack_inline(format, 42, data, capacity, &how, args);
	va_end(args);
	keep(data, size, capacity, how);
}

static void take(void *value, size_t size)
{
	assert_true(packed.size - packed.at >= size);
	memcpy(value, packed.data + packed.at, size);
	packed.at += size;
}

static void want_int(int32_t expected)
{
	int32_t value;

	take(&value, sizeof(value));
	assert_int_equal(value, expected);
}

static void want_long(int64_t expected)
{
	int64_t value;

	take(&value, sizeof(value));
	assert_true(value == expected);
}

static void want_double(double expected)
{
	double value;

	take(&value, sizeof(value));
	assert_true(value == expected);
}

static void want_string(const char *expected, uint16_t cut)
{
	size_t size = strlen(expected);
	uint16_t word;
	char value[FLIGHTREC_ENTRY_MAX];

	take(&word, sizeof(word));
	assert_int_equal(word, size | cut);
	take(value, size);
	assert_memory_equal(value, expected, size);
}

static void want_end(uint32_t how)
{
	assert_int_equal(packed.at, packed.size);
	assert_int_equal(packed.how, how);
}

static void packs_each_kind(void **state)
{
	struct flightrec_site site = SITE, odd = SITE;
	long double real = 1.25L, value;

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		pack(&site, 1024, "%hhd %d %c %lc %hx %ld %llu %zu %p %f %Lf %s %ls %m", -1,
		     INT_MIN, 'x', (wint_t)0x20ac, 0x12345678, LONG_MIN, ULLONG_MAX, (size_t)7,
		     (void *)&site, 0.5, real, "text", L"\u20ac!");
		want_int(42);
		want_int(-1);
		want_int(INT_MIN);
		want_int('x');
		want_int(0x20ac);
		want_int(0x12345678);
		want_long(LONG_MIN);
		want_long(-1);
		want_long(7);
		want_long((int64_t)(intptr_t)&site);
		want_double(0.5);
		take(&value, sizeof(value));
		assert_true(value == real);
		want_string("text", 0);
		want_string("\xe2\x82\xac!", 0);
		want_end(0);
		assert_int_equal(site.plan_state_, PACK_READY);
	}
	pack(&odd, 1024, "%3$s %1$d %2$f", 1, 2.0, "three");
	want_int(1);
	want_double(2);
	want_string("three", 0);
	want_end(0);
}

static void packs_null_strings(void **state)
{
	struct flightrec_site site = SITE;

	(void)state;
	pack(&site, 1024, "%s %.3s %ls|%d", (char *)NULL, (char *)NULL, (wchar_t *)NULL, 5);
	for (int i = 0; i < 3; i++) {
		uint16_t word;

		take(&word, sizeof(word));
		assert_int_equal(word, FLIGHTREC_STRING_NULL);
	}
	want_int(5);
	want_end(0);
}

static void caches_the_plan(void **state)
{
	struct flightrec_site site = SITE;

	(void)state;
	pack(&site, 64, "%d %s", 1, "one");
	assert_int_equal(site.plan_state_, PACK_READY);
	/* With no format to parse, it must come from the plan. */
	pack(&site, 64, NULL, 2, "two");
	want_int(2);
	want_string("two", 0);
	want_end(0);
}

static void does_without_a_plan_in_the_making(void **state)
{
	struct flightrec_site site = SITE;

	(void)state;
	site.plan_state_ = PACK_BUILDING;
	pack(&site, 64, "%d %s", 1, "one");
	want_int(1);
	want_string("one", 0);
	want_end(0);
	assert_int_equal(site.plan_state_, PACK_BUILDING);
	assert_int_equal(site.plan_[0], 0);
	pack(&site, 64, "%n", NULL);
	want_end(FLIGHTREC_HOW_REFUSED);
}

static void packs_more_than_a_site_can_cache(void **state)
{
	struct flightrec_site site = SITE, full = SITE;

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		pack(&site, 1024, "%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%s", 0, 1, 2, 3, 4, 5, 6, 7, 8,
		     9, 10, 11, 12, 13, 14, 15, "end");
		for (int i = 0; i < 16; i++)
			want_int(i);
		want_string("end", 0);
		want_end(0);
		assert_int_equal(site.plan_state_, PACK_TOO_LONG);
		assert_int_equal(site.plan_[0], 0);
		assert_int_equal(site.where_, 0);
	}
	for (int pass = 0; pass < 2; pass++) {
		pack(&full, 1024, "%d%d%d%d%d%d%d%d%d%d%d%d%d%d", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
		     11, 12, 13);
		for (int i = 0; i < 14; i++)
			want_int(i);
		want_end(0);
		assert_int_equal(full.plan_state_, PACK_READY);
		assert_int_equal(full.where_, 0);
	}
}

static void refuses(void **state)
{
	static const char *const formats[] = {"%n", "%d %y", "%", "%2$d", "%1$d %d"};
	int n = 99;

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct flightrec_site site = SITE;

		for (int pass = 0; pass < 2; pass++) {
			pack(&site, 64, formats[i], &n);
			want_end(FLIGHTREC_HOW_REFUSED);
			assert_int_equal(site.plan_state_, PACK_REFUSED);
		}
	}
	assert_int_equal(n, 99);
}

static void reads_strings_no_further_than_precision(void **state)
{
	struct flightrec_site site[10] = {SITE};
	wchar_t *wide = (wchar_t *)guard - 3;
	char *text = guard - 5;

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		memcpy(text, "abcde", 5);
		pack(&site[0], 64, "%.5s|%.3s", text, text);
		want_string("abcde", 0);
		want_string("abc", 0);
		want_end(0);
		pack(&site[1], 64, "%.*s|%.*s|%.0s", 5, text, 0, text, guard);
		want_int(5);
		want_string("abcde", 0);
		want_int(0);
		want_string("", 0);
		want_string("", 0);
		want_end(0);
		pack(&site[2], 64, "%1$.*2$s", text, 5);
		want_string("abcde", 0);
		want_int(5);
		want_end(0);
		pack(&site[3], 64, "%1$.2s %1$.*2$s %3$d", text, 5, 7);
		want_string("abcde", 0);
		want_int(5);
		want_int(7);
		pack(&site[3], 64, "%1$.2s %1$.*2$s %3$d", text, 1, 7);
		want_string("ab", 0);
		want_int(1);
		want_int(7);
		want_end(0);
		/* A negative precision is none. */
		pack(&site[4], 64, "%.*s", -1, "terminated");
		want_int(-1);
		want_string("terminated", 0);
		/* Where the room ends exactly with the precision, nothing behind it is read. */
		pack(&site[5], 7, "%.5s", text);
		want_string("abcde", 0);
		want_end(0);
		pack(&site[6], 6, "%.5s", text);
		want_string("abcd", FLIGHTREC_STRING_CUT);
		want_end(FLIGHTREC_HOW_CUT);
		/* More than a plan's word can say. */
		pack(&site[7], 1024, "%.99999s", "short");
		want_string("short", 0);
		want_end(0);

		wide[0] = 'a';
		wide[1] = 0x20ac;
		wide[2] = 0x20ac;
		pack(&site[8], 64, "%.7ls|%.6ls|%.4ls|%.0ls", wide, wide, wide, (wchar_t *)guard);
		want_string("a\xe2\x82\xac\xe2\x82\xac", 0);
		want_string("a\xe2\x82\xac", 0);
		want_string("a\xe2\x82\xac", 0);
		want_string("", 0);
		want_end(0);
		wide[1] = (wchar_t)0xd801;
		wide[2] = (wchar_t)-1;
		pack(&site[9], 64, "%.7ls", wide);
		want_string("a\xef\xbf\xbd\xef\xbf\xbd", 0);
		want_end(0);
	}
}

static void cuts_strings_first(void **state)
{
	struct flightrec_site site = SITE;

	(void)state;
	/* 4 + 2 + 8 + 2 + 4 bytes without the strings' own. */
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
	/* The guard page watches over every other capacity. */
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
	/* Cut in the middle of a conversion: that one goes, and its argument. */
	for (size_t capacity = 11; capacity < 14; capacity++) {
		pack_format(capacity, "%d abc%-10ld", 7, 8L);
		want_string("%d abc", FLIGHTREC_STRING_CUT);
		if (capacity >= 12)
			want_int(7);
		want_end(FLIGHTREC_HOW_INLINE | FLIGHTREC_HOW_CUT);
	}
	/* Cut in front of what the rest depends on. */
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

static void leaves_errno_alone(void **state)
{
	struct flightrec_site site = SITE;

	(void)state;
	errno = 77;
	pack(&site, 64, "%d %s %ls %m", 1, "one", L"\U0010ffff");
	assert_int_equal(errno, 77);
}

#define RACERS 4
#define RACES 2000
static struct flightrec_site races[RACES];
static pthread_barrier_t start;

static size_t race_entry(struct flightrec_site *site, unsigned char *data, const char *format, ...)
{
	uint32_t how = 0;
	va_list args;
	size_t size;

	va_start(args, format);
	size = pack_entry(site, format, 0, data, 64, &how, args);
	va_end(args);
	return how ? 0 : size;
}

static void *race(void *arg)
{
	static const unsigned char expected[] = {3, 0, 'a', 'b', 'c', 0xff, 0xff, 0xff, 0xff};
	unsigned char data[64];
	uintptr_t wrong = 0;

	(void)arg;
	pthread_barrier_wait(&start);
	for (size_t i = 0; i < RACES; i++) {
		size_t size = race_entry(&races[i], data, "%.3s%d", "abcd", -1);

		if (size != sizeof(expected) || data[2] != 'a' ||
		    memcmp(data + 2, expected + 2, size - 2))
			wrong++;
	}
	return (void *)wrong;
}

static void threads_may_race_to_a_site(void **state)
{
	pthread_t threads[RACERS];

	(void)state;
	for (size_t i = 0; i < RACES; i++)
		races[i] = (struct flightrec_site)SITE;
	pthread_barrier_init(&start, NULL, RACERS);
	for (size_t i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, NULL), 0);
	for (size_t i = 0; i < RACERS; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	for (size_t i = 0; i < RACES; i++)
		assert_int_equal(races[i].plan_state_, PACK_READY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packs_each_kind),
		cmocka_unit_test(packs_null_strings),
		cmocka_unit_test(caches_the_plan),
		cmocka_unit_test(does_without_a_plan_in_the_making),
		cmocka_unit_test(packs_more_than_a_site_can_cache),
		cmocka_unit_test(refuses),
		cmocka_unit_test(reads_strings_no_further_than_precision),
		cmocka_unit_test(cuts_strings_first),
		cmocka_unit_test(cuts_between_characters),
		cmocka_unit_test(never_exceeds_an_entry),
		cmocka_unit_test(packs_inline_formats),
		cmocka_unit_test(limits_inline_formats),
		cmocka_unit_test(leaves_errno_alone),
		cmocka_unit_test(threads_may_race_to_a_site),
	};

	return cmocka_run_group_tests(tests, map_guards, NULL);
}
