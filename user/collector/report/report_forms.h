/* SPDX-License-Identifier: BSD-2-Clause */
/* All forms of reports. */
#ifndef FLIGHTREC_REPORT_FORMS_H
#define FLIGHTREC_REPORT_FORMS_H

#include "collector/report/report_form.h"

#define REPORT_FORM_DEFAULT "text"

/* Finds "json", in upper or lower case. Returns NULL if there is no form of that name. */
const struct report_form *report_form_find(const char *name);

/* Their names, for help and completion, then NULL. */
const char *report_form_name(size_t index);

/*
 * Appends a report to @to as whole lines, or appends nothing. Returns 0; -EINVAL if a recorder is
 * missing that this event must have; or -ENOMEM.
 */
int report_append(const struct report_form *form, struct report_form_state *state,
		  struct text_buffer *to, const struct report *report);

#endif /* FLIGHTREC_REPORT_FORMS_H */
