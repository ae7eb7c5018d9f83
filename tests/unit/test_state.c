// SPDX-License-Identifier: BSD-2-Clause
/* link: user/cli/state.c user/cli/summary.c */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/state.h"
#include "collector/session.h"

/* A session that has nothing but what is asked of it. */
struct session {
	int processes;
	const char *comm;
	uint32_t open;
	int error;
	struct report_totals totals;
};

struct session_setup session_setup(const struct session *session)
{
	(void)session;
	return (struct session_setup){.copies = 1, .max_recorders = 64};
}

void session_totals(const struct session *session, struct report_totals *totals)
{
	*totals = session->totals;
}

int session_processes(struct session *session,
		      void (*fn)(void *arg, pid_t pid, const char *comm, uint32_t open), void *arg)
{
	for (int i = 1; i <= session->processes; i++)
		fn(arg, i, session->comm, session->open);
	return session->error;
}

static char *printed(struct session *session)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	state_print(file, session);
	fclose(file);
	return text;
}

static void test_state(void **state)
{
	struct session s = {.processes = 2,
			    .comm = "evil\n\x1b[2J",
			    .open = 1,
			    .totals = {.opened = 5, .entries = 9, .lost = 2, .losses.ring = 2}};
	char *text = printed(&s);

	(void)state;
	assert_string_equal(text, "flightrec: watching 2 processes, attached to 1 copy of the "
				  "library; 2 recorders open\n"
				  "flightrec: process 1 (evil\\n\\x1b[2J): 1 recorder open\n"
				  "flightrec: process 2 (evil\\n\\x1b[2J): 1 recorder open\n"
				  "flightrec: lost entries: 2 ring full (--buffer)\n"
				  "flightrec: so far 5 recorders opened, 0 timed out, 9 entries "
				  "seen, 2 lost\n");
	free(text);
}

static void test_nothing(void **state)
{
	struct session s = {0};
	char *text = printed(&s);

	(void)state;
	assert_string_equal(text, "flightrec: watching 0 processes, attached to 1 copy of the "
				  "library; 0 recorders open\n"
				  "flightrec: so far 0 recorders opened, 0 timed out, 0 entries "
				  "seen, 0 lost\n");
	free(text);
}

/* Many processes do not make many lines. */
static void test_many(void **state)
{
	struct session s = {.processes = 12345, .comm = "x"};
	char *text = printed(&s);
	size_t lines = 0;

	(void)state;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 103);
	assert_non_null(strstr(text, "\nflightrec: and 12245 more\n"));
	free(text);
}

static void test_error(void **state)
{
	struct session s = {.error = -ENOMEM};
	char *text = printed(&s);

	(void)state;
	assert_non_null(strstr(text, "cannot list what is watched: Cannot allocate memory\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
