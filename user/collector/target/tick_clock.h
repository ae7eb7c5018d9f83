/* SPDX-License-Identifier: BSD-2-Clause */
/* Converts the ticks of a memory log into the time of day. */
#ifndef FLIGHTREC_TICK_CLOCK_H
#define FLIGHTREC_TICK_CLOCK_H

#include <stdint.h>

#include "format/memory_log.h"

/* A moment on both clocks, and the rate between them. */
struct tick_clock {
	uint64_t ticks;
	uint64_t real_ns; /* CLOCK_REALTIME */
	double ns_per_tick;
};

/*
 * For the log of a process that runs on this machine now. Where the log counts the processor's
 * ticks, this measures them against the clock, which takes some 10 ms the first time.
 */
void tick_clock_now(struct tick_clock *clock, const struct memory_header *header);

/*
 * For a log out of a core file, by what the process itself noted of its clocks: as exact as its
 * last note, which it makes about ten times a second while it opens recorders.
 */
void tick_clock_stored(struct tick_clock *clock, const struct memory_header *header);

uint64_t tick_clock_real_ns(const struct tick_clock *clock, uint64_t ticks);

/* From @start to @end; 0 if @end is earlier. */
uint64_t tick_clock_elapsed_ns(const struct tick_clock *clock, uint64_t start, uint64_t end);

#endif /* FLIGHTREC_TICK_CLOCK_H */
