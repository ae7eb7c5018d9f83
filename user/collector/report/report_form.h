/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A form of reports: text for people, JSON for programs. Each is one of these, in a file of its
 * own that knows no other; report_forms.h finds them by name.
 */
#ifndef FLIGHTREC_REPORT_FORM_H
#define FLIGHTREC_REPORT_FORM_H

#include "collector/base/text_buffer.h"
#include "collector/report/date_cache.h"
#include "collector/report/report.h"

/* What a form remembers from one report to the next; zeroed it is ready. */
struct report_form_state {
	struct date_cache stamps; /* of a report or line */
	struct date_cache dates;  /* of what it tells of */
};

struct report_form {
	const char *name; /* as of --format */
	/*
	 * Appends @report to @to as whole lines. If memory runs out it may leave a piece there,
	 * and sets @to->failed. Not thread-safe with the same @state.
	 */
	void (*append)(struct report_form_state *state, struct text_buffer *to,
		       const struct report *report);
};

#endif /* FLIGHTREC_REPORT_FORM_H */
