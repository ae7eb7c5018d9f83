// SPDX-License-Identifier: BSD-2-Clause
/* link: user/format/conversion.c user/lib/pack.c */
/* Arguments of each kind, and the plan that is kept in a call site. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <wchar.h>

#include "packing.h"

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
	/* Without a format to parse, this must come from the plan. */
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
	struct pack_source source = {.site = site, .format = format};
	va_list args;
	size_t size;

	va_start(args, format);
	size = pack_entry(&source, data, 64, args);
	va_end(args);
	return source.how ? 0 : size;
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
		cmocka_unit_test(leaves_errno_alone),
		cmocka_unit_test(threads_may_race_to_a_site),
	};

	return cmocka_run_group_tests(tests, map_guards, NULL);
}
