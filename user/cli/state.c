// SPDX-License-Identifier: BSD-2-Clause
#include "cli/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/summary.h"
#include "collector/base/message.h"
#include "collector/base/text_buffer.h"
#include "collector/session.h"

/* Processes that get a line of their own. */
#define LINES_MAX 100

struct lines {
	struct text_buffer text; /* lines, each ending in a NUL */
	size_t processes;
	uint64_t open;
};

static void add_process(void *arg, pid_t pid, const char *comm, uint32_t open)
{
	struct lines *l = arg;

	l->processes++;
	l->open += open;
	if (l->processes > LINES_MAX)
		return;
	text_string(&l->text, "process ");
	text_number(&l->text, (uint64_t)pid, 1);
	text_string(&l->text, " (");
	text_string(&l->text, comm);
	text_string(&l->text, "): ");
	text_number(&l->text, open, 1);
	text_string(&l->text, open == 1 ? " recorder open" : " recorders open");
	text_char(&l->text, '\0');
}

/* If memory ran out, the last line is incomplete and left out. */
static void tell_lines(const struct text_buffer *lines)
{
	const char *line = lines->data, *end = line + lines->size, *next;

	for (; line < end && (next = memchr(line, '\0', (size_t)(end - line))); line = next + 1)
		message("%s", line);
}

void state_tell(struct session *session)
{
	const struct session_setup setup = session_setup(session);
	struct report_totals totals;
	struct lines lines = {0};
	int err = session_processes(session, add_process, &lines);

	if (err)
		message("cannot list what is watched: %s", strerror(-err));
	message("watching %zu process%s, attached to %zu cop%s of the library; %" PRIu64
		" recorder%s open",
		lines.processes, lines.processes == 1 ? "" : "es", setup.copies,
		setup.copies == 1 ? "y" : "ies", lines.open, lines.open == 1 ? "" : "s");
	tell_lines(&lines.text);
	if (lines.processes > LINES_MAX)
		message("and %zu more", lines.processes - LINES_MAX);
	text_buffer_free(&lines.text);
	session_totals(session, &totals);
	summary_losses(&totals, setup.max_recorders);
	summary_totals("so far ", &totals);
}
