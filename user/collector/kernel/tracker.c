// SPDX-License-Identifier: BSD-2-Clause
#include "collector/kernel/tracker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "flightrec.h"
#include "flightrec.skel.h"

/* Room for some entries of the largest size, and call sites. */
#define RING_BYTES_MIN 16384
/* A recorder's node, and one for a shortened deadline. */
#define NODES_PER_RECORDER 2
#define NODES_MIN 1024

_Static_assert(FR_NAME_SIZE == FLIGHTREC_NAME_MAX, "sizes of the library");
_Static_assert(FR_CONTEXT_MAX == FLIGHTREC_CONTEXT_MAX, "sizes of the library");
_Static_assert(FR_ENTRY_DATA_MAX == FLIGHTREC_ENTRY_MAX, "sizes of the library");
_Static_assert(FR_PROBE_WORDS == FLIGHTREC_PROBE_WORDS, "sizes of the library");

/* libbpf's messages are for developers; of these we keep the one that tells why a load failed. */
static char last_message[512];
static bool has_verdict;

/* The verifier's verdict: the last line of its log but for the one that counts instructions. */
static bool keep_verdict(const char *message)
{
	const char *log = strstr(message, "-- BEGIN PROG LOAD LOG --\n");
	const char *end = log ? strstr(log, "\nprocessed ") : NULL;
	const char *line = end;
	int program = (int)strcspn(message, "-");

	if (!end)
		return false;
	while (line[-1] != '\n')
		line--;
	snprintf(last_message, sizeof(last_message), "%.*s%.*s", program, message,
		 (int)(end - line), line);
	return true;
}

static int keep_message(enum libbpf_print_level level, const char *format, va_list args)
{
	char *message;

	if (level != LIBBPF_WARN || has_verdict || vasprintf(&message, format, args) < 0)
		return 0;
	has_verdict = keep_verdict(message);
	if (!has_verdict)
		snprintf(last_message, sizeof(last_message), "%s", message);
	free(message);
	return 0;
}

static int fail(char *error, size_t size, int err, const char *what)
{
	char *end = strchr(last_message, '\n');

	if (end)
		*end = '\0';
	snprintf(error, size, "%s: %s%s%s", what, strerror(-err), last_message[0] ? ": " : "",
		 last_message);
	return err;
}

/* A ring's size must be a power of two and hold whole pages. */
static uint32_t ring_size(uint64_t wanted)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
	uint32_t size = page > RING_BYTES_MIN ? page : RING_BYTES_MIN;

	while ((uint64_t)size * 2 <= wanted && size < 1u << 30)
		size *= 2;
	return size;
}

/* Buckets for a quarter of the ways to be in use at most; a power of two. */
static uint32_t index_buckets(uint32_t recorders)
{
	uint32_t buckets = 1;

	while (buckets * (FR_INDEX_WAYS / 4) < recorders)
		buckets *= 2;
	return buckets;
}

static int size_maps(struct tracker *t)
{
	struct flightrec_bpf *s = t->skeleton;
	uint32_t nodes = s->rodata->max_nodes;
	int err = 0;

	err = err ?: bpf_map__set_max_entries(s->maps.slots, t->max_recorders);
	err = err ?: bpf_map__set_max_entries(s->maps.recorder_index, s->rodata->index_mask + 1);
	err = err ?: bpf_map__set_max_entries(s->maps.nodes, nodes);
	err = err ?: bpf_map__set_max_entries(s->maps.processes, t->max_processes);
	err = err ?: bpf_map__set_max_entries(s->maps.process_index, t->max_processes);
	err = err ?: bpf_map__set_max_entries(s->maps.shares, t->max_processes * t->rings);
	err = err ?: bpf_map__set_max_entries(s->maps.counters, t->cpus);
	err = err ?: bpf_map__set_max_entries(s->maps.rings, t->rings);
	return err;
}

