/* SPDX-License-Identifier: BSD-2-Clause */
/* Converts the ticks of a memory log to the time of day. */
#ifndef FLIGHTREC_TICK_CLOCK_H
#define FLIGHTREC_TICK_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "format/memory_log.h"

/* A moment on both clocks, and the ratio of their rates. */
struct tick_clock {
	uint64_t ticks;
	uint64_t real_ns; /* CLOCK_REALTIME */
	double ns_per_tick;
};

/*
 * For the log of a process that is running on this machine, whose CLOCK_MONOTONIC is ahead of ours
 * by @ahead_ns (time_namespace.h). If the log counts the processor's ticks, their rate is measured
 * against the clock, which takes some 10 ms the first time.
 */
void tick_clock_now(struct tick_clock *clock, const struct memory_header *header, int64_t ahead_ns);

/*
 * Whether the log's times can be those of this machine's clocks: they began before now. @ahead_ns
 * as above.
 */
bool tick_clock_plausible(const struct memory_header *header, int64_t ahead_ns);

/*
 * For a log from a core file, using what the process itself noted about its clocks. As exact as its
 * last note; it makes about ten a second while it opens recorders.
 */
void tick_clock_stored(struct tick_clock *clock, const struct memory_header *header);

uint64_t tick_clock_real_ns(const struct tick_clock *clock, uint64_t ticks);

/* The time from @start to @end; 0 if @end is earlier. */
uint64_t tick_clock_elapsed_ns(const struct tick_clock *clock, uint64_t start, uint64_t end);

#endif /* FLIGHTREC_TICK_CLOCK_H */
