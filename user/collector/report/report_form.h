/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports as text, for people, and as JSON, for programs. Not thread-safe. */
#ifndef FLIGHTREC_REPORT_FORM_H
#define FLIGHTREC_REPORT_FORM_H

#include <time.h>

#include "collector/report/report.h"
#include "collector/base/text_buffer.h"

/*
 * The last seconds that were written as a date. Reports in a row share theirs, and localtime_r()
 * with strftime() takes as long as all else in a report.
 */
#define REPORT_DATES 8

struct report_date {
	bool known;
	time_t second;
	char text[40];
};

/* How reports are written; zeroed but for its format it is ready. */
struct report_form {
	enum report_format format;
	struct report_date stamps[REPORT_DATES]; /* "2018-04-19 09:43:55", or RFC 3339's */
	struct report_date dates[REPORT_DATES];  /* "Thu Apr 19 09:43:45 2018" */
};

/*
 * Appends a report to @to, as whole lines, or nothing.
 * Returns 0, -EINVAL if a recorder is missing that its event must have, or -ENOMEM.
 */
int report_form_append(struct report_form *form, struct text_buffer *to,
		       const struct report *report);

/* The parts of it: they may leave a piece, and their errors in @to->failed. */
void report_text(struct report_form *form, struct text_buffer *to, const struct report *report);
void report_json(struct report_form *form, struct text_buffer *to, const struct report *report);

/*
 * The text of a second, from @dates: what is not there is made by @make, which gets the broken-down
 * time, in local time or UTC.
 */
const char *report_date(struct report_date dates[REPORT_DATES], uint64_t time_ns, bool local,
			void (*make)(const struct tm *tm, char *text, size_t size));

#endif /* FLIGHTREC_REPORT_FORM_H */
