/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A form of reports: text for people, JSON for programs. Each form is one of these, in a file of
 * its own that knows no other form; report_forms.h finds them by name.
 */
#ifndef FLIGHTREC_REPORT_FORM_H
#define FLIGHTREC_REPORT_FORM_H

#include "collector/base/text_buffer.h"
#include "collector/report/date_cache.h"
#include "collector/report/report.h"

/* What is written to. Zeroed, it is none. */
struct report_terminal {
	bool colour;
	unsigned int width; /* in characters; 0: lines may be of any length */
};

/* What a form remembers from one report to the next. Zeroed, it is ready. */
struct report_form_state {
	struct date_cache stamps;        /* of reports or lines */
	struct date_cache dates;         /* of what they tell about */
	struct report_terminal terminal; /* set by whoever knows that it is one */
};

struct report_form {
	const char *name; /* for --format */
	/*
	 * Appends @report to @to as whole lines. If memory runs out it sets @to->failed, and may
	 * leave part of a line behind. Not thread-safe with the same @state.
	 */
	void (*append)(struct report_form_state *state, struct text_buffer *to,
		       const struct report *report);
};

#endif /* FLIGHTREC_REPORT_FORM_H */
