/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor's counter: the TSC of x86-64, the generic timer of arm64. */
#ifndef FLIGHTREC_COUNTER_H
#define FLIGHTREC_COUNTER_H

#include <stdint.h>

#if defined(__x86_64__)
/* RDTSC rather than RDTSCP: the time of an entry may be a few instructions early. */
static inline uint64_t counter_now(void)
{
	return __builtin_ia32_rdtsc();
}
/* After this many ticks, 0.05 to 0.3 s, a note of the counter and the clock should be renewed. */
static inline uint64_t counter_note_after(void)
{
	return 1u << 28;
}
#elif defined(__aarch64__)
static inline uint64_t counter_now(void)
{
	uint64_t ticks;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	return ticks;
}
static inline uint64_t counter_note_after(void)
{
	uint64_t frequency;

	__asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
	return frequency / 8;
}
#else
#error "flightrec: not ported to this architecture"
#endif

#endif /* FLIGHTREC_COUNTER_H */
