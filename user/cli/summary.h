/* SPDX-License-Identifier: BSD-2-Clause */
/* What was seen and lost, printed as messages, for example at the end of a run. */
#ifndef FLIGHTREC_SUMMARY_H
#define FLIGHTREC_SUMMARY_H

#include <stdint.h>

#include "collector/report/report.h"

/* Prints "1 recorder opened, 0 timed out, 2 entries seen, 0 lost" after @prefix. */
void summary_totals(const char *prefix, const struct report_totals *totals);

/* Prints what was lost and why; nothing if nothing was. */
void summary_losses(const struct report_totals *totals, uint64_t max_recorders);

#endif /* FLIGHTREC_SUMMARY_H */
