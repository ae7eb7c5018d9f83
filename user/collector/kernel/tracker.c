// SPDX-License-Identifier: BSD-2-Clause
#include "collector/kernel/tracker_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/span.h"
#include "collector/base/clock.h"
#include "collector/kernel/libbpf_message.h"
#include "collector/kernel/uprobes.h"
#include "flightrec.h"
#include "flightrec.skel.h"

/* Room for a few entries of the largest size, and for call sites. */
#define RING_BYTES_MIN 16384
/*
 * What all CPUs together may have taken from the pool without having reported it: one part in this
 * many. See share.bpf.h.
 */
#define UNTOLD_POOL_PART 32
#define FILES_WANTED 65536
/* Maps, programs, and what was open before; each ring takes one more. */
#define FILES_NEEDED 80
#define START_TIMER_TRIES 50
#define START_TIMER_APART_US 2000

_Static_assert(FR_NAME_SIZE == FLIGHTREC_NAME_MAX, "sizes of the library");
_Static_assert(FR_CONTEXT_MAX == FLIGHTREC_CONTEXT_MAX, "sizes of the library");
_Static_assert(FR_ENTRY_DATA_MAX == FLIGHTREC_ENTRY_MAX, "sizes of the library");
_Static_assert(FR_PROBES == FLIGHTREC_PROBES, "the library's probes");
_Static_assert(FR_PROBE_BEGIN == FLIGHTREC_PROBE_BEGIN, "the library's probes");
_Static_assert(FR_PROBE_ENTRY == FLIGHTREC_PROBE_ENTRY, "the library's probes");
_Static_assert(FR_PROBE_END == FLIGHTREC_PROBE_END, "the library's probes");
_Static_assert(FR_PROBE_EXTEND == FLIGHTREC_PROBE_EXTEND, "the library's probes");
_Static_assert(FR_PROBE_CONTEXT == FLIGHTREC_PROBE_CONTEXT, "the library's probes");
_Static_assert(FR_PROBE_REPLAY == FLIGHTREC_PROBE_REPLAY, "the library's probes");
_Static_assert(FR_PROBE_LEAVE == FLIGHTREC_PROBE_LEAVE, "the library's probes");
_Static_assert(FR_PROBES == FLIGHTREC_PROBES, "the library's probes");
_Static_assert(FR_PROBE_WORDS == FLIGHTREC_PROBE_WORDS, "sizes of the library");

static int fail(char *error, size_t size, int err, const char *what)
{
	const char *why = libbpf_message();

	snprintf(error, size, "%s: %s%s%s", what, strerror(-err), *why ? ": " : "", why);
	return err;
}

/* The size of a ring must be a power of two and a multiple of the page size. */
static uint32_t ring_size(uint64_t wanted)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
	uint32_t size = page > RING_BYTES_MIN ? page : RING_BYTES_MIN;

	while ((uint64_t)size * 2 <= wanted && size < 1u << 30)
		size *= 2;
	return size;
}

/* Slots for what processes hold beyond their guaranteed ones; see share.bpf.h. */
static uint32_t pool_for(uint32_t recorders)
{
	return recorders + recorders / 4 + 1;
}

static uint32_t owners_for(const struct tracker *t)
{
	return (t->max_slots + FR_OWNERS - 1) / FR_OWNERS;
}

static uint32_t possible_cpus(void)
{
	int cpus = libbpf_num_possible_cpus();

	return cpus > 0 ? (uint32_t)cpus : 1;
}

void tracker_ring_layout(uint64_t wanted, uint32_t *rings, uint32_t *ring_bytes)
{
	uint32_t cpus = possible_cpus();

	*rings = cpus < FR_RINGS_MAX ? cpus : FR_RINGS_MAX;
	*ring_bytes = ring_size(wanted / *rings);
}

/* Enough buckets that at most a quarter of the ways are in use; a power of two. */
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
	int err = 0;

	err = err ?: bpf_map__set_max_entries(s->maps.slots, t->max_slots);
	err = err ?: bpf_map__set_max_entries(s->maps.recorder_index, s->rodata->index_mask + 1);
	err = err ?: bpf_map__set_max_entries(s->maps.nodes, t->max_slots * FR_WHEEL_NODES);
	err = err ?: bpf_map__set_max_entries(s->maps.slot_owners, owners_for(t));
	err = err ?: bpf_map__set_max_entries(s->maps.processes, t->max_processes);
	err = err ?: bpf_map__set_max_entries(s->maps.process_index, t->max_processes);
	err = err ?: bpf_map__set_max_entries(s->maps.shares, t->max_processes * t->rings);
	err = err ?: bpf_map__set_max_entries(s->maps.counters, t->cpus);
	err = err ?: bpf_map__set_max_entries(s->maps.rings, t->rings);
	return err;
}

