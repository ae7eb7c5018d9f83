// SPDX-License-Identifier: BSD-2-Clause
#include "cli/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/summary.h"
#include "collector/base/escape.h"
#include "collector/session.h"

/* Processes with a line of their own. */
#define LINES_MAX 100

struct lines {
	struct text_buffer text;
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
	text_string(&l->text, "flightrec: process ");
	text_number(&l->text, (uint64_t)pid, 1);
	text_string(&l->text, " (");
	escape_text(&l->text, comm);
	text_string(&l->text, "): ");
	text_number(&l->text, open, 1);
	text_string(&l->text, open == 1 ? " recorder open\n" : " recorders open\n");
}

void state_print(FILE *to, struct session *session)
{
	const struct session_setup setup = session_setup(session);
	struct report_totals totals;
	struct lines lines = {0};
	int err = session_processes(session, add_process, &lines);

	if (err)
		fprintf(to, "flightrec: cannot list what is watched: %s\n", strerror(-err));
	fprintf(to,
		"flightrec: watching %zu process%s, attached to %zu cop%s of the library; %" PRIu64
		" recorder%s open\n",
		lines.processes, lines.processes == 1 ? "" : "es", setup.copies,
		setup.copies == 1 ? "y" : "ies", lines.open, lines.open == 1 ? "" : "s");
	if (lines.text.size)
		fwrite(lines.text.data, 1, lines.text.size, to);
	if (lines.processes > LINES_MAX)
		fprintf(to, "flightrec: and %zu more\n", lines.processes - LINES_MAX);
	text_buffer_free(&lines.text);
	session_totals(session, &totals);
	summary_losses(to, &totals, setup.max_recorders);
	summary_totals(to, "so far ", &totals);
}