static void configure(struct tracker *t, const struct tracker_options *options)
{
	struct flightrec_bpf__rodata *config = t->skeleton->rodata;

	config->max_recorders = t->max_recorders;
	config->max_processes = t->max_processes;
	config->max_nodes = t->max_recorders * NODES_PER_RECORDER + NODES_MIN;
	config->index_mask = index_buckets(t->max_recorders) - 1;
	config->rings_count = t->rings;
	config->ring_bytes = t->ring_bytes;
	config->shards = t->cpus < FR_SHARDS_MAX ? t->cpus : FR_SHARDS_MAX;
	config->min_severity = (uint32_t)options->min_severity;
	config->override_timeout_ns = options->timeout_ns;
	config->watch_all = options->watch_all;
}

/* BPF maps as memory: @size is rounded up to pages, as the kernel does. */
static void *map_memory(const struct bpf_map *map, size_t size, int protection)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory = mmap(NULL, (size + page - 1) & ~(page - 1), protection, MAP_SHARED,
			    bpf_map__fd(map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int map_maps(struct tracker *t)
{
	struct flightrec_bpf *s = t->skeleton;

	t->slots = map_memory(s->maps.slots, t->max_recorders * sizeof(*t->slots), PROT_READ);
	t->processes =
		map_memory(s->maps.processes, t->max_processes * sizeof(*t->processes), PROT_READ);
	t->counters = map_memory(s->maps.counters, t->cpus * sizeof(*t->counters), PROT_READ);
	t->shares =
		map_memory(s->maps.shares, (size_t)t->max_processes * t->rings * sizeof(*t->shares),
			   PROT_READ | PROT_WRITE);
	return t->slots && t->processes && t->counters && t->shares ? 0 : -errno;
}

static int open_ring(struct tracker *t, struct tracker_ring *ring, uint32_t number, int fd,
		     uint64_t size)
{
	ring->tracker = t;
	ring->number = number;
	ring->fd = fd;
	return ring_reader_open(&ring->reader, fd, size);
}

static int create_rings(struct tracker *t)
{
	int outer = bpf_map__fd(t->skeleton->maps.rings);

	for (uint32_t i = 0; i < t->rings; i++) {
		int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "entry_ring", 0, 0, t->ring_bytes,
					NULL);
		int err;

		if (fd < 0)
			return -errno;
		err = bpf_map_update_elem(outer, &i, &fd, BPF_ANY) ? -errno : 0;
		err = err ?: open_ring(t, &t->ring[i], i, fd, t->ring_bytes);
		if (err) {
			close(fd);
			t->ring[i].tracker = NULL;
			return err;
		}
	}
	return open_ring(t, &t->notices, 0, bpf_map__fd(t->skeleton->maps.notices),
			 FR_NOTICES_BYTES);
}

static int run_program(struct bpf_program *program, void *context, uint32_t context_size)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = context, .ctx_size_in = context_size);
	int err = bpf_prog_test_run_opts(bpf_program__fd(program), &options);

	if (err)
		return -errno;
	return options.retval ? -EIO : 0;
}

/* Probes are attached file by file, being found. */
static int attach_tracepoints(struct tracker *t, bool follow_children)
{
	const struct {
		struct bpf_program *program;
		struct bpf_link **link;
		bool wanted;
	} tracepoints[] = {
		{t->skeleton->progs.on_fork, &t->skeleton->links.on_fork, follow_children},
		{t->skeleton->progs.on_exec, &t->skeleton->links.on_exec, true},
		{t->skeleton->progs.on_exit, &t->skeleton->links.on_exit, true},
		{t->skeleton->progs.on_exit_signal, &t->skeleton->links.on_exit_signal, true},
		{t->skeleton->progs.on_free, &t->skeleton->links.on_free, true},
	};

	for (size_t i = 0; i < sizeof(tracepoints) / sizeof(tracepoints[0]); i++) {
		if (!tracepoints[i].wanted)
			continue;
		*tracepoints[i].link = bpf_program__attach(tracepoints[i].program);
		if (!*tracepoints[i].link)
			return -errno;
	}
	return 0;
}

