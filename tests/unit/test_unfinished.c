// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/report/unfinished.c user/collector/base/text_buffer.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "collector/report/unfinished.h"

/* Each line of @arg is an entry. */
static void nth_line(const struct report *report, size_t index, struct report_entry *entry)
{
	static char line[256];
	const char *at = report->entries;

	for (size_t i = 0; i < index; i++)
		at = strchr(at, '\n') + 1;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
	*entry = (struct report_entry){.message = line, .offset_ns = index};
}

static struct report replay_of(const char *lines)
{
	struct report report = {.entry = nth_line, .entries = (void *)lines};

	for (const char *at = lines; *at; at++)
		report.n_entries += *at == '\n';
	return report;
}

static void assert_found(struct report report, const char *expected)
{
	struct report_entry entry;
	bool found = unfinished_step(&report, &entry);

	assert_int_equal(found, expected != NULL);
	if (expected)
		assert_string_equal(entry.message, expected);
}

#define assert_step(lines, expected) assert_found(replay_of(lines), expected)

static void test_the_innermost(void **state)
{
	(void)state;
	assert_step("", NULL);
	assert_step("one\n", NULL);
	assert_step("+a\n", "+a");
	assert_step("+a\n-a\n", NULL);
	assert_step("+a\n+b\n", "+b");
	assert_step("+a\n+b\nslow\n-b\nmore\n", "+a");
	assert_step("+a\n-a\n+a\nstill\n", "+a");
	assert_step("+a\n+a\n-a\n", "+a");
	assert_step("+a\n+b\n+b\n-b\n-b\n-a\n", NULL);
	/* Two threads. */
	assert_step("+a\n+b\n-a\n", "+b");
	assert_step("+a\n+b\n-b\n-c\n", "+a");
}

static void test_what_leaves_a_step(void **state)
{
	(void)state;
	assert_step("+get(user)\n-get(user) = 7\n", NULL);
	assert_step("+get(user)\n-get(user): gone\n", NULL);
	assert_step("+get\n-get_all\n", "+get");
	assert_step("+get\n-gets\n", "+get");
	assert_step("+get 1\n-get\n", "+get 1");
	/* Whatever is in between. */
	assert_step("+a\n+ab\n-a\n", "+ab");
	assert_step("+\n-\n", NULL);
	assert_step("+a\n-\n", "+a");
}

static void test_missing_entries(void **state)
{
	struct report report = replay_of("+a\n+b\n-b\n");

	(void)state;
	report.entries_lost = 1;
	assert_found(report, NULL);
	report.gap_lost = 1;
	report.gap_at = 2;
	assert_found(report, NULL);
	report.gap_at = 0;
	assert_found(report, "+a");
	report = replay_of("+a\n+b\n");
	report.entries_lost = report.gap_lost = 1;
	report.gap_at = 1;
	assert_found(report, "+b");
}

/* A program that enters and leaves for ever takes a bounded time. */
static void deep(const struct report *report, size_t index, struct report_entry *entry)
{
	static char line[32];

	(*(size_t *)report->entries)++;
	snprintf(line, sizeof(line), "-%zu", index);
	*entry = (struct report_entry){.message = line};
}

static void test_bounds(void **state)
{
	size_t fetched = 0;
	struct report report = {.entry = deep, .entries = &fetched, .n_entries = 1000000};

	(void)state;
	assert_found(report, NULL);
	assert_in_range(fetched, 1000, 65536);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_innermost),
		cmocka_unit_test(test_what_leaves_a_step),
		cmocka_unit_test(test_missing_entries),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
