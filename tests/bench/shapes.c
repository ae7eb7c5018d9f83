// SPDX-License-Identifier: BSD-2-Clause
/*
 * shapes WAY: the cost of a recorder with 0, 4 and 32 entries, in one thread and in each of two,
 * recorded in one way. Prints lines of a name and a number.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flightrec.h"
#include "measure.h"
#include "work.h"

#define RUN_MS 40
#define THREADS_MAX 2

struct worker {
	pthread_t thread;
	const struct way *way;
	int cpu;
	unsigned int entries;
	uint64_t done;
	double ns;
};

static pthread_barrier_t together;

static void work(void *arg, uint64_t n)
{
	struct worker *worker = arg;

	worker->way->work(n, worker->entries);
	worker->done += n;
}

static void *run(void *arg)
{
	struct worker *worker = arg;

	pin_to_cpu(worker->cpu);
	pthread_barrier_wait(&together);
	worker->ns = median_time(work, NULL, worker, RUN_MS);
	return NULL;
}

static void measure(const struct way *way, unsigned int entries, int threads)
{
	struct worker workers[THREADS_MAX] = {0};
	struct collectors start, end;
	uint64_t done = 0;
	double ns = 0;

	collectors_measure(&start);
	pthread_barrier_init(&together, NULL, (unsigned int)threads);
	for (int i = 0; i < threads; i++) {
		/* The first where it always is, alone; the second beside the collector. */
		workers[i] = (struct worker){.way = way, .cpu = 1 - i, .entries = entries};
		if (pthread_create(&workers[i].thread, NULL, run, &workers[i]))
			fail("cannot start a thread");
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		done += workers[i].done;
		ns += workers[i].ns / threads;
	}
	pthread_barrier_destroy(&together);
	collectors_measure(&end);
	printf("ns_%u_%d %.2f\n", entries, threads, ns);
	printf("cpu_%u_%d %.2f\n", entries, threads,
	       (double)(end.cpu_ns - start.cpu_ns) / (double)done);
}

/*
 * Some attach to running programs only: waits for them, having read what goes into
 * BENCH_COLLECTORS from standard input.
 */
static void wait_for_watcher(void)
{
	char line[64];

	if (!fgets(line, sizeof(line), stdin))
		fail("nobody says who watches");
	setenv("BENCH_COLLECTORS", line, 1);
	for (int i = 0; !*flightrec_watch_ && i < 2000; i++)
		usleep(10000);
	/* For the rest of its probes. */
	usleep(500000);
}

int main(int argc, char **argv)
{
	static const unsigned int entries[] = {0, 4, 32};
	const struct way *way = ways;

	while (way->name && strcmp(way->name, argc > 1 ? argv[1] : ""))
		way++;
	if (!way->name) {
		fprintf(stderr, "usage: shapes WAY\n");
		return 2;
	}
	pin_to_cpu(1);
	if (way->open)
		way->open();
	way->work(1, 1);
	if (getenv("BENCH_WAIT"))
		wait_for_watcher();
	if (way->probes)
		check_watchers(flightrec_watch_);
	printf("threads %d\n", (int)own_threads() - 1);
	for (int threads = 1; threads <= THREADS_MAX; threads++) {
		for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
			measure(way, entries[i], threads);
	}
	if (way->probes)
		check_watchers(flightrec_watch_);
	return 0;
}