/* Programs and maps for spans, if they are asked for. */
static int choose_spans(struct tracker *t, bool wanted)
{
	struct flightrec_bpf *s = t->skeleton;
	struct bpf_program *const programs[] = {
		s->progs.on_span,     s->progs.on_span_return,      s->progs.on_sys_enter,
		s->progs.on_sys_exit, s->progs.on_span_thread_exit,
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		bpf_program__set_autoload(programs[i], wanted);
	if (!wanted)
		return 0;
	err = err ?: bpf_map__set_max_entries(s->maps.span_slots, t->max_slots);
	err = err ?: bpf_map__set_max_entries(s->maps.span_places, FR_SPAN_PLACES_MAX);
	err = err ?: bpf_map__set_max_entries(s->maps.span_callers, FR_SPAN_CALLERS_MAX);
	err = err ?: bpf_map__set_max_entries(s->maps.span_scratches, t->cpus * FR_SPAN_SCRATCHES);
	return err;
}

static void configure(struct tracker *t, const struct tracker_options *options)
{
	struct flightrec_bpf__rodata *config = t->skeleton->rodata;

	config->max_recorders = t->max_recorders;
	config->max_processes = t->max_processes;
	config->max_slots = t->max_slots;
	config->pool_slots = pool_for(t->max_recorders);
	config->pool_batch = config->pool_slots / UNTOLD_POOL_PART / t->cpus;
	if (getrandom((void *)&config->hash_seed, sizeof(config->hash_seed), GRND_NONBLOCK) < 0)
		config->hash_seed = clock_ns(CLOCK_MONOTONIC);
	config->index_mask = index_buckets(t->max_slots) - 1;
	config->rings_count = t->rings;
	config->ring_bytes = t->ring_bytes;
	config->shards = t->cpus < FR_SHARDS_MAX ? t->cpus : FR_SHARDS_MAX;
	config->min_severity = (uint32_t)options->min_severity;
	config->override_timeout_ns = options->timeout_ns;
	config->collector_pid = (uint32_t)getpid();
	config->watch_all = options->watch_all;
	config->by_memory = options->by_memory;
}

/* The programs that are attached to files, and those they call, which must be loaded alike. */
static int choose_links(struct tracker *t, bool spans)
{
	struct flightrec_bpf *s = t->skeleton;
	struct bpf_program *const programs[] = {
		s->progs.on_probe,  s->progs.on_begin,       s->progs.on_entry,
		s->progs.on_end,    s->progs.on_extend,      s->progs.on_context,
		s->progs.on_replay, s->progs.on_mappings,    s->progs.on_arm,
		s->progs.on_late,   s->progs.on_stray,       s->progs.on_leave,
		s->progs.on_span,   s->progs.on_span_return,
	};
	size_t count = sizeof(programs) / sizeof(programs[0]) - (spans ? 0 : 2);
	int err = 0;

	t->multi = uprobes_multi_possible();
	for (size_t i = 0; t->multi && !err && i < count; i++)
		err = bpf_program__set_expected_attach_type(programs[i], UPROBES_MULTI_TYPE);
	return err;
}

static int map_maps(struct tracker *t, bool spans)
{
	struct flightrec_bpf *s = t->skeleton;
	const struct {
		struct mapped_map *mapped;
		const struct bpf_map *map;
		size_t size;
		int protection;
	} maps[] = {
		{&t->slots_map, s->maps.slots, t->max_slots * sizeof(*t->slots), PROT_READ},
		{&t->owners_map, s->maps.slot_owners, owners_for(t) * sizeof(*t->owners),
		 PROT_READ},
		{&t->processes_map, s->maps.processes, t->max_processes * sizeof(*t->processes),
		 PROT_READ},
		{&t->counters_map, s->maps.counters, t->cpus * sizeof(*t->counters), PROT_READ},
		{&t->shares_map, s->maps.shares,
		 (size_t)t->max_processes * t->rings * sizeof(*t->shares), PROT_READ | PROT_WRITE},
		{&t->span_slots_map, s->maps.span_slots, t->max_slots * sizeof(*t->span_slots),
		 PROT_READ},
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]) - !spans; i++) {
		int err = mapped_map_open(maps[i].mapped, bpf_map__fd(maps[i].map), maps[i].size,
					  maps[i].protection);

		if (err)
			return err;
	}
	t->slots = t->slots_map.memory;
	t->owners = t->owners_map.memory;
	t->processes = t->processes_map.memory;
	t->counters = t->counters_map.memory;
	t->shares = t->shares_map.memory;
	t->span_slots = t->span_slots_map.memory;
	return 0;
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

