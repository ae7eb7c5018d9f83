/* SPDX-License-Identifier: BSD-2-Clause */
/* How severities, signals and events are called: in reports, on the command line, in its help. */
#ifndef FLIGHTREC_NAMES_H
#define FLIGHTREC_NAMES_H

#include <stddef.h>

#include "collector/report/report.h"

/* "WARNING"; the nearest one if there is no such severity (enum flightrec_severity). */
const char *severity_name(int severity);

/* "warning", for help and completion; NULL: there is no such severity. */
const char *severity_word(size_t severity);

/* Of "warning" or "warn", in upper or lower case. Returns a severity or -EINVAL. */
int severity_parse(const char *word);

/* "SIGKILL"; NULL: it has no name of its own. */
const char *signal_name(int number);

/* "timeout": as of "event" in JSON. */
const char *event_name(enum report_event event);

#endif /* FLIGHTREC_NAMES_H */
