// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/recorders_private.h"

void recorders_emit(struct recorders *r, const struct report *report, bool counts)
{
	if (r->done)
		return;
	r->options.emit(r->options.arg, report);
	if (counts && ++r->reports == r->options.max_reports)
		r->done = true;
}
