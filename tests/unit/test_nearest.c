// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/base/nearest.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/base/nearest.h"

static const char *nearest(const char *word)
{
	static const char *const words[] = {"run",      "attach",      "doctor",       "list",
					    "top",      "output",      "format",       "timeout",
					    "duration", "max-reports", "min-severity", "verbose",
					    "--version"};
	struct nearest search = {.word = word};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		nearest_try(&search, words[i]);
	return search.best;
}

static void check(const char *word, const char *expected)
{
	const char *got = nearest(word);

	if (!got != !expected || (got && strcmp(got, expected) != 0))
		fail_msg("'%s' gives '%s'", word, got ? got : "nothing");
}

static void test_slips(void **state)
{
	(void)state;
	check("atach", "attach");   /* a letter less */
	check("attachh", "attach"); /* one more */
	check("attech", "attach");  /* another */
	check("attahc", "attach");  /* two exchanged */
	check("rnu", "run");
	check("ATTACH", "attach");
	check("time-out", "timeout");
	check("maxreports", "max-reports");
	check("--verion", "--version");
	check("out", "output"); /* a part */
	check("severity", "min-severity");
	check("output-file", "output");
}

static void test_nothing_like_it(void **state)
{
	char longest[200];

	(void)state;
	check("frobnicate", NULL);
	check("", NULL);
	check("z", NULL);
	check("zz", NULL);
	check("xyz", NULL);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	check(longest, NULL);
}

/* Of two the nearer one, whichever is tried first. */
static void test_nearest_of_several(void **state)
{
	static const char *const words[] = {"attache", "attach", "attaches"};

	(void)state;
	for (size_t first = 0; first < 3; first++) {
		struct nearest search = {.word = "attac"};

		for (size_t i = 0; i < 3; i++)
			nearest_try(&search, words[(first + i) % 3]);
		assert_string_equal(search.best, "attach");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slips),
		cmocka_unit_test(test_nothing_like_it),
		cmocka_unit_test(test_nearest_of_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
