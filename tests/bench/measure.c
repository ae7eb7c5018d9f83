// SPDX-License-Identifier: BSD-2-Clause
#include "measure.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/record.h"
#include "flightrec/probes.h"

#define SAMPLES_MAX 4096
#define BATCH_NS 1000000

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void fail(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const volatile uint16_t *semaphores;

/* They share a semaphore. */
#define PROBES_BY_MEMORY (FLIGHTREC_PROBES - FLIGHTREC_PROBE_ARM)

static unsigned long expected(const char *name)
{
	const char *number = getenv(name);

	return number ? strtoul(number, NULL, 10) : 0;
}

void check_watchers(const volatile uint16_t *entry)
{
	unsigned long watchers = expected("BENCH_WATCHERS"), lookers = expected("BENCH_LOOKERS");

	semaphores = entry - FLIGHTREC_PROBE_ENTRY;
	if (semaphores[FLIGHTREC_PROBE_BEGIN] == watchers && *entry == watchers &&
	    semaphores[FLIGHTREC_PROBE_END] == watchers &&
	    semaphores[FLIGHTREC_PROBE_ARM] == lookers * PROBES_BY_MEMORY)
		return;
	fprintf(stderr,
		"bench: not %lu watch this program by probes and %lu by memory, but more or "
		"fewer\n",
		watchers, lookers);
	_exit(75);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double median(double *values, size_t n)
{
	if (!n)
		return 0;
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static uint64_t time_batch(void (*fn)(void *arg, uint64_t n), void (*before)(void *arg), void *arg,
			   uint64_t n)
{
	uint64_t start;

	if (before)
		before(arg);
	start = now_ns();
	fn(arg, n);
	return now_ns() - start;
}

double median_time(void (*fn)(void *arg, uint64_t n), void (*before)(void *arg), void *arg,
		   unsigned int ms)
{
	uint64_t end_ns, n = 64;
	double *values, result;
	size_t count = 0;

	/* The first batches warm up caches and find the size. */
	while (time_batch(fn, before, arg, n) < BATCH_NS)
		n *= 2;
	values = calloc(SAMPLES_MAX, sizeof(*values));
	if (!values)
		fail("no memory");
	end_ns = now_ns() + (uint64_t)ms * 1000000;
	do {
		values[count++] = (double)time_batch(fn, before, arg, n) / (double)n;
		if (semaphores)
			check_watchers(semaphores + FLIGHTREC_PROBE_ENTRY);
	} while (count < SAMPLES_MAX && now_ns() < end_ns);
	result = median(values, count);
	free(values);
	return result;
}

void pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("cannot pin to a CPU");
}

/* Calls @fn for each line of a file in /proc. */
static void each_line(pid_t pid, const char *name, void (*fn)(const char *line, void *arg),
		      void *arg)
{
	char path[128], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		fn(line, arg);
	fclose(file);
}

static void read_wakeups(const char *line, void *arg)
{
	unsigned long n;

	if (sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1)
		((struct collectors *)arg)->wakeups += n;
}

struct smaps {
	struct collectors *sum;
	bool map;
};

static void read_smaps(const char *line, void *arg)
{
	struct smaps *smaps = arg;
	unsigned long n;

	if (strchr(line, '-') && strchr(line, '-') < strchr(line, ' '))
		smaps->map = strstr(line, "bpf-map") != NULL;
	else if (sscanf(line, "Rss: %lu", &n) == 1)
		*(smaps->map ? &smaps->sum->maps_kib : &smaps->sum->rss_kib) += n;
}

static void measure_one(pid_t pid, struct collectors *sum)
{
	struct smaps smaps = {.sum = sum};
	struct timespec used;
	clockid_t clock;
	char name[64];
	DIR *tasks;
	struct dirent *task;

	if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &used) == 0)
		sum->cpu_ns += (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
	each_line(pid, "smaps", read_smaps, &smaps);
	snprintf(name, sizeof(name), "/proc/%d/task", pid);
	tasks = opendir(name);
	while (tasks && (task = readdir(tasks))) {
		snprintf(name, sizeof(name), "task/%.20s/status", task->d_name);
		each_line(pid, name, read_wakeups, sum);
	}
	if (tasks)
		closedir(tasks);
}

static const char *next_collector(const char *list, pid_t *pid)
{
	char *end;

	if (!list)
		return NULL;
	list += strspn(list, " ");
	if (strncmp(list, "parent", 6) == 0) {
		*pid = getppid();
		return list + 6;
	}
	*pid = (pid_t)strtol(list, &end, 10);
	return end == list ? NULL : end;
}

void collectors_measure(struct collectors *sum)
{
	const char *list = getenv("BENCH_COLLECTORS");
	pid_t pid;

	memset(sum, 0, sizeof(*sum));
	while ((list = next_collector(list, &pid)))
		measure_one(pid, sum);
}

/* ---- the map `counters` of the collector, found by its descriptors ---- */

static void read_map_id(const char *line, void *arg)
{
	sscanf(line, "map_id: %u", (uint32_t *)arg);
}

static int open_map(uint32_t id)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0)
		return -1;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && !strcmp(info.name, "counters") &&
	    info.value_size == sizeof(struct counters))
		return fd;
	close(fd);
	return -1;
}

static int find_counters(pid_t pid)
{
	struct dirent *entry;
	char path[64];
	int found = -1;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	fds = opendir(path);
	while (found < 0 && fds && (entry = readdir(fds))) {
		uint32_t id = 0;

		snprintf(path, sizeof(path), "fdinfo/%.20s", entry->d_name);
		each_line(pid, path, read_map_id, &id);
		if (id)
			found = open_map(id);
	}
	if (fds)
		closedir(fds);
	return found;
}

const struct counters *map_collector_counts(void)
{
	size_t size = (size_t)sysconf(_SC_NPROCESSORS_CONF) * sizeof(struct counters);
	void *counters;
	pid_t pid;
	int fd;

	if (!next_collector(getenv("BENCH_COLLECTORS"), &pid))
		return NULL;
	fd = find_counters(pid);
	if (fd < 0)
		return NULL;
	counters = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return counters == MAP_FAILED ? NULL : counters;
}

int collector_counts(uint64_t *counts, size_t n)
{
	const struct counters *counters = map_collector_counts();
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	memset(counts, 0, n * sizeof(*counts));
	if (!counters)
		return -1;
	for (long cpu = 0; cpu < cpus; cpu++) {
		for (size_t i = 0; i < n && i < FR_COUNTERS; i++)
			counts[i] += counters[cpu].count[i];
	}
	munmap((void *)counters, (size_t)cpus * sizeof(*counters));
	return 0;
}

static void read_threads(const char *line, void *arg)
{
	sscanf(line, "Threads: %u", (unsigned int *)arg);
}

unsigned int own_threads(void)
{
	unsigned int n = 0;

	each_line(getpid(), "status", read_threads, &n);
	return n;
}
