// SPDX-License-Identifier: BSD-2-Clause
/* link: user/cli/state.c user/cli/summary.c */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/* link: user/collector/base/message.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "captured.h"
#include "cli/state.h"
#include "collector/session.h"

/* A session that only has what is asked for. */
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

static const char *told(struct session *session)
{
	assert_int_equal(capture_begin(), 0);
	state_tell(session);
	return capture_end();
}

static void test_state(void **state)
{
	struct session s = {.processes = 2,
			    .comm = "evil\n\x1b[2J",
			    .open = 1,
			    .totals = {.opened = 5, .entries = 9, .lost = 2, .losses.ring = 2}};
	const char *text = told(&s);

	(void)state;
	assert_string_equal(text, "flightrec: watching 2 processes, attached to 1 copy of the "
				  "library; 2 recorders open\n"
				  "flightrec: process 1 (evil\\n\\x1b[2J): 1 recorder open\n"
				  "flightrec: process 2 (evil\\n\\x1b[2J): 1 recorder open\n"
				  "flightrec: lost entries: 2 ring full (--buffer)\n"
				  "flightrec: so far 5 recorders opened, 0 timed out, 9 entries "
				  "seen, 2 lost\n");
}

static void test_nothing(void **state)
{
	struct session s = {0};
	const char *text = told(&s);

	(void)state;
	assert_string_equal(text, "flightrec: watching 0 processes, attached to 1 copy of the "
				  "library; 0 recorders open\n"
				  "flightrec: so far 0 recorders opened, 0 timed out, 0 entries "
				  "seen, 0 lost\n");
}

/* Many processes do not make many lines. */
static void test_many(void **state)
{
	struct session s = {.processes = 12345, .comm = "x"};
	const char *text = told(&s);
	size_t lines = 0;

	(void)state;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 103);
	assert_non_null(strstr(text, "\nflightrec: and 12245 more\n"));
}

static void test_error(void **state)
{
	struct session s = {.error = -ENOMEM};
	const char *text = told(&s);

	(void)state;
	assert_non_null(strstr(text, "cannot list what is watched: Cannot allocate memory\n"));
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
