/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks and counts that the measured programs share. Not thread-safe unless said. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct counters;

/* CLOCK_MONOTONIC. Thread-safe. */
uint64_t now_ns(void);

/*
 * Calls @fn(@arg, @n) over and over for @ms milliseconds, @n so large that a call takes a
 * millisecond or more; @before(@arg), if not NULL, in front of each one, out of the time. Returns
 * the median time of one of the @n, in ns: what else runs on the machine disturbs few calls.
 * Thread-safe.
 */
double median_time(void (*fn)(void *arg, uint64_t n), void (*before)(void *arg), void *arg,
		   unsigned int ms);

double median(double *values, size_t n);

void pin_to_cpu(int cpu);

/* Ends the program with a message. */
void fail(const char *what) __attribute__((noreturn));

/*
 * The programs outside that work for this one: those named, by pid and separated by blanks, in
 * the environment variable BENCH_COLLECTORS; "parent" is the parent.
 */
struct collectors {
	uint64_t cpu_ns;
	uint64_t wakeups;  /* voluntary context switches */
	uint64_t rss_kib;  /* without mapped BPF maps */
	uint64_t maps_kib; /* of these, resident in it */
};
void collectors_measure(struct collectors *sum);

/* flightrec's own counts (bpf/record.h), summed over CPUs. Returns 0, or -1: no such collector. */
int collector_counts(uint64_t *counts, size_t n);

/* The same, live: one struct counters for each CPU; NULL: no such collector. */
const struct counters *map_collector_counts(void);

/*
 * To be called before and after measuring; median_time() also calls it with each batch. Ends the
 * program with status 75 unless as many watch it by probes as BENCH_WATCHERS says, and by memory as
 * BENCH_LOOKERS says: others on this machine may watch every process. @entry is the semaphore of
 * the entry probe; the others are beside it (struct flightrec_state).
 */
void check_watchers(const volatile uint16_t *entry);

unsigned int own_threads(void);

#endif /* BENCH_MEASURE_H */
