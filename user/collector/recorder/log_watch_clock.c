// SPDX-License-Identifier: BSD-2-Clause
/* No unit test: it is arithmetic over tick_clock.c, which test_log_source.c has. */
#include "collector/recorder/log_watch_private.h"

#include <stdlib.h>
#include <string.h>

#include "collector/base/clock.h"

#define CLOCKS_APART_NS 20000

uint64_t log_watch_timeout(const struct log_watch *w, const struct memory_slot *copy)
{
	return w->watching->timeout_ns ? w->watching->timeout_ns : copy->timeout_ns;
}

/* CLOCK_MONOTONIC of a time that the current log has. */
uint64_t log_watch_time(const struct log_watch *w, uint64_t ticks)
{
	return tick_clock_real_ns(&w->owner.clock, ticks) - w->real_offset;
}

uint64_t log_watch_deadline(const struct log_watch *w, const struct memory_slot *copy)
{
	return clock_sum(log_watch_time(w, memory_slot_from(copy)), log_watch_timeout(w, copy));
}

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* NULL: there is no memory for it. */
static struct tick_clock *kept_clock(struct log_watch *w, uint32_t index)
{
	size_t logs = log_source_logs(w->source);
	struct tick_clock *grown;

	if (index >= w->clocks) {
		grown = reallocarray(w->clock, logs, sizeof(*grown));
		if (!grown)
			return NULL;
		memset(grown + w->clocks, 0, (logs - w->clocks) * sizeof(*grown));
		w->clock = grown;
		w->clocks = logs;
	}
	return &w->clock[index];
}

/*
 * Two readings of two clocks never agree to the nanosecond. All reports should show the same moment
 * as the same time, so the first result is kept until it has really changed.
 */
struct memory_log *log_watch_begin(struct log_watch *w, uint32_t index)
{
	struct memory_log *log = log_source_log(w->source, index);
	struct tick_clock *kept = kept_clock(w, index), now;
	uint64_t offset = clock_real_offset();

	tick_clock_now(&now, &log->header, log_source_process(w->source)->ahead_ns);
	now.real_ns -= offset;
	if (!kept)
		kept = &now;
	else if (!kept->ticks ||
		 apart(tick_clock_real_ns(kept, now.ticks), now.real_ns) > CLOCKS_APART_NS)
		*kept = now;
	if (apart(offset, w->real_offset) > CLOCKS_APART_NS)
		w->real_offset = offset;
	w->owner.clock = *kept;
	w->owner.clock.real_ns += w->real_offset;
	w->owner.now_ns = clock_ns(CLOCK_REALTIME);
	return log;
}

/* A recorder has one time of opening, even if the clock is set in between. */
void log_watch_begin_hung(struct log_watch *w, const struct hung *hung)
{
	log_watch_begin(w, hung->place.log);
	w->owner.clock.real_ns += hung->real_offset - w->real_offset;
	w->real_offset = hung->real_offset;
}
