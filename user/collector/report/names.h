/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of severities, signals and events: in reports, on the command line, and in its help. */
#ifndef FLIGHTREC_NAMES_H
#define FLIGHTREC_NAMES_H

#include <stddef.h>

#include "collector/report/report.h"

/* "WARNING"; the nearest name if there is no such severity (enum flightrec_severity). */
const char *severity_name(int severity);

/* "warning", for help and completion; NULL if there is no such severity. */
const char *severity_word(size_t severity);

/* Parses "warning" or "warn", in upper or lower case. Returns a severity or -EINVAL. */
int severity_parse(const char *word);

/* "SIGKILL"; NULL if it has no name of its own. */
const char *signal_name(int number);

/* "timeout", as for "event" in JSON. */
const char *event_name(enum report_event event);

#endif /* FLIGHTREC_NAMES_H */
