/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How recorder slots and process slots are shared among processes.
 *
 * Recorder slots: FR_GUARANTEED of them are available to every process that can be watched,
 * whatever others do. Everything beyond that comes from one pool, a quarter larger than
 * --max-recorders. The more of it is in use, the less one process may hold: with f free slots, and
 * N for --max-recorders, up to 16 f^2 / N. So a process alone gets N, because f is then N/4; and n
 * processes that take all they can, and give nothing back, leave about N / 16n. The idea that the
 * limit follows from what is free, not from how many there are, is that of "dynamic thresholds"
 * (Choudhury and Hahne 1998), and also applies to the rings: see take_share(). There, twice what is
 * free will do, because everyone's room becomes free again in a moment. Here it would not: of
 * processes that keep what they have, eleven would have everything.
 *
 * Process slots are shared among users: each may hold twice as many as are free.
 *
 * A recorder that is refused a slot is not forgotten. Its process is entered in `refused`, and the
 * collector is told its deadline. At that time it looks for the recorder in the process's memory,
 * where the library keeps a list of open recorders. If it is there, and overdue, it is tracked like
 * any other; FR_RESERVE slots are kept for this. So a full table costs entries, not timeouts. This
 * way is slower: it reads another process's memory for each deadline.
 *
 * If pool_in_use were exact, every CPU would write to it with each opening and closing. Instead
 * each CPU counts for itself and adds its count when it reaches pool_batch. The sum is off by at
 * most a thirty-second of the pool.
 *
 * Invariants: the sum of `held` over all processes is the number of slots in use; pool_in_use, plus
 * what the CPUs have yet to add, is the sum of what each holds above FR_GUARANTEED.
 */
#ifndef FLIGHTREC_SHARE_BPF_H
#define FLIGHTREC_SHARE_BPF_H

#include "maps.bpf.h"

/* Deadlines this close together are looked at together. */
#define REFUSED_SLACK_NS 1000000

/* Whether a process may have one more recorder slot. With @overdue, it may use the reserve. */
static __always_inline bool slot_allowed(const struct process_slot *process, bool overdue)
{
	s64 free = (s64)pool_slots - pool_in_use;
	s64 beyond = (s64)process->held - FR_GUARANTEED;

	if (!overdue && process->held >= (s64)max_recorders)
		return false;
	if (beyond < 0)
		return true;
	if (overdue && beyond < 2 * (free + FR_RESERVE))
		return true;
	return free > 0 && beyond * max_recorders < 16 * free * free;
}

/* Counts that a process's part of the pool changed by @n. */
static __always_inline void count_pool(s64 n)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct counters *line = bpf_map_lookup_elem(&counters, &cpu);
	s64 taken;

	if (!line)
		return;
	taken = __sync_fetch_and_add(&line->pool_taken, n) + n;
	if (taken < (s64)pool_batch && taken > -(s64)pool_batch)
		return;
	taken = __sync_lock_test_and_set(&line->pool_taken, 0);
	__sync_fetch_and_add(&pool_in_use, taken);
}

/* Counts that a process took a recorder slot. */
static __always_inline void hold_slot(struct process_slot *process)
{
	if (__sync_fetch_and_add(&process->held, 1) >= FR_GUARANTEED)
		count_pool(1);
}

/* Counts that it gave one back. */
static __always_inline void unhold_slot(struct process_slot *process)
{
	if (__sync_fetch_and_add(&process->held, -1) > FR_GUARANTEED)
		count_pool(-1);
}

/* How many process slots a user's processes have; NULL if there are too many users. */
static __always_inline u32 *user_count(u32 uid)
{
	u32 *held = bpf_map_lookup_elem(&users, &uid);
	u32 none = 0;

	if (held)
		return held;
	bpf_map_update_elem(&users, &uid, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&users, &uid);
}

static __always_inline bool process_allowed(const u32 *held, bool overdue)
{
	s64 free = (s64)max_processes - processes_in_use - (overdue ? 0 : FR_RESERVE);

	return (held ? (s64)*held : 0) < 2 * free;
}

static __always_inline void count_process(u32 uid, s32 n)
{
	u32 *held = bpf_map_lookup_elem(&users, &uid);

	if (held)
		__sync_fetch_and_add(held, (u32)n);
	__sync_fetch_and_add(&processes_in_use, n);
}

/*
 * Called when a recorder of the current process gets no slot: the collector will look for it when
 * it is due.
 */
__noinline u32 refuse_recorder(const struct process_key *key, u64 deadline_ns)
{
	struct refusal new = {};
	struct refusal *old;
	u64 seen;
	u32 pid;

	if (!key)
		return 0;
	/* Linux 6.1 accepts a map's key only on the stack. */
	pid = key->pid;
	old = bpf_map_lookup_elem(&refused, &pid);
	if (!old || old->key.start_ns != key->start_ns || old->key.exec_id != key->exec_id) {
		new.key = *key;
		new.look_ns = deadline_ns;
		new.count = 1;
		new.uid = (u32)bpf_get_current_uid_gid();
		bpf_get_current_comm(new.comm, FR_COMM_SIZE);
		/* If there is no room, the collector is told of each of its recorders. */
		bpf_map_update_elem(&refused, &pid, &new, BPF_ANY);
	} else {
		__sync_fetch_and_add(&old->count, 1);
		seen = READ_ONCE(old->look_ns);
		if (seen <= deadline_ns + REFUSED_SLACK_NS)
			return 0;
		/* If another opening overtakes us, the collector is told all the same. */
		__sync_val_compare_and_swap(&old->look_ns, seen, deadline_ns);
	}
	notify(NOTICE_REFUSED, pid, 0, deadline_ns);
	return 0;
}

/*
 * Called when a refused recorder is tracked after all. Returns whether it was counted as untracked.
 */
static __always_inline bool take_refusal(const struct process_key *key)
{
	struct refusal *refusal = bpf_map_lookup_elem(&refused, &key->pid);
	u64 count;

	if (!refusal || refusal->key.start_ns != key->start_ns)
		return false;
	count = READ_ONCE(refusal->count);
	return count && __sync_val_compare_and_swap(&refusal->count, count, count - 1) == count;
}

#endif /* FLIGHTREC_SHARE_BPF_H */
