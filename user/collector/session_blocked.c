// SPDX-License-Identifier: BSD-2-Clause
/* No unit test: it passes on what blocked.c and the tracker say; tests/e2e/cases/blocked.sh. */
#include "collector/blocked.h"
#include "collector/session_private.h"

#include <errno.h>
#include <unistd.h>

static void emit(void *arg, const struct report *report)
{
	struct session *s = arg;

	recorders_emit(s->recorders, report, report->event == REPORT_TIMEOUT);
}

int session_blocked_open(struct session *s)
{
	const struct blocked_options options = {.limit_ns = s->options.blocked_ns,
						.idle = s->options.blocked_idle,
						.emit = emit,
						.arg = s};

	if (!options.limit_ns)
		return 0;
	s->blocked = blocked_new(&options);
	return s->blocked ? 0 : -ENOMEM;
}

static void look_at(void *arg, const struct process_found *found)
{
	if ((pid_t)found->key.pid != getpid())
		blocked_look(arg, (pid_t)found->key.pid);
}

void session_blocked_look(struct session *s)
{
	blocked_begin(s->blocked);
	tracker_processes(s->tracker, look_at, s->blocked);
	blocked_end(s->blocked);
}
