/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/report/date_cache.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "collector/report/date_cache.h"

#define SECOND UINT64_C(1000000000)

static unsigned int written;

static void write_time(const struct tm *tm, char *text, size_t size)
{
	written++;
	snprintf(text, size, "%d %02d:%02d:%02d", tm->tm_year + 1900, tm->tm_hour, tm->tm_min,
		 tm->tm_sec);
}

static const struct date_style utc = {.local = false, .write = write_time};
static const struct date_style local = {.local = true, .write = write_time};

/* Each second is formatted once, whatever part of it is asked for. */
static void test_remembers(void **state)
{
	struct date_cache cache = {0};

	(void)state;
	written = 0;
	/* When zeroed it has no dates at all, not even that of the Epoch. */
	assert_string_equal(date_text(&cache, 0, &utc), "1970 00:00:00");
	assert_string_equal(date_text(&cache, SECOND - 1, &utc), "1970 00:00:00");
	assert_int_equal(written, 1);
	assert_string_equal(date_text(&cache, SECOND, &utc), "1970 00:00:01");
	assert_string_equal(date_text(&cache, 5, &utc), "1970 00:00:00");
	assert_int_equal(written, 2);
	/* Another one has taken its place. */
	assert_string_equal(date_text(&cache, DATE_CACHE_SIZE * SECOND, &utc), "1970 00:00:08");
	assert_string_equal(date_text(&cache, 0, &utc), "1970 00:00:00");
	assert_int_equal(written, 4);
	assert_string_equal(date_text(&cache, UINT64_MAX, &utc), "2554 23:34:33");
}

static void test_local_time(void **state)
{
	struct date_cache cache = {0};

	(void)state;
	setenv("TZ", "XYZ-3:30", 1);
	tzset();
	assert_string_equal(date_text(&cache, 0, &local), "1970 03:30:00");
	cache = (struct date_cache){0};
	assert_string_equal(date_text(&cache, 0, &utc), "1970 00:00:00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remembers),
		cmocka_unit_test(test_local_time),
	};

	return cmocka_run_group_tests_name("date_cache", tests, NULL, NULL);
}
