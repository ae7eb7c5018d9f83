// SPDX-License-Identifier: BSD-2-Clause
#include "lib/ticks.h"

#include <sys/syscall.h>
#include <unistd.h>

#define SAMPLES 8
/* If clocks differ by less, the thread was held up between two calls. */
#define FAKED_NS 1000000

uint64_t ticks_monotonic_faked;
uint64_t ticks_real_faked;

#if defined(__x86_64__)
#include <cpuid.h>

/* "Invariant TSC", CPUID 80000007h EDX bit 8: it neither stops nor changes its rate. */
static bool is_steady(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && d & 1u << 8;
}
#else
static bool is_steady(void)
{
	return true; /* by architecture */
}
#endif

static uint64_t find_faked(clockid_t clock)
{
	uint64_t before = ticks_clock_ns(clock), after;
	struct timespec now;
	uint64_t real;

	if (syscall(SYS_clock_gettime, clock, &now))
		return 0;
	after = ticks_clock_ns(clock);
	real = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return real + FAKED_NS >= before && real <= after + FAKED_NS ? 0 : real - before;
}

void ticks_find_faked(void)
{
	ticks_monotonic_faked = find_faked(CLOCK_MONOTONIC);
	ticks_real_faked = find_faked(CLOCK_REALTIME);
}

bool ticks_trust_counter(void)
{
	uint64_t best_call = UINT64_MAX, best_trap = UINT64_MAX;
	struct timespec now;

	if (!is_steady())
		return false;
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t start = counter_now(), call, trap;

		clock_gettime(CLOCK_MONOTONIC, &now);
		call = counter_now() - start;
		start = counter_now();
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
		trap = counter_now() - start;
		best_call = call < best_call ? call : best_call;
		best_trap = trap < best_trap ? trap : best_trap;
	}
	/*
	 * If clock_gettime() makes a system call it takes at least as long as making one directly.
	 * Where system calls are cheap and the vDSO is slow, this distrusts the counter needlessly.
	 */
	return best_call < best_trap - best_trap / 4;
}
