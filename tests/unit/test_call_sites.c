/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/recorder/call_sites.c */
/* Call sites: what was where and when, and how much is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bpf/record.h"
#include "collector/recorder/call_sites.h"

static struct call_site_budget budget;
static struct call_sites sites, others;
static struct site_record record;
static struct call_site_info info;

static int set_up(void **state)
{
	(void)state;
	budget = (struct call_site_budget){.limit = 1 << 20};
	memset(&sites, 0, sizeof(sites));
	memset(&others, 0, sizeof(others));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	call_sites_clear(&sites, &budget);
	call_sites_clear(&others, &budget);
	return budget.used || sites.bytes || others.bytes;
}

static int add(struct call_sites *to, uint64_t address, const char *format, uint64_t from_ns)
{
	record = (struct site_record){.site = address, .from_ns = from_ns, .line = 7};
	record.format_size =
		(uint16_t)(snprintf(record.format, sizeof(record.format), "%s", format) + 1);
	record.function_size = 2;
	strcpy(record.function, "f");
	return call_sites_add(to, &budget, &record);
}

static void expect(uint64_t address, uint64_t time_ns, const char *format)
{
	int err = call_sites_find(&sites, address, time_ns, &info);

	if (!format) {
		assert_int_equal(err, -ENOENT);
		assert_null(info.format);
		return;
	}
	assert_int_equal(err, 0);
	assert_string_equal(info.format, format);
	assert_int_equal(info.format_size, strlen(format));
}

static void test_description(void **state)
{
	(void)state;
	assert_int_equal(add(&sites, 1, "one %d", 0), 0);
	expect(1, 0, "one %d");
	assert_int_equal(info.line, 7);
	assert_string_equal(info.function, "f");
	assert_null(info.file);
	expect(2, 0, NULL);
	record.format_size = 0;
	record.site = 3;
	assert_int_equal(call_sites_add(&sites, &budget, &record), -EINVAL);
	expect(3, 0, NULL);
	call_site_describe(&record, &info);
	assert_null(info.format);
	assert_string_equal(info.function, "f");
}

static void test_what_stood_there_when(void **state)
{
	(void)state;
	assert_int_equal(add(&sites, 1, "first", 100), 0);
	assert_int_equal(add(&sites, 1, "third", 300), 0);
	/* It comes from a ring that was drained later. */
	assert_int_equal(add(&sites, 1, "second", 200), 0);
	expect(1, 99, NULL);
	expect(1, 100, "first");
	expect(1, 199, "first");
	expect(1, 200, "second");
	expect(1, 299, "second");
	expect(1, 300, "third");
	expect(1, UINT64_MAX, "third");
	/* Described again because something else was mapped; it has not changed. */
	size_t used = budget.used;
	assert_int_equal(add(&sites, 1, "third", 400), 0);
	assert_int_equal(budget.used, used);
	expect(1, 350, "third");
	/* It was overwritten in place. */
	assert_int_equal(add(&sites, 1, "3rd", 300), 0);
	expect(1, 300, "3rd");
	expect(1, 299, "second");
}

static void test_many_at_one_address(void **state)
{
	char format[16];

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++) {
		snprintf(format, sizeof(format), "%d", (int)i);
		assert_int_equal(add(&sites, 1, format, i), 0);
	}
	assert_true(sites.bytes < 16384);
	expect(1, 1000, "1000");
	expect(1, 999, "999");
	expect(1, 1, NULL);
}

/* However many a process invents, there is as much room left for another one. */
static void test_share(void **state)
{
	char format[1000];
	uint64_t n = 0;
	int err;

	(void)state;
	memset(format, 'x', sizeof(format) - 1);
	format[sizeof(format) - 1] = '\0';
	while (!(err = add(&sites, n, format, 0)))
		n++;
	assert_int_equal(err, -ENOSPC);
	assert_in_range(sites.bytes, budget.limit / 2 - 2048, budget.limit / 2 + 2048);
	for (uint64_t i = 0; i < n / 3; i++)
		assert_int_equal(add(&others, i, format, 0), 0);
	expect(n - 1, 0, format);
	/* What is known already stays. */
	assert_int_equal(add(&sites, n - 1, "another", 1), -ENOSPC);
	expect(n - 1, 1, format);
	call_sites_clear(&sites, &budget);
	assert_int_equal(sites.bytes, 0);
	assert_int_equal(add(&sites, 1, format, 0), 0);
}

static void test_short_ones_are_limited_too(void **state)
{
	uint64_t n = 0;

	(void)state;
	budget.limit = SIZE_MAX / 2;
	while (!add(&sites, n, "", 0) && n < 100000)
		n++;
	assert_int_equal(n, 16384);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_description, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_stood_there_when, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_at_one_address, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_share, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_short_ones_are_limited_too, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("call_sites", tests, NULL, NULL);
}
