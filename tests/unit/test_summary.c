// SPDX-License-Identifier: BSD-2-Clause
/* link: user/cli/summary.c user/collector/base/message.c */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "captured.h"
#include "cli/summary.h"

static void check(const struct report_totals *totals, const char *expected_totals,
		  const char *expected_losses)
{
	assert_int_equal(capture_begin(), 0);
	summary_totals("", totals);
	assert_string_equal(capture_end(), expected_totals);
	assert_int_equal(capture_begin(), 0);
	summary_losses(totals, 4096);
	assert_string_equal(capture_end(), expected_losses);
}

static void test_nothing_lost(void **state)
{
	(void)state;
	check(&(struct report_totals){0},
	      "flightrec: 0 recorders opened, 0 timed out, 0 entries seen, 0 lost\n", "");
	check(&(struct report_totals){.opened = 2, .timed_out = 1, .entries = 3},
	      "flightrec: 2 recorders opened, 1 timed out, 3 entries seen, 0 lost\n", "");
}

static void test_one_of_each(void **state)
{
	const struct report_totals one = {.opened = 1,
					  .timed_out = 1,
					  .entries = 1,
					  .lost = 1,
					  .losses = {.ring = 1},
					  .untracked = 1,
					  .reports_lost = 1};

	(void)state;
	check(&one, "flightrec: 1 recorder opened, 1 timed out, 1 entry seen, 1 lost\n",
	      "flightrec: lost entries: 1 ring full (--buffer)\n"
	      "flightrec: 1 recorder was not tracked: more than 4096 were open "
	      "(--max-recorders), or too many processes had some\n"
	      "flightrec: 1 report could not be written\n");
}

static void test_every_cause(void **state)
{
	const struct report_totals all = {
		.opened = 9,
		.entries = 99,
		.lost = 15,
		.losses = {.ring = 1, .share = 2, .unreadable = 3, .untracked = 4, .buffer = 5},
		.untracked = 2,
		.reports_lost = 3};

	(void)state;
	check(&all, "flightrec: 9 recorders opened, 0 timed out, 99 entries seen, 15 lost\n",
	      "flightrec: lost entries: 1 ring full (--buffer), 2 over one process's share of it, "
	      "3 unreadable, 4 of untracked recorders, 5 beyond what is kept of a recorder\n"
	      "flightrec: 2 recorders were not tracked: more than 4096 were open "
	      "(--max-recorders), or too many processes had some\n"
	      "flightrec: 3 reports could not be written\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_lost),
		cmocka_unit_test(test_one_of_each),
		cmocka_unit_test(test_every_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