/* The probes are attached later, file by file. */
static int attach_tracepoints(struct tracker *t, const struct tracker_options *options)
{
	const struct {
		struct bpf_program *program;
		struct bpf_link **link;
		bool wanted;
	} tracepoints[] = {
		{t->skeleton->progs.on_fork, &t->skeleton->links.on_fork, options->follow_children},
		{t->skeleton->progs.on_exec, &t->skeleton->links.on_exec, true},
		{t->skeleton->progs.on_exit, &t->skeleton->links.on_exit, true},
		{t->skeleton->progs.on_exit_signal, &t->skeleton->links.on_exit_signal, true},
		{t->skeleton->progs.on_free, &t->skeleton->links.on_free, true},
		{t->skeleton->progs.on_span_thread_exit, &t->skeleton->links.on_span_thread_exit,
		 options->spans},
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

/*
 * The kernel allocates the timer's memory without waiting, which may fail on a busy machine: seen
 * on Linux 6.18.
 */
static int start_timer(struct tracker *t)
{
	int err = -EIO;

	for (int i = 0; i < START_TIMER_TRIES && err == -EIO; i++) {
		if (i)
			usleep(START_TIMER_APART_US);
		err = tracker_run_program(t->skeleton->progs.start_timer, NULL, 0);
	}
	return err;
}

/* Loads, maps and attaches. *@what says what was being done when it failed. */
static int start(struct tracker *t, const struct tracker_options *options, const char **what)
{
	int err;

	*what = "cannot open the BPF object";
	t->skeleton = flightrec_bpf__open();
	if (!t->skeleton)
		return -errno;
	configure(t, options);
	*what = "cannot size the BPF maps";
	err = size_maps(t);
	err = err ?: choose_spans(t, options->spans);
	err = err ?: choose_links(t, options->spans);
	if (err)
		return err;
	*what = "cannot load the BPF programs";
	err = flightrec_bpf__load(t->skeleton);
	if (err)
		return err;
	t->ring_woken = t->skeleton->bss->ring_woken;
	t->notices_woken = &t->skeleton->bss->notices_woken;
	t->fresh_slots = &t->skeleton->bss->fresh_slots;
	t->scan_slots = &t->skeleton->bss->scan_slots;
	*what = "cannot map the BPF maps";
	err = map_maps(t, options->spans);
	err = err ?: create_rings(t);
	if (err)
		return err;
	*what = "cannot start the deadline timer";
	err = start_timer(t);
	if (err)
		return err;
	*what = "cannot attach to the process tracepoints";
	return attach_tracepoints(t, options);
}

/*
 * Each file with probes takes descriptors. Programs that we start get the original limits back; see
 * startup.h.
 */
static void raise_limits(void)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY}, files;

	/* Before 5.11 maps count as locked memory; later this changes nothing. */
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	/* Beyond the limit that was set for us, if we may. */
	if (files.rlim_max >= FILES_WANTED)
		return;
	files = (struct rlimit){FILES_WANTED, FILES_WANTED};
	setrlimit(RLIMIT_NOFILE, &files);
}

/* libbpf's own message leads nowhere. */
static bool too_few_files(const struct tracker *t, char *error, size_t size)
{
	unsigned long needed = FILES_NEEDED + t->rings;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur >= needed)
		return false;
	snprintf(error, size,
		 "cannot load the BPF programs: %lu descriptors are allowed (RLIMIT_NOFILE), and "
		 "%lu are needed",
		 (unsigned long)files.rlim_cur, needed);
	return true;
}

int tracker_open(struct tracker **tracker, const struct tracker_options *options,
		 const struct tracker_callbacks *callbacks, char *error, size_t error_size)
{
	struct tracker *t = calloc(1, sizeof(*t));
	const char *what;
	int err;

	*tracker = NULL;
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL & ~LIBBPF_STRICT_AUTO_RLIMIT_MEMLOCK);
	libbpf_message_keep();
	if (!t)
		return fail(error, error_size, -ENOMEM, "cannot load the BPF programs");
	if (callbacks)
		t->callbacks = *callbacks;
	raise_limits();

	t->cpus = possible_cpus();
	tracker_ring_layout(options->ring_bytes, &t->rings, &t->ring_bytes);
	t->max_recorders = options->max_recorders;
	t->max_processes = TRACKER_PROCESSES_MAX;
	t->max_slots =
		pool_for(options->max_recorders) + FR_RESERVE + t->max_processes * FR_GUARANTEED;

	if (too_few_files(t, error, error_size)) {
		free(t);
		return -EMFILE;
	}
	err = start(t, options, &what);
	if (err) {
		fail(error, error_size, err, what);
		tracker_close(t);
		return err;
	}
	*tracker = t;
	return 0;
}

void tracker_close(struct tracker *t)
{
	if (!t)
		return;
	mapped_map_close(&t->slots_map);
	mapped_map_close(&t->processes_map);
	mapped_map_close(&t->owners_map);
	mapped_map_close(&t->counters_map);
	mapped_map_close(&t->shares_map);
	mapped_map_close(&t->span_slots_map);
	for (uint32_t i = 0; i < t->rings; i++) {
		if (!t->ring[i].tracker)
			continue;
		ring_reader_close(&t->ring[i].reader);
		close(t->ring[i].fd);
	}
	ring_reader_close(&t->notices.reader);
	flightrec_bpf__destroy(t->skeleton);
	free(t);
}
