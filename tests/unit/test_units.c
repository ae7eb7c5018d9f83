// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/base/units.c */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/base/units.h"

#define UNTOUCHED 77u
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct known {
	const char *text;
	uint64_t value;
};

typedef int parser(const char *text, uint64_t *value);

static void check_known(parser *parse, const struct known *known, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = UNTOUCHED;

		if (parse(known[i].text, &value) || value != known[i].value)
			fail_msg("'%s' gives %llu", known[i].text, (unsigned long long)value);
	}
}

/* If it is refused, the value stays as it was. */
static void check_refused(parser *parse, const char *const *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = UNTOUCHED;

		if (parse(text[i], &value) != -EINVAL || value != UNTOUCHED)
			fail_msg("'%s' gives %llu", text[i], (unsigned long long)value);
	}
}

static void test_durations(void **state)
{
	static const struct known known[] = {
		{"1ns", 1},
		{"250us", 250000},
		{"250ms", 250000000},
		{"10s", 10000000000},
		{"5m", 300000000000},
		{"5min", 300000000000},
		{"2h", 7200000000000},
		{"1d", 86400000000000},
		{"1.5s", 1500000000},
		{".5s", 500000000},
		{"0.000001s", 1000},
		{"10S", 10000000000},
		{"250MS", 250000000},
		{"010s", 10000000000},
		{"1e3ms", 1000000000},
		{"1h30m", 5400000000000},
		{"1d2h3m4s5ms6us7ns", 93784005006007},
		{"1.5h30s", 5430000000000},
		{"1H30MIN", 5400000000000},
		{"0h30m", 1800000000000},
		{"9007199254740993ns", 9007199254740993}, /* no double is */
		{"9223372036854775807ns", INT64_MAX},
		{"106000d", 9158400000000000000},
	};

	(void)state;
	check_known(parse_duration, known, COUNT(known));
}

static void test_durations_refused(void **state)
{
	static const char *const text[] = {
		"",
		"s",
		"10",
		"10x",
		"-5s",
		"+5s",
		" 5s",
		"5s ",
		"5 s",
		"0s",
		"0ms",
		"0.1ns",
		"infs",
		"nans",
		"0x10s",
		"1e9d",
		"107000d",
		"1e400s",
		"10ss",
		"5.s.",
		"M",
		"1,5s",
		"ten",
		"١s",
		"30m1h",
		"1h1h",
		"1h 30m",
		"1h30",
		"1h-30m",
		"h30m",
		"0h0m",
		"1m1min",
		"1.0000000001s",
		"9223372036854775808ns",
		"18446744073709551616ns",
		"106751d23h47m16.854775808s",
		"1e-3s",
		"1es",
		"99999999999999999999999s",
	};

	(void)state;
	check_refused(parse_duration, text, COUNT(text));
}

static void test_sizes(void **state)
{
	static const struct known known[] = {
		{"1", 1},
		{"4096", 4096},
		{"4096B", 4096},
		{"64K", 64 << 10},
		{"64k", 64 << 10},
		{"64KB", 64 << 10},
		{"64KiB", 64 << 10},
		{"64kib", 64 << 10},
		{"64M", 64 << 20},
		{"1.5M", 1536 << 10},
		{"64MiB", 64 << 20},
		{"4G", 4ull << 30},
		{"4GiB", 4ull << 30},
		{"0.5K", 512},
		{"4GB", 4ull << 30},
		{"9007199254740993", 9007199254740993},
	};

	(void)state;
	check_known(parse_size, known, COUNT(known));
}

static void test_sizes_refused(void **state)
{
	static const char *const text[] = {
		"",
		"0",
		"0M",
		"-1",
		"M",
		"12Q",
		"1T",
		"1e30G",
		"12 M",
		"12M ",
		"0x10",
		"nan",
		"64MM",
		"1M1K",
		"0.3K",
		"0.5",
		"9223372036854775808",
		"18446744073709551617",
		"8589934592G",
	};

	(void)state;
	check_refused(parse_size, text, COUNT(text));
}

static void test_counts(void **state)
{
	static const char *const refused[] = {
		"", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "18446744073709551616", "x",
	};
	uint64_t value;

	(void)state;
	assert_int_equal(parse_count("0", 0, UINT64_MAX, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(parse_count("18446744073709551615", 0, UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(parse_count("3", 3, 3, &value), 0);
	assert_int_equal(value, 3);
	assert_int_equal(parse_count("2", 3, 5, &value), -EINVAL);
	assert_int_equal(parse_count("6", 3, 5, &value), -EINVAL);
	assert_int_equal(value, 3);
	for (size_t i = 0; i < COUNT(refused); i++) {
		if (parse_count(refused[i], 0, UINT64_MAX, &value) != -EINVAL)
			fail_msg("'%s'", refused[i]);
	}
}

/* An errno that others left behind does not make this number fail. */
static void test_count_with_errno_set(void **state)
{
	uint64_t value;

	(void)state;
	errno = ERANGE;
	assert_int_equal(parse_count("7", 0, 10, &value), 0);
	assert_int_equal(value, 7);
}

static void check_pids(const char *text, const pid_t *expected, size_t n)
{
	pid_t *pids = NULL;
	size_t count = 0;

	assert_int_equal(parse_pids(text, &pids, &count), 0);
	assert_int_equal(count, n);
	assert_memory_equal(pids, expected, n * sizeof(*pids));
	free(pids);
}

static void test_pids(void **state)
{
	static const pid_t one[] = {42}, three[] = {3, 1, 2}, most[] = {INT_MAX};

	(void)state;
	check_pids("42", one, 1);
	check_pids(" 42,", one, 1);
	check_pids("42,42 42", one, 1);
	check_pids("3,1,2", three, 3);
	check_pids("3 1 2", three, 3);
	check_pids("3, 1\t2\n", three, 3);
	check_pids("2147483647", most, 1);
}

/* -p 1 -p 2,1: the list grows, each number once. */
static void test_pids_are_added(void **state)
{
	pid_t *pids = NULL;
	size_t count = 0;

	(void)state;
	assert_int_equal(parse_pids("1", &pids, &count), 0);
	assert_int_equal(parse_pids("2,1,3", &pids, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(pids[0], 1);
	assert_int_equal(pids[1], 2);
	assert_int_equal(pids[2], 3);
	free(pids);
}

static void test_pids_refused(void **state)
{
	static const char *const text[] = {
		"",
		" ",
		",",
		"0",
		"-1",
		"x",
		"1x",
		"1,x",
		"1;2",
		"2147483648",
		"99999999999999999999",
		"1,-2",
		"+1",
		"1.5",
		"0x10",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(text); i++) {
		pid_t *pids = NULL;
		size_t count = 0;

		if (parse_pids(text[i], &pids, &count) != -EINVAL)
			fail_msg("'%s'", text[i]);
		free(pids);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),    cmocka_unit_test(test_durations_refused),
		cmocka_unit_test(test_sizes),        cmocka_unit_test(test_sizes_refused),
		cmocka_unit_test(test_counts),       cmocka_unit_test(test_count_with_errno_set),
		cmocka_unit_test(test_pids),         cmocka_unit_test(test_pids_are_added),
		cmocka_unit_test(test_pids_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
