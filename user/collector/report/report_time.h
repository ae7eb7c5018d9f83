/* SPDX-License-Identifier: BSD-2-Clause */
/* Times and durations, as reports for people have them. */
#ifndef FLIGHTREC_REPORT_TIME_H
#define FLIGHTREC_REPORT_TIME_H

#include <stdint.h>

#include "collector/report/date_cache.h"

struct text_buffer;

/* "[2018-04-19 09:43:55,", to be followed by milliseconds. */
extern const struct date_style report_stamp_style;
/* "Thu Apr 19 09:43:55 2018". */
extern const struct date_style report_date_style;

/* Writes "250 ms", "10.4 s", "1 h 5 min": at most three digits after the point. */
void report_duration(struct text_buffer *out, uint64_t ns);

#endif /* FLIGHTREC_REPORT_TIME_H */
