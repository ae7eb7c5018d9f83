// SPDX-License-Identifier: BSD-2-Clause
/*
 * What recording costs the program that is observed, and its collector. Prints lines of a name
 * and a number. The driver (run.sh) starts it under whatever watches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flightrec.h"
#include "measure.h"

#define RUN_MS 100
#define ENTRIES_EACH 32
#define TIMEOUT FLIGHTREC_SEC(600)

static flightrec recorder;
static const char *key = "user:1000042";

/* A probe site in a function with nothing else in it: the trap alone, without the library. */
__attribute__((noinline, noipa)) void bench_bare_site(void);
void bench_bare_site(void)
{
	__asm__ volatile("nop");
}

static void bare(void *arg, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		bench_bare_site();
}

static void reopen(void *arg)
{
	flightrec_end(&recorder);
	flightrec_begin(&recorder, "bench", TIMEOUT);
}

static void log_entries(void *arg, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		flightrec_info(&recorder, "got %d of %s", (int)i, key);
}

static void open_close(void *arg, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		flightrec_begin(&recorder, "bench", TIMEOUT);
		flightrec_end(&recorder);
	}
}

static void recorders(uint64_t entries)
{
	for (uint64_t i = 0; i < entries; i += ENTRIES_EACH) {
		FLIGHTREC_SCOPE(rec, "bench", TIMEOUT) {
			for (int j = 0; j < ENTRIES_EACH; j++)
				flightrec_info(rec, "got %d of %s", j, key);
		}
	}
}

/* @n entries of recorders that end in time: what the collector does for them. */
static void on_time(uint64_t n)
{
	struct collectors start, tenth, end;

	recorders(n / 100 + 100000);
	collectors_measure(&start);
	recorders(n / 10);
	collectors_measure(&tenth);
	recorders(n - n / 10);
	collectors_measure(&end);
	printf("collector_ns_per_entry %.2f\n", (double)(end.cpu_ns - start.cpu_ns) / (double)n);
	printf("collector_wakeups_per_million %.2f\n",
	       (double)(end.wakeups - start.wakeups) * 1e6 / (double)n);
	printf("collector_rss_kib_tenth %lu\n", tenth.rss_kib);
	printf("collector_rss_kib_end %lu\n", end.rss_kib);
	printf("collector_maps_kib_end %lu\n", end.maps_kib);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	pin_to_cpu(1);
	if (strcmp(what, "on-time") == 0) {
		check_watchers(flightrec_watch_);
		on_time(argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000);
		check_watchers(flightrec_watch_);
		return 0;
	}
	if (strcmp(what, "calls") != 0) {
		fprintf(stderr, "usage: cost calls|on-time [ENTRIES]\n");
		return 2;
	}
	check_watchers(flightrec_watch_);
	printf("log %.3f\n", median_time(log_entries, reopen, NULL, RUN_MS));
	flightrec_end(&recorder);
	printf("pair %.3f\n", median_time(open_close, NULL, NULL, RUN_MS));
	printf("bare %.3f\n", median_time(bare, NULL, NULL, RUN_MS));
	check_watchers(flightrec_watch_);
	return 0;
}
