// SPDX-License-Identifier: BSD-2-Clause
/*
 * Many open recorders: what opening costs then, what they cost while nothing happens, and
 * when their deadlines are reported. Prints lines of a name and a number.
 *
 *	deadlines open N...		opening plus closing with N open, for each N
 *	deadlines idle N SECONDS	with N open, none due
 *	deadlines due N DUE GAP FILE	with N open, DUE become due, GAP ns after one another;
 *					writes id, deadline (CLOCK_REALTIME) to FILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "bpf/record.h"
#include "flightrec.h"
#include "measure.h"
#include "timer.skel.h"

#define RUN_MS 200
#define HOUR FLIGHTREC_SEC(3600)
#define RECORDERS_MAX 2000000

static flightrec *recorders;
static uint64_t opened;
static uint64_t chance = 88172645463325252u;

static void open_up_to(uint64_t n)
{
	for (; opened < n; opened++) {
		if (flightrec_begin(&recorders[opened], "open", HOUR))
			fail("cannot open a recorder");
	}
}

static void one_more(void *arg, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		flightrec_begin(&recorders[opened], "one more", FLIGHTREC_SEC(10));
		flightrec_end(&recorders[opened]);
	}
}

/* Any of those open, which caches are not likely to hold. */
static void any_one(void *arg, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		flightrec *rec;

		chance ^= chance << 13;
		chance ^= chance >> 7;
		chance ^= chance << 17;
		rec = &recorders[chance % opened];
		flightrec_end(rec);
		flightrec_begin(rec, "again", HOUR);
	}
}

static int measure_open(int argc, char **argv)
{
	/* Let the collector settle: it still looks at what this process has mapped. */
	median_time(one_more, NULL, NULL, 2 * RUN_MS);
	for (int i = 2; i < argc; i++) {
		open_up_to(strtoull(argv[i], NULL, 10));
		printf("pair_at_%s %.2f\n", argv[i], median_time(one_more, NULL, NULL, RUN_MS));
		printf("any_at_%s %.2f\n", argv[i], median_time(any_one, NULL, NULL, RUN_MS));
		fflush(stdout);
	}
	return 0;
}

static uint64_t kernel_symbol(const char *wanted)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[256], name[128];
	unsigned long address, found = 0;

	while (file && !found && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx %*c %127s", &address, name) == 2 && !strcmp(name, wanted))
			found = address;
	}
	if (file)
		fclose(file);
	return found;
}

static int keep_quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

/* What measures the BPF timers; NULL: this kernel does not let us. */
static struct timer_bpf *watch_timers(void)
{
	struct timer_bpf *timer;

	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(keep_quiet);
	timer = timer_bpf__open();
	if (!timer)
		return NULL;
	timer->rodata->callback = kernel_symbol("bpf_timer_cb");
	if (timer->rodata->callback && !timer_bpf__load(timer) && !timer_bpf__attach(timer))
		return timer;
	timer_bpf__destroy(timer);
	return NULL;
}

static int measure_idle(uint64_t n, unsigned int seconds)
{
	struct timer_bpf *timer = watch_timers();
	uint64_t before[FR_COUNTERS], after[FR_COUNTERS];
	struct collectors start, end;
	uint64_t spent_ns = 0;

	/* Timeouts from a little more than the measurement takes to an hour. */
	for (; opened < n; opened++)
		flightrec_begin(&recorders[opened], "idle",
				FLIGHTREC_SEC(seconds + 10) + opened * (HOUR / (n + 1)));
	sleep(1);
	if (timer)
		spent_ns = timer->bss->spent_ns;
	collector_counts(before, FR_COUNTERS);
	collectors_measure(&start);
	sleep(seconds);
	collectors_measure(&end);
	collector_counts(after, FR_COUNTERS);
	printf("ticks %lu\n", after[COUNT_TICKS] - before[COUNT_TICKS]);
	printf("wakeups %lu\n", end.wakeups - start.wakeups);
	printf("collector_percent %.4f\n", (double)(end.cpu_ns - start.cpu_ns) / seconds / 1e7);
	if (timer)
		printf("kernel_percent %.4f\n",
		       (double)(timer->bss->spent_ns - spent_ns) / seconds / 1e7);
	return 0;
}

