/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a tracker, for the files of this directory. */
#ifndef FLIGHTREC_TRACKER_PRIVATE_H
#define FLIGHTREC_TRACKER_PRIVATE_H

#include "collector/kernel/mapped_map.h"
#include "collector/kernel/ring_reader.h"
#include "collector/kernel/tracker.h"

/*
 * A ring and the state of draining it. @next is borrowed from the ring until it is taken. Bytes
 * taken of the records of consumer_process gather in @consumed. They are added to its share when a
 * record of another process comes, when they amount to a sixteenth of the ring, and after each
 * drain.
 */
struct tracker_ring {
	struct tracker *tracker; /* NULL: not opened */
	struct ring_reader reader;
	int fd; /* for epoll, edge-triggered: entries that nobody waits for raise no event */
	uint32_t number;
	uint64_t end;     /* of the current drain */
	const void *next; /* the next record */
	size_t next_size;
	uint64_t next_ns;
	uint64_t consumed; /* bytes taken of one process's records, not yet given back to its share
			    */
	uint32_t consumer_process;
};

struct bpf_program;
struct flightrec_bpf;
struct span_slot;

/*
 * Owns the BPF object, its maps and rings. The limits are set before loading and never change. The
 * kernel may write to the maps' memory at any moment from any CPU; of it, only `consumed` of the
 * shares is ours. The marks in the programs' own data (ring_woken, notices_woken, scan_slots) are
 * set there and cleared here. So a slot is read word by word, or copied and its word compared
 * (tracker_slot_copy()). What holds all the same is checked in tracker_check.c.
 */
struct tracker {
	struct flightrec_bpf *skeleton;
	bool multi; /* the probes' programs are loaded for links that cover many places */
	struct tracker_ring ring[FR_RINGS_MAX];
	struct tracker_ring notices;
	uint32_t rings;
	uint32_t ring_bytes;    /* of each */
	uint32_t max_recorders; /* of one process */
	uint32_t max_slots;     /* of all */
	uint32_t max_processes;
	uint32_t cpus;
	/* About the entry rings. */
	bool merging;    /* the last drain did not reach the end it aimed at */
	uint64_t merges; /* how many did */
	/* The maps, written by BPF except for `consumed` of the shares. */
	struct mapped_map slots_map;
	struct mapped_map processes_map;
	struct mapped_map owners_map;
	struct mapped_map counters_map;
	struct mapped_map shares_map;
	struct mapped_map span_slots_map;
	const volatile struct recorder_slot *slots;
	const volatile struct process_slot *processes;
	const volatile struct slot_owners *owners;
	const volatile struct span_slot *span_slots; /* NULL: there are no spans */
	const volatile struct counters *counters;
	volatile struct ring_share *shares;
	/* The BPF programs' own data; see maps.bpf.h. */
	volatile uint32_t *ring_woken;
	volatile uint32_t *notices_woken;
	volatile uint32_t *fresh_slots;
	volatile uint32_t *scan_slots;
	struct tracker_callbacks callbacks;
};

/*
 * Runs a SEC("syscall") program. Returns 0, a negative errno, or -EIO if the program reports a
 * failure.
 */
int tracker_run_program(struct bpf_program *program, void *context, uint32_t context_size);

#endif /* FLIGHTREC_TRACKER_PRIVATE_H */
