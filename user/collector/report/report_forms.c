// SPDX-License-Identifier: BSD-2-Clause
#include "collector/report/report_forms.h"

#include <errno.h>
#include <strings.h>

#include "collector/report/report_json.h"
#include "collector/report/report_short.h"
#include "collector/report/report_text.h"

static const struct report_form *const forms[] = {
	&report_form_text,
	&report_form_detail,
	&report_form_json,
	&report_form_short,
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

const struct report_form *report_form_find(const char *name)
{
	for (size_t i = 0; i < FORMS; i++) {
		if (strcasecmp(forms[i]->name, name) == 0)
			return forms[i];
	}
	return NULL;
}

const char *report_form_name(size_t index)
{
	return index < FORMS ? forms[index]->name : NULL;
}

static bool needs_recorder(enum report_event event)
{
	return event == REPORT_TIMEOUT || event == REPORT_REPLAY || event == REPORT_FINISHED ||
	       event == REPORT_DIED;
}

int report_append(const struct report_form *form, struct report_form_state *state,
		  struct text_buffer *to, const struct report *report)
{
	size_t before = to->size;

	if (!report->has_recorder && needs_recorder(report->event))
		return -EINVAL;
	form->append(state, to, report);
	if (!to->failed)
		return 0;
	text_buffer_cut(to, before);
	return -ENOMEM;
}