int tracker_open(struct tracker *t, const struct tracker_options *options,
		 const struct tracker_callbacks *callbacks, char *error, size_t error_size)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	int cpus = libbpf_num_possible_cpus();
	int err;

	*t = (struct tracker){0};
	if (callbacks)
		t->callbacks = *callbacks;
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL & ~LIBBPF_STRICT_AUTO_RLIMIT_MEMLOCK);
	libbpf_set_print(keep_message);
	last_message[0] = '\0';
	has_verdict = false;
	/* Before 5.11 maps count as locked memory; later this changes nothing. */
	setrlimit(RLIMIT_MEMLOCK, &unlimited);

	t->cpus = cpus > 0 ? (uint32_t)cpus : 1;
	t->rings = t->cpus < FR_RINGS_MAX ? t->cpus : FR_RINGS_MAX;
	t->ring_bytes = ring_size(options->ring_bytes / t->rings);
	t->max_recorders = options->max_recorders;
	t->max_processes = TRACKER_PROCESSES_MAX;

	t->skeleton = flightrec_bpf__open();
	if (!t->skeleton)
		return fail(error, error_size, -errno, "cannot open the BPF object");
	configure(t, options);
	err = size_maps(t);
	if (err) {
		fail(error, error_size, err, "cannot size the BPF maps");
		goto cleanup;
	}
	err = flightrec_bpf__load(t->skeleton);
	if (err) {
		fail(error, error_size, err, "cannot load the BPF programs");
		goto cleanup;
	}
	err = map_maps(t);
	err = err ?: create_rings(t);
	if (err) {
		fail(error, error_size, err, "cannot map the BPF maps");
		goto cleanup;
	}
	err = run_program(t->skeleton->progs.start_timer, NULL, 0);
	if (err) {
		fail(error, error_size, err, "cannot start the deadline timer");
		goto cleanup;
	}
	err = attach_tracepoints(t, options->follow_children);
	if (err) {
		fail(error, error_size, err, "cannot attach to the process tracepoints");
		goto cleanup;
	}
	return 0;
cleanup:
	tracker_close(t);
	return err;
}

void tracker_close(struct tracker *t)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t mask = ~(page - 1);

	if (t->slots)
		munmap((void *)t->slots, (t->max_recorders * sizeof(*t->slots) + page - 1) & mask);
	if (t->processes)
		munmap((void *)t->processes,
		       (t->max_processes * sizeof(*t->processes) + page - 1) & mask);
	if (t->counters)
		munmap((void *)t->counters, (t->cpus * sizeof(*t->counters) + page - 1) & mask);
	if (t->shares)
		munmap((void *)t->shares,
		       ((size_t)t->max_processes * t->rings * sizeof(*t->shares) + page - 1) &
			       mask);
	for (uint32_t i = 0; i < t->rings; i++) {
		if (!t->ring[i].tracker)
			continue;
		ring_reader_close(&t->ring[i].reader);
		close(t->ring[i].fd);
	}
	ring_reader_close(&t->notices.reader);
	flightrec_bpf__destroy(t->skeleton);
	memset(t, 0, sizeof(*t));
}

struct bpf_program *tracker_probe_program(struct tracker *t, enum flightrec_probe probe)
{
	switch (probe) {
	case FLIGHTREC_PROBE_BEGIN:
		return t->skeleton->progs.on_begin;
	case FLIGHTREC_PROBE_ENTRY:
		return t->skeleton->progs.on_entry;
	case FLIGHTREC_PROBE_END:
		return t->skeleton->progs.on_end;
	case FLIGHTREC_PROBE_EXTEND:
		return t->skeleton->progs.on_extend;
	case FLIGHTREC_PROBE_CONTEXT:
		return t->skeleton->progs.on_context;
	case FLIGHTREC_PROBE_REPLAY:
		return t->skeleton->progs.on_replay;
	default:
		return NULL;
	}
}

