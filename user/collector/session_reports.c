// SPDX-License-Identifier: BSD-2-Clause
/* No unit test: it only connects other parts, and all of tests/e2e/cases goes through it. */
/* The way of a session's reports: from its recorders, perhaps by the annotator, to the sink. */
#include <errno.h>
#include <string.h>

#include "collector/base/clock.h"
#include "collector/session_private.h"
#include "collector/where/annotator.h"

/* Passes a report to everything that takes reports. */
static void pass_on(void *arg, const struct report *report)
{
	struct session *s = arg;

	s->sink->ops->add(s->sink, report);
	if (s->options.on_report)
		s->options.on_report(s->options.arg, report);
}

void session_emit(void *arg, const struct report *report)
{
	struct session *s = arg;

	if (s->annotator)
		annotator_add(s->annotator, report);
	else
		pass_on(s, report);
}

/* Without them everything else is as it is. */
void session_open_annotator(struct session *s)
{
	const struct annotator_options options = {.emit = pass_on, .arg = s};
	char error[512];

	if (s->options.stacks && annotator_new(&s->annotator, &options, error, sizeof(error)) &&
	    s->options.verbose)
		message("no stacks: %s", error);
}

/* Only once: a full disk stays full for many reports. The total is reported at the end. */
static void tell_loss(struct session *s)
{
	const char *why = strerror(-s->sink->error);

	if (s->sink->error == -EAGAIN)
		why = "it is not read, or not fast enough";
	if (s->sink->lost && !s->loss_told)
		message("cannot write to %s: %s; reports are lost", s->options.output_name, why);
	s->loss_told = s->sink->lost;
}

/* Before waiting for anything: now whoever waits for a report gets it. */
void session_write_reports(struct session *s)
{
	s->sink->ops->flush(s->sink);
	tell_loss(s);
}

void session_write_totals(struct session *s, struct report_totals *totals, unsigned int patience_ms)
{
	struct report end = {.event = REPORT_END, .time_ns = clock_ns(CLOCK_REALTIME)};

	/* The totals include what is lost here. */
	s->sink->ops->finish(s->sink, patience_ms);
	session_totals(s, totals);
	end.totals = *totals;
	session_emit(s, &end);
	s->sink->ops->finish(s->sink, patience_ms);
	tell_loss(s);
	totals->reports_lost = s->sink->lost;
}

static void ignore_report(void *arg, const struct report *report)
{
	(void)arg;
	(void)report;
}

int session_try_stacks(void (*verified)(const char *program, uint32_t count), char *error,
		       size_t error_size)
{
	const struct annotator_options options = {.emit = ignore_report};
	struct annotator *annotator;
	int err = annotator_new(&annotator, &options, error, error_size);

	if (!err && verified)
		annotator_verified(annotator, verified);
	annotator_free(annotator);
	return err;
}
