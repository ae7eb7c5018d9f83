/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What recorders logged before anyone watched, from the memory log of their process. Not
 * thread-safe.
 */
#ifndef FLIGHTREC_HISTORY_H
#define FLIGHTREC_HISTORY_H

#include "collector/recorder/log_replay.h"
#include "collector/recorder/process_table.h"

struct history;

/* Returns NULL if there is no memory. */
struct history *history_new(void);
/* NULL is allowed. */
void history_free(struct history *history);

/*
 * Everything that the open recorder of @slot logged until @until_ns (CLOCK_MONOTONIC). Only the
 * entries and counts of the report are to be used; it is valid until the next call. Returns NULL if
 * the process keeps no log or it cannot be read.
 */
const struct report *history_find(struct history *history, const struct observed_process *process,
				  const struct recorder_slot *slot, uint64_t until_ns);

#endif /* FLIGHTREC_HISTORY_H */