struct bpf_program *tracker_mappings_program(struct tracker *t)
{
	return t->skeleton->progs.on_mappings;
}

int tracker_watch(struct tracker *t, pid_t pid)
{
	uint32_t key = (uint32_t)pid;
	uint64_t started_ns = 0;

	return bpf_map_update_elem(bpf_map__fd(t->skeleton->maps.watched), &key, &started_ns,
				   BPF_ANY)
		       ? -errno
		       : 0;
}

void tracker_unwatch(struct tracker *t, pid_t pid)
{
	uint32_t key = (uint32_t)pid;

	bpf_map_delete_elem(bpf_map__fd(t->skeleton->maps.watched), &key);
}

int tracker_processes(struct tracker *t, void (*fn)(void *arg, const struct process_found *found),
		      void *arg)
{
	struct bpf_link *link = bpf_program__attach_iter(t->skeleton->progs.list_processes, NULL);
	struct process_found found[64];
	size_t held = 0;
	ssize_t got;
	int fd, err = 0;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0) {
		err = -errno;
		goto cleanup;
	}
	while ((got = read(fd, (char *)found + held, sizeof(found) - held)) != 0) {
		size_t whole;

		if (got < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			err = -errno;
			break;
		}
		held += (size_t)got;
		whole = held / sizeof(found[0]);
		for (size_t i = 0; i < whole; i++)
			fn(arg, &found[i]);
		held -= whole * sizeof(found[0]);
		memmove(found, found + whole, held);
	}
	close(fd);
cleanup:
	bpf_link__destroy(link);
	return err;
}

void tracker_release(struct tracker *t, const uint32_t *slots, const uint32_t *generations,
		     size_t count, uint32_t process)
{
	struct release_args *args = &t->skeleton->bss->release_args;

	do {
		size_t part = count < FR_RELEASE_MAX ? count : FR_RELEASE_MAX;

		if (part) {
			memcpy(args->slot, slots, part * sizeof(*slots));
			memcpy(args->generation, generations, part * sizeof(*generations));
			slots += part;
			generations += part;
			count -= part;
		}
		args->count = (uint32_t)part;
		args->process = count ? FR_NONE : process;
		run_program(t->skeleton->progs.release, NULL, 0);
	} while (count);
}

void tracker_rearm(struct tracker *t)
{
	run_program(t->skeleton->progs.rearm_timer, NULL, 0);
}

uint32_t tracker_adopt(struct tracker *t, struct adopt_args *args)
{
	args->slot = FR_NONE;
	/* For this type of program the kernel copies the context back to where it came from. */
	if (run_program(t->skeleton->progs.adopt, args, sizeof(*args)))
		return FR_NONE;
	return args->slot;
}

void tracker_verified(struct tracker *t, void (*fn)(const char *program, uint32_t count))
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, t->skeleton->obj)
	{
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			continue;
		fn(bpf_program__name(program), info.verified_insns);
	}
}

static uint64_t runs_missed(const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size)
		       ? 0
		       : info.recursion_misses;
}

void tracker_missed(const struct tracker *t, uint64_t *execs, uint64_t *exits)
{
	*execs = runs_missed(t->skeleton->progs.on_exec);
	*exits = runs_missed(t->skeleton->progs.on_exit);
}

uint32_t tracker_slots_used(const struct tracker *t)
{
	uint32_t used = t->skeleton->bss->fresh_slots;

	return used < t->max_recorders ? used : t->max_recorders;
}

bool tracker_must_scan(struct tracker *t)
{
	return __atomic_exchange_n(&t->skeleton->bss->scan_slots, 0, __ATOMIC_ACQ_REL) != 0;
}

void tracker_count(const struct tracker *t, uint64_t count[FR_COUNTERS])
{
	memset(count, 0, FR_COUNTERS * sizeof(*count));
	for (uint32_t cpu = 0; cpu < t->cpus; cpu++)
		for (int i = 0; i < FR_COUNTERS; i++)
			count[i] += t->counters[cpu].count[i];
}
