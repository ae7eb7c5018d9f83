// SPDX-License-Identifier: BSD-2-Clause
#include "cli/summary.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "collector/base/message.h"
#include "collector/base/text_buffer.h"

static const char *plural(uint64_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

void summary_totals(const char *prefix, const struct report_totals *t)
{
	message("%s%" PRIu64 " %s opened, %" PRIu64 " timed out, %" PRIu64 " %s seen, %" PRIu64
		" lost",
		prefix, t->opened, plural(t->opened, "recorder", "recorders"), t->timed_out,
		t->entries, plural(t->entries, "entry", "entries"), t->lost);
}

static void tell_lost_entries(const struct report_losses *losses)
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
	struct text_buffer text = {0};

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		if (!causes[i].count)
			continue;
		if (text.size)
			text_string(&text, ", ");
		text_number(&text, causes[i].count, 1);
		text_char(&text, ' ');
		text_string(&text, causes[i].why);
	}
	text_char(&text, '\0');
	message("lost entries: %s", text.failed ? strerror(ENOMEM) : text.data);
	text_buffer_free(&text);
}

void summary_losses(const struct report_totals *t, uint64_t max_recorders)
{
	if (t->lost)
		tell_lost_entries(&t->losses);
	if (t->untracked)
		message("%" PRIu64 " %s not tracked: more than %" PRIu64
			" were open (--max-recorders), or too many processes had some",
			t->untracked, plural(t->untracked, "recorder was", "recorders were"),
			max_recorders);
	if (t->reports_lost)
		message("%" PRIu64 " %s could not be written", t->reports_lost,
			plural(t->reports_lost, "report", "reports"));
}
