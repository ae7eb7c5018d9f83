// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/tick_clock.h"

#include <math.h>

#include "collector/base/clock.h"
#include "collector/target/time_namespace.h"
#include "format/counter.h"

#define MEASURE_NS 10000000
/* Two clocks, read one after the other. */
#define LEEWAY_NS 1000000
/*
 * The range of rates that a hostile log may claim: 10 MHz to 100 GHz, which includes arm64's
 * timers.
 */
#define NS_PER_TICK_MIN 0.01
#define NS_PER_TICK_MAX 100.0

struct moment {
	uint64_t ticks;
	uint64_t ns; /* CLOCK_MONOTONIC */
};

/* Of several readings, the one that was interrupted least. */
static struct moment moment_now(void)
{
	struct moment best = {0};
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 8; i++) {
		uint64_t before = counter_now(), ns = clock_ns(CLOCK_MONOTONIC);
		uint64_t took = counter_now() - before;

		if (took < least) {
			least = took;
			best = (struct moment){before + took / 2, ns};
		}
	}
	return best;
}

static double rate(uint64_t ticks, uint64_t ns)
{
	double ns_per_tick = ticks ? (double)ns / (double)ticks : 0;

	return ns_per_tick >= NS_PER_TICK_MIN && ns_per_tick <= NS_PER_TICK_MAX ? ns_per_tick : 0;
}

static double measured_rate(void)
{
	static double known;
	struct timespec pause = {.tv_nsec = MEASURE_NS};
	struct moment start, end;

	if (known > 0)
		return known;
	start = moment_now();
	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	end = moment_now();
	known = rate(end.ticks - start.ticks, end.ns - start.ns);
	return known > 0 ? known : 1;
}

bool tick_clock_plausible(const struct memory_header *header, int64_t ahead_ns)
{
	return time_namespace_to_ours(header->zero_ns, ahead_ns) <=
	       clock_ns(CLOCK_MONOTONIC) + LEEWAY_NS;
}

void tick_clock_now(struct tick_clock *clock, const struct memory_header *header, int64_t ahead_ns)
{
	struct moment now;
	uint64_t zero_ns;
	double since_start;

	if (header->clock != MEMORY_CLOCK_COUNTER) {
		clock->ns_per_tick = 1;
		now.ns = clock_ns(CLOCK_MONOTONIC);
		clock->ticks = now.ns + (uint64_t)ahead_ns;
		clock->real_ns = now.ns + clock_real_offset();
		return;
	}
	zero_ns = time_namespace_to_ours(header->zero_ns, ahead_ns);
	clock->ns_per_tick = measured_rate();
	now = moment_now();
	clock->ticks = now.ticks;
	clock->real_ns = now.ns + clock_real_offset();
	/*
	 * Over the whole life of the process the rate can be determined more exactly; unless the
	 * log lies.
	 */
	if (now.ticks <= header->zero_ticks || now.ns <= zero_ns)
		return;
	since_start = rate(now.ticks - header->zero_ticks, now.ns - zero_ns);
	if (fabs(since_start / clock->ns_per_tick - 1) < 1e-4)
		clock->ns_per_tick = since_start;
}

void tick_clock_stored(struct tick_clock *clock, const struct memory_header *header)
{
	clock->ticks = header->last_ticks;
	clock->real_ns = header->last_real_ns;
	if (header->clock != MEMORY_CLOCK_COUNTER) {
		clock->ns_per_tick = 1;
		return;
	}
	clock->ns_per_tick =
		rate(header->last_ticks - header->zero_ticks, header->last_ns - header->zero_ns);
	if (clock->ns_per_tick <= 0)
		clock->ns_per_tick = 1;
}

/* Cannot overflow, whatever the numbers are. */
static double scaled(const struct tick_clock *clock, uint64_t ticks)
{
	double ns = (double)ticks * clock->ns_per_tick;

	return ns < 9e18 ? ns : 9e18;
}

uint64_t tick_clock_real_ns(const struct tick_clock *clock, uint64_t ticks)
{
	uint64_t ns;

	if (ticks >= clock->ticks) {
		ns = (uint64_t)scaled(clock, ticks - clock->ticks);
		return ns > UINT64_MAX - clock->real_ns ? UINT64_MAX : clock->real_ns + ns;
	}
	ns = (uint64_t)scaled(clock, clock->ticks - ticks);
	return ns > clock->real_ns ? 0 : clock->real_ns - ns;
}

uint64_t tick_clock_elapsed_ns(const struct tick_clock *clock, uint64_t start, uint64_t end)
{
	return end > start ? (uint64_t)scaled(clock, end - start) : 0;
}
