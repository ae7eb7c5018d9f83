/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What recorders logged before anybody watched, out of their process's memory log. Not thread-safe.
 */
#ifndef FLIGHTREC_HISTORY_H
#define FLIGHTREC_HISTORY_H

#include "collector/recorder/log_replay.h"
#include "collector/recorder/process_table.h"

struct history;

/* Returns NULL if there is no memory. */
struct history *history_new(void);
/* NULL: does nothing. */
void history_free(struct history *history);

/*
 * Everything that the recorder of @slot, which is open, logged until @until_ns (CLOCK_MONOTONIC).
 * Of the report only entries and their counts are meant; it is good until the next call. NULL: the
 * process keeps no log, or it cannot be read.
 */
const struct report *history_find(struct history *history, const struct observed_process *process,
				  const struct recorder_slot *slot, uint64_t until_ns);

#endif /* FLIGHTREC_HISTORY_H */
