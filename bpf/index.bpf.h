/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Finds the slot of a recorder by its key: a table of buckets of two cache lines, without locks.
 *
 * The hash of the key selects one bucket, the only place to look. Each way of a bucket is 0, or has
 * the upper half of a hash and the number of a slot; the slot itself tells whether it has the key.
 * So a search reads one bucket and, except once in hundreds of millions, at most one slot. There
 * are four times as many ways as recorders, so a bucket of 16 overflows once in millions of
 * openings; that recorder is then untracked. The hash is seeded, so nobody can choose recorders
 * that all fall into one bucket.
 *
 * A way changes by compare-and-swap only:
 *
 *	0 -> way	by whoever opens or adopts a recorder, when the slot has the key and is OPEN
 *	way -> 0	by whoever closed it (won the change of the slot's word), before the slot is
 *			freed: until then nobody else has this number
 *
 * While nobody is between the two steps of an opening or a closing, this holds (index_check() in
 * tests/unit/bpf_check.h): each slot that is OPEN or TIMED_OUT is in the bucket of its key once,
 * and no other slot is in any bucket. A search in between may find a slot that was just freed, or
 * reused; then its key is different or, when changing it, its word is.
 *
 * Why not the kernel's hash map? With many recorders open it costs three times as much: its
 * elements are not in its buckets, each access to memory that is not in the cache costs as much as
 * everything else, and each update takes a lock.
 */
#ifndef FLIGHTREC_INDEX_BPF_H
#define FLIGHTREC_INDEX_BPF_H

#include "maps.bpf.h"

/*
 * A recorder's address would be enough, if there were not processes with two copies of the library,
 * and memory that is reused while its recorder is open.
 */
struct recorder_key {
	struct process_key process;
	u64 rec;
	u64 id;
};

struct index_bucket {
	u64 way[FR_INDEX_WAYS]; /* hash in the upper half, slot plus 1 in the lower; 0: empty */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* not mapped, but aligned to a page */
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct index_bucket);
} recorder_index SEC(".maps");

/* Recorders that are being adopted, possibly by an entry and by the collector at the same time. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct recorder_key);
	__type(value, u32);
} adopting SEC(".maps");

/* The finalizer of MurmurHash3, by Austin Appleby, in the public domain. */
static __always_inline u64 mix(u64 h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 33;
}

static __always_inline u64 key_hash(const struct recorder_key *key)
{
	/* An odd constant for each field: the processor can compute these products in parallel. */
	return mix(hash_seed + key->id * 0x9e3779b97f4a7c15ULL + key->rec * 0xc2b2ae3d27d4eb4fULL +
		   key->process.start_ns * 0x165667b19e3779f9ULL +
		   ((u64)key->process.pid << 32 | key->process.exec_id) * 0x27d4eb2f165667c5ULL);
}

static __always_inline struct index_bucket *index_bucket_of(u64 hash)
{
	u32 bucket = (u32)hash & index_mask;

	return bpf_map_lookup_elem(&recorder_index, &bucket);
}

static __always_inline bool slot_has_key(const struct recorder_slot *slot,
					 const struct recorder_key *key)
{
	struct process_slot *process;
	u32 number = slot->process;

	if (slot->id != key->id || slot->rec != key->rec)
		return false;
	process = bpf_map_lookup_elem(&processes, &number);
	return process && process->key.pid == key->process.pid &&
	       process->key.exec_id == key->process.exec_id &&
	       process->key.start_ns == key->process.start_ns;
}

/* Finds a recorder. Returns its slot and sets *@index, or NULL. */
static __always_inline struct recorder_slot *index_find(const struct recorder_key *key, u32 *index)
{
	u64 hash = key_hash(key);
	struct index_bucket *bucket = index_bucket_of(hash);

	if (!bucket)
		return NULL;
	for (int i = 0; i < FR_INDEX_WAYS; i++) {
		u64 way = READ_ONCE(bucket->way[i]);
		struct recorder_slot *slot;
		u32 number = (u32)way - 1;

		if (way >> 32 != hash >> 32 || !(u32)way)
			continue;
		slot = bpf_map_lookup_elem(&slots, &number);
		if (!slot || !slot_has_key(slot, key))
			continue;
		*index = number;
		return slot;
	}
	return NULL;
}

/* Replaces @from by @to in the way that holds it. Returns false if none does. */
static __always_inline bool index_exchange(u64 hash, u64 from, u64 to)
{
	struct index_bucket *bucket = index_bucket_of(hash);

	if (!bucket)
		return false;
	for (int i = 0; i < FR_INDEX_WAYS; i++) {
		if (READ_ONCE(bucket->way[i]) == from &&
		    __sync_val_compare_and_swap(&bucket->way[i], from, to) == from)
			return true;
	}
	return false;
}

static __always_inline u64 index_entry(u64 hash, u32 index)
{
	return (hash >> 32 << 32) | (index + 1);
}

/* Returns false if there is no room. The slot must already hold the key. */
static __always_inline bool index_add(const struct recorder_key *key, u32 index)
{
	u64 hash = key_hash(key);

	return index_exchange(hash, 0, index_entry(hash, index));
}

static __always_inline void index_remove(const struct recorder_key *key, u32 index)
{
	u64 hash = key_hash(key);

	index_exchange(hash, index_entry(hash, index), 0);
}

#endif /* FLIGHTREC_INDEX_BPF_H */
