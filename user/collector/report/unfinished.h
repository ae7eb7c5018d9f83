/* SPDX-License-Identifier: BSD-2-Clause */
/* The step that a recorder is in: entries that begin with "+" enter one, those with "-" leave it.
 */
#ifndef FLIGHTREC_UNFINISHED_H
#define FLIGHTREC_UNFINISHED_H

#include <stdbool.h>

#include "collector/report/report.h"

/*
 * Finds the innermost step of a replay that was entered and not left. "+get(user)" is left by
 * "-get(user)", and by that with a result behind it, such as "-get(user) = 7". Fills in its entry,
 * which is valid until the next one is fetched. Returns false if there is none, or if that cannot
 * be said, as entries are missing.
 */
bool unfinished_step(const struct report *report, struct report_entry *entry);

#endif /* FLIGHTREC_UNFINISHED_H */
