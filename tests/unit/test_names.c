/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/report/names.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <flightrec.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "collector/report/names.h"

static void test_severities(void **state)
{
	size_t n = 0;

	(void)state;
	for (const char *word; (word = severity_word(n)); n++) {
		char upper[16] = "";

		for (size_t i = 0; word[i]; i++)
			upper[i] = (char)toupper((unsigned char)word[i]);
		assert_string_equal(severity_name((int)n), upper);
		assert_int_equal(severity_parse(word), (int)n);
		assert_int_equal(severity_parse(upper), (int)n);
	}
	assert_int_equal(n, FLIGHTREC_CRITICAL + 1);
	assert_null(severity_word(SIZE_MAX));
	assert_int_equal(severity_parse("WARNING"), FLIGHTREC_WARNING);
	assert_int_equal(severity_parse("Warn"), FLIGHTREC_WARNING);
	assert_int_equal(severity_parse(""), -EINVAL);
	assert_int_equal(severity_parse("loud"), -EINVAL);
	assert_int_equal(severity_parse("inf"), -EINVAL);
	/* Whatever a hostile process says. */
	assert_string_equal(severity_name(-1), "DEBUG");
	assert_string_equal(severity_name(INT_MIN), "DEBUG");
	assert_string_equal(severity_name(5), "CRITICAL");
	assert_string_equal(severity_name(INT_MAX), "CRITICAL");
}

static void test_signals(void **state)
{
	(void)state;
	assert_string_equal(signal_name(SIGKILL), "SIGKILL");
	assert_string_equal(signal_name(SIGSYS), "SIGSYS");
	assert_null(signal_name(0));
	assert_null(signal_name(-1));
	assert_null(signal_name(64));
	assert_null(signal_name(INT_MAX));
}

static void test_events(void **state)
{
	(void)state;
	assert_string_equal(event_name(REPORT_TIMEOUT), "timeout");
	assert_string_equal(event_name(REPORT_END), "end");
	for (enum report_event event = REPORT_TIMEOUT; event <= REPORT_END; event++)
		assert_true(strlen(event_name(event)) > 0);
	assert_string_equal(event_name((enum report_event)1000), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_severities),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