static void sleep_until(uint64_t when_ns)
{
	struct timespec when = {.tv_sec = (time_t)(when_ns / 1000000000),
				.tv_nsec = (long)(when_ns % 1000000000)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

static uint64_t real_minus_monotonic(void)
{
	struct timespec real;
	uint64_t before, after;

	before = now_ns();
	clock_gettime(CLOCK_REALTIME, &real);
	after = now_ns();
	return (uint64_t)real.tv_sec * 1000000000 + (uint64_t)real.tv_nsec -
	       (before + (after - before) / 2);
}

static uint64_t timed_out(const struct counters *counters, long cpus)
{
	uint64_t sum = 0;

	for (long i = 0; i < cpus; i++)
		sum += __atomic_load_n(&counters[i].count[COUNT_TIMED_OUT], __ATOMIC_RELAXED);
	return sum;
}

/*
 * When the kernel sees deadlines pass: by its count of them, which we look at without pause. The
 * nth that it sees is taken for the nth of @deadlines, which are in order.
 */
static void watch_expiry(const uint64_t *deadlines, uint64_t due)
{
	const struct counters *counters = map_collector_counts();
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	double *late_ms = calloc(due, sizeof(*late_ms));
	uint64_t give_up_ns = deadlines[due - 1] + 1000000000 + due * 100000;
	uint64_t seen = 0, count, now;

	if (!counters || !late_ms)
		fail("cannot read the collector's counts");
	do {
		now = now_ns();
		count = timed_out(counters, cpus);
		for (; seen < count && seen < due; seen++)
			late_ms[seen] = ((double)now - (double)deadlines[seen]) / 1e6;
	} while (seen < due && now < give_up_ns);
	printf("kernel_p50 %.3f\n", median(late_ms, seen));
	printf("kernel_p99 %.3f\n", seen ? late_ms[(seen * 99 + 99) / 100 - 1] : 0);
	printf("kernel_max %.3f\n", seen ? late_ms[seen - 1] : 0);
	free(late_ms);
}

static int measure_due(uint64_t n, uint64_t due, uint64_t gap_ns, const char *path)
{
	uint64_t *deadlines = calloc(due, sizeof(*deadlines));
	FILE *file = fopen(path, "we");
	uint64_t first_ns, offset_ns;

	if (!file || !deadlines)
		fail(path);
	open_up_to(n);
	first_ns = now_ns() + 200000000 + due * 10000;
	for (uint64_t i = 0; i < due; i++) {
		uint64_t start_ns = now_ns();
		uint64_t timeout_ns = first_ns + i * gap_ns - start_ns;

		/* The clock is read before: what is in between counts as lateness. */
		deadlines[i] = start_ns + timeout_ns;
		flightrec_begin(&recorders[n + i], "due", timeout_ns);
		flightrec_info(&recorders[n + i], "waiting for %d of %s", (int)i, "them");
	}
	offset_ns = real_minus_monotonic();
	for (uint64_t i = 0; i < due; i++)
		fprintf(file, "%lu %lu\n", n + i + 1, deadlines[i] + offset_ns);
	fclose(file);
	watch_expiry(deadlines, due);
	/* Reports are still being written. */
	sleep_until(now_ns() + 500000000 + due * 100000);
	free(deadlines);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	pin_to_cpu(1);
	check_watchers(flightrec_watch_);
	recorders = calloc(RECORDERS_MAX, sizeof(*recorders));
	if (!recorders)
		fail("no memory");
	if (strcmp(what, "open") == 0)
		return measure_open(argc, argv);
	if (strcmp(what, "idle") == 0 && argc == 4)
		return measure_idle(n, (unsigned int)atoi(argv[3]));
	if (strcmp(what, "due") == 0 && argc == 6)
		return measure_due(n, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10),
				   argv[5]);
	fprintf(stderr, "usage: deadlines open N... | idle N SECONDS | due N DUE GAP FILE\n");
	return 2;
}
