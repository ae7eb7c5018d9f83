/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The maps, and what the collector sets before loading. Sizes of 1 are replaced at load time. The
 * collector reads maps with BPF_F_MMAPABLE without system calls.
 */
#ifndef FLIGHTREC_MAPS_BPF_H
#define FLIGHTREC_MAPS_BPF_H

#include "limits.h"
#include "span.h"

const volatile u32 max_recorders = 1; /* of one process */
const volatile u32 max_slots = 1;     /* of all processes; see share.bpf.h */
const volatile u32 pool_slots = 1;    /* of these, not counting what is guaranteed and reserved */
const volatile u32 max_processes = 1; /* including FR_RESERVE */
const volatile u32 pool_batch = 1;    /* how many a CPU counts before adding them to pool_in_use */
const volatile u64 hash_seed = 0;     /* so that no outsider can tell which bucket is whose */
const volatile u32 index_mask = 0;    /* buckets of the index, minus 1 */
const volatile u32 rings_count = 1;
const volatile u32 shards = 1; /* number of free lists: one a CPU, up to FR_SHARDS_MAX */
const volatile u32 ring_bytes = 4096;
const volatile u32 min_severity = 0;
const volatile u64 override_timeout_ns = 0;
const volatile u32 collector_pid = 0;  /* of which there are no spans */
const volatile bool watch_all = false; /* every process; otherwise those in `watched` */
const volatile bool by_memory = false; /* entries and deadlines are read in the processes' logs */

/* ---- written by both sides ---- */

volatile u32 ring_woken[FR_RINGS_MAX]; /* a wake-up is pending; cleared when a drain begins */
volatile u32 notices_woken;            /* set until the collector looks at its notices */
volatile u32 scan_slots;  /* a notice was refused: the collector must look at all slots */
volatile u32 fresh_slots; /* slots below this number were ever in use */
volatile u32 fresh_processes;
volatile s64 pool_in_use; /* without what CPUs have not added yet; see counters */
volatile s32 processes_in_use;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct recorder_slot);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct process_slot);
} processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ring_share);
} shares SEC(".maps"); /* process * rings_count + ring */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct counters);
} counters SEC(".maps"); /* by CPU */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct process_key);
	__type(value, u32);
} process_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct slot_owners);
} slot_owners SEC(".maps"); /* by slot / FR_OWNERS */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct span_slot);
} span_slots SEC(".maps"); /* beside slots, if spans are asked for */

/* How many process slots each user's processes have. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FR_USERS_MAX);
	__type(key, u32);
	__type(value, u32);
} users SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FR_REFUSED_MAX);
	__type(key, u32); /* pid */
	__type(value, struct refusal);
} refused SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FR_WATCHED_MAX);
	__type(key, u32);   /* pid */
	__type(value, u64); /* start time, CLOCK_BOOTTIME; 0: added by the collector */
} watched SEC(".maps");

/* Call sites whose description was sent. A cache: if an element is lost, it is sent again. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FR_SITES_KNOWN);
	__type(key, u32);
	__type(value, u64);
} sites_known SEC(".maps");

struct entry_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct entry_ring);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, FR_NOTICES_BYTES);
} notices SEC(".maps");

struct free_list {
	u64 head;        /* number of changes in the upper half, index plus 1 in the lower */
	u64 reserved[7]; /* each list has a cache line */
};

enum free_list_kind { FREE_SLOTS, FREE_PROCESSES, FREE_KINDS };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FREE_KINDS *FR_SHARDS_MAX);
	__type(key, u32);
	__type(value, struct free_list);
} free_lists SEC(".maps");

static __always_inline void count_n(enum counter which, u64 n)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct counters *line = bpf_map_lookup_elem(&counters, &cpu);

	if (line)
		__sync_fetch_and_add(&line->count[which], n);
}

static __always_inline void count(enum counter which)
{
	count_n(which, 1);
}

/*
 * Wakes the collector for its notices, but only once until it looks: a wake-up for each of ten
 * thousand would hold up the timer that writes them. The mark is set only when the notice can be
 * seen, so anyone who finds it set knows that the collector has yet to look. A record that is
 * discarded at once is a way to wake without sending one.
 */
static __always_inline void wake_for_notices(void)
{
	void *nothing;

	if (__sync_lock_test_and_set(&notices_woken, 1))
		return;
	nothing = bpf_ringbuf_reserve(&notices, 8, 0);
	if (!nothing)
		return; /* full of notices that were not looked at: it was woken for them */
	bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
	count(COUNT_WAKEUPS);
}

/*
 * Sends a notice to the collector. If it is refused, a flag tells the collector to look at all
 * slots.
 */
static __always_inline void notify_detail(u32 type, u32 index, u32 generation, u32 detail,
					  u64 time_ns)
{
	struct notice *notice = bpf_ringbuf_reserve(&notices, sizeof(*notice), 0);

	if (!notice) {
		scan_slots = 1;
		count(COUNT_NOTICES_LOST);
		return;
	}
	notice->type = type;
	notice->index = index;
	notice->generation = generation;
	notice->detail = detail;
	notice->time_ns = time_ns;
	bpf_ringbuf_submit(notice, BPF_RB_NO_WAKEUP);
	wake_for_notices();
}

static __always_inline void notify(u32 type, u32 index, u32 generation, u64 time_ns)
{
	notify_detail(type, index, generation, 0, time_ns);
}

#endif /* FLIGHTREC_MAPS_BPF_H */
