// SPDX-License-Identifier: BSD-2-Clause
#include "cli/summary.h"

#include <inttypes.h>
#include <stddef.h>

static const char *plural(uint64_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

void summary_totals(FILE *to, const char *prefix, const struct report_totals *t)
{
	fprintf(to,
		"flightrec: %s%" PRIu64 " %s opened, %" PRIu64 " timed out, %" PRIu64
		" %s seen, %" PRIu64 " lost\n",
		prefix, t->opened, plural(t->opened, "recorder", "recorders"), t->timed_out,
		t->entries, plural(t->entries, "entry", "entries"), t->lost);
}

static void print_lost_entries(FILE *to, const struct report_losses *losses)
{
	const struct {
		uint64_t count;
		const char *why;
	} causes[] = {
		{losses->ring, "ring full (--buffer)"},
		{losses->share, "over one process's share of it"},
		{losses->unreadable, "unreadable"},
		{losses->untracked, "of untracked recorders"},
		{losses->buffer, "beyond what is kept of a recorder"},
	};
	const char *separator = "";

	fputs("flightrec: lost entries: ", to);
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		if (!causes[i].count)
			continue;
		fprintf(to, "%s%" PRIu64 " %s", separator, causes[i].count, causes[i].why);
		separator = ", ";
	}
	fputc('\n', to);
}

void summary_losses(FILE *to, const struct report_totals *t, uint64_t max_recorders)
{
	if (t->lost)
		print_lost_entries(to, &t->losses);
	if (t->untracked)
		fprintf(to,
			"flightrec: %" PRIu64 " %s not tracked: more than %" PRIu64
			" were open (--max-recorders), or too many processes had some\n",
			t->untracked, plural(t->untracked, "recorder was", "recorders were"),
			max_recorders);
	if (t->reports_lost)
		fprintf(to, "flightrec: %" PRIu64 " %s could not be written\n", t->reports_lost,
			plural(t->reports_lost, "report", "reports"));
}
