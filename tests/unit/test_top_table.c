// SPDX-License-Identifier: BSD-2-Clause
/* link: user/cli/top_table.c user/collector/base/escape.c user/collector/base/text_buffer.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/inspect.h"
#include "cli/top_table.h"

#define S 1000000000ull

static struct top_table table;
static struct text_buffer text;
static const char *last;

int64_t inspect_ns(uint64_t ns)
{
	return (int64_t)ns;
}

int64_t inspect_left_ns(const struct report_recorder *recorder)
{
	return (int64_t)(recorder->timeout_ns - recorder->age_ns);
}

const char *inspect_last(const struct report *report)
{
	(void)report;
	return last;
}

static int set_up(void **state)
{
	(void)state;
	last = NULL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	top_table_free(&table);
	text_buffer_free(&text);
	return 0;
}

static void add(pid_t pid, uint64_t id, uint64_t age_ns, uint64_t timeout_ns, uint64_t entries)
{
	const struct report report = {.recorder = {.id = id,
						   .age_ns = age_ns,
						   .timeout_ns = timeout_ns,
						   .name = id == 2 ? "" : "a\tname"},
				      .entries_total = entries};

	top_table_add(&table, pid, pid == 7 ? "seven" : "other", &report);
}

static void add_some(void)
{
	add(8, 1, 4 * S, 10 * S, 3);
	add(7, 2, 12 * S, 10 * S, 9);
	add(7, 1, 40 * S, UINT64_MAX, 1);
	last = "got the lock";
	add(9, 5, 5 * S, 6 * S, 70);
}

static void expect_order(enum top_order order, const char *pids)
{
	char found[16] = "";

	top_table_arrange(&table, order, "");
	for (size_t i = 0; i < table.n; i++)
		found[i] = (char)('0' + table.row[i].pid);
	assert_string_equal(found, pids);
}

static void test_orders(void **state)
{
	(void)state;
	add_some();
	expect_order(TOP_BY_TIME_LEFT, "7987");
	expect_order(TOP_BY_AGE, "7798");
	expect_order(TOP_BY_ENTRIES, "9787");
	expect_order(TOP_BY_PROCESS, "7789");
	assert_int_equal(table.row[0].id, 1);
	for (int i = 0; i < TOP_ORDERS; i++)
		assert_non_null(top_order_name((enum top_order)i));
	top_table_clear(&table);
	expect_order(TOP_BY_AGE, "");
}

static void test_filter(void **state)
{
	(void)state;
	add_some();
	top_table_arrange(&table, TOP_BY_PROCESS, "seven");
	assert_int_equal(table.n, 2);
	assert_int_equal(table.recorders, 4);
	top_table_clear(&table);
	last = NULL;
	add_some();
	top_table_arrange(&table, TOP_BY_PROCESS, "the lock");
	assert_int_equal(table.n, 1);
	assert_int_equal(table.row[0].pid, 9);
}

static void expect_text(const char *expected)
{
	text_char(&text, '\0');
	assert_string_equal(text.data, expected);
	text_buffer_cut(&text, 0);
}

static void test_lines(void **state)
{
	(void)state;
	add_some();
	table.processes = 1;
	top_table_arrange(&table, TOP_BY_TIME_LEFT, "");
	top_write_totals(&text, &table);
	expect_text("1 process, 4 open recorders, 1 overdue");
	top_write_columns(&text);
	expect_text("     PID COMMAND         RECORDER      OPEN s      LEFT s  ENTRIES  "
		    "NAME: LAST ENTRY");
	top_write_row(&text, &table.row[0]);
	expect_text(
		"       7 seven                  2        12.0        -2.0        9  (no name)");
	top_write_row(&text, &table.row[1]);
	expect_text("       9 other                  5         5.0         1.0       70  "
		    "a\\tname: got the lock");
	top_write_row(&text, &table.row[3]);
	expect_text("       7 seven                  1        40.0           -        1  a\\tname");
}

static void test_limits(void **state)
{
	char name[1000];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memcpy(name + 30, "\xc3\xa4", 2);
	last = name;
	add(1, 1, S, S, 1);
	assert_int_equal(strlen(table.row[0].last), sizeof(table.row[0].last) - 1);
	top_table_add(&table, 1, name,
		      &(struct report){.recorder = {.name = name, .timeout_ns = S}});
	/* Cut before a character that does not fit. */
	assert_int_equal(strlen(table.row[1].comm), 30);
	for (int i = 0; i < TOP_ROWS_MAX; i++)
		add(1, 1, S, S, 1);
	assert_int_equal(table.n, TOP_ROWS_MAX);
	assert_int_equal(table.recorders, TOP_ROWS_MAX + 2);
}

static void test_fitting(void **state)
{
	(void)state;
	assert_int_equal(top_fitting("abc", 3, 2), 2);
	assert_int_equal(top_fitting("abc", 3, 9), 3);
	assert_int_equal(top_fitting("\xc3\xa4\xe2\x82\xac.", 6, 2), 5);
	assert_int_equal(top_fitting("", 0, 2), 0);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_orders), CASE(test_filter),  CASE(test_lines),
		CASE(test_limits), CASE(test_fitting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
