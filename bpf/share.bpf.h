/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Shares of what all processes use together: recorder slots, process slots.
 *
 * Recorder slots. FR_GUARANTEED of them are there for each process that can be watched, whatever
 * the others do. All that processes have beyond that comes from one pool, a quarter larger than
 * --max-recorders. The more of it is in use, the less a process may hold: with f free, and N for
 * --max-recorders, up to 16 f^2 / N. So one process alone gets N, as f is N/4 then; and n of them
 * that take all they can, and give nothing back, leave about N / 16n. That what is free, and not
 * how many there are, tells each how much it may have is the idea of "dynamic thresholds"
 * (Choudhury and Hahne 1998), as of the entry rings' shares: see take_share(). There twice what is
 * free will do, as everybody's room becomes free again in a moment. Here it would not: of those who
 * keep what they have, eleven would have all.
 *
 * Process slots are shared by user: one may hold twice as many as are free.
 *
 * A recorder that is refused a slot is not forgotten. Its process is entered in `refused`, and
 * the collector is told when its deadline is: then it looks for it in the process's memory, where
 * the library keeps a list of what is open. If it finds it there, overdue, it has it tracked like
 * any other, for which FR_RESERVE slots are kept. So a table that is full costs entries, not
 * timeouts. It is the slower way: it reads the memory of another process for each deadline.
 *
 * pool_in_use would be a word that all CPUs write with each opening and closing. Each keeps its
 * own count instead, and adds it to that word when it has come to pool_batch: the sum is off by a
 * thirty-second of the pool at most.
 *
 * Invariants: the sum of all processes' held is that of the slots in use; pool_in_use, with what
 * the CPUs have yet to add, is the sum of what is above FR_GUARANTEED in each of them.
 */
#ifndef FLIGHTREC_SHARE_BPF_H
#define FLIGHTREC_SHARE_BPF_H

#include "maps.bpf.h"

/* Deadlines this close to each other are looked at together. */
#define REFUSED_SLACK_NS 1000000

/* Whether a process may have one more recorder slot. @overdue: one of the reserve, too. */
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

/* What a process has of the pool changed by @n. */
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

/* A process took a recorder slot. */
static __always_inline void hold_slot(struct process_slot *process)
{
	if (__sync_fetch_and_add(&process->held, 1) >= FR_GUARANTEED)
		count_pool(1);
}

/* And gave it back. */
static __always_inline void unhold_slot(struct process_slot *process)
{
	if (__sync_fetch_and_add(&process->held, -1) > FR_GUARANTEED)
		count_pool(-1);
}

/* The number of process slots that a user's processes have; NULL: there are too many users. */
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

/* A recorder of the current process has no slot: the collector is to look for it when it is due. */
__noinline u32 refuse_recorder(const struct process_key *key, u64 deadline_ns)
{
	struct refusal new = {};
	struct refusal *old;
	u64 seen;
	u32 pid;

	if (!key)
		return 0;
	/* Linux 6.1 takes a map's key from the stack only. */
	pid = key->pid;
	old = bpf_map_lookup_elem(&refused, &pid);
	if (!old || old->key.start_ns != key->start_ns || old->key.exec_id != key->exec_id) {
		new.key = *key;
		new.look_ns = deadline_ns;
		new.count = 1;
		new.uid = (u32)bpf_get_current_uid_gid();
		bpf_get_current_comm(new.comm, FR_COMM_SIZE);
		/* Should there be no room, each of its recorders is told of. */
		bpf_map_update_elem(&refused, &pid, &new, BPF_ANY);
	} else {
		__sync_fetch_and_add(&old->count, 1);
		seen = READ_ONCE(old->look_ns);
		if (seen <= deadline_ns + REFUSED_SLACK_NS)
			return 0;
		/* Who is overtaken by another opening tells the collector all the same. */
		__sync_val_compare_and_swap(&old->look_ns, seen, deadline_ns);
	}
	notify(NOTICE_REFUSED, pid, 0, deadline_ns);
	return 0;
}

/* One that was refused is tracked after all. Returns whether it was counted as untracked. */
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
