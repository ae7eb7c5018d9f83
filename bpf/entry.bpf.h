/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Puts entries from the observed process into a ring. */
#ifndef FLIGHTREC_ENTRY_BPF_H
#define FLIGHTREC_ENTRY_BPF_H

#include "recorder.bpf.h"

#define RING_HEADER 8

/* struct flightrec_site, as in <flightrec.h>. */
struct user_site {
	u64 format;
	u64 file;
	u64 function;
	u32 line;
};

static __always_inline u32 ring_record_bytes(u32 size)
{
	return (size + RING_HEADER + 7) & ~7u;
}

static __always_inline struct ring_share *share_of(u32 process, u32 ring)
{
	u32 index = process * rings_count + ring;

	return bpf_map_lookup_elem(&shares, &index);
}

/*
 * Takes @bytes of a process's share of a ring that has @used bytes in it. Returns false if the
 * process has not that much left.
 *
 * A process may hold twice as much as is free ("dynamic thresholds", Choudhury and Hahne 1998): if
 * one floods a ring it gets two thirds of it, two get two fifths each, and any number of them leave
 * room for a process that logs little. This needs no knowledge of how many there are.
 */
static __always_inline bool take_share(struct ring_share *share, u32 bytes, u64 used)
{
	u64 held = __sync_fetch_and_add(&share->produced, bytes) - READ_ONCE(share->consumed);

	if (used < ring_bytes && held + bytes <= 2 * (ring_bytes - used))
		return true;
	__sync_fetch_and_sub(&share->produced, bytes);
	return false;
}

/*
 * An entry does not wake the collector, because nobody waits for it; but a ring that fills up does,
 * once until it is drained.
 */
static __always_inline u64 wakeup_for(u32 ring_number, u64 used)
{
	if (used < ring_bytes / 4 || ring_number >= FR_RINGS_MAX || ring_woken[ring_number])
		return BPF_RB_NO_WAKEUP;
	ring_woken[ring_number] = 1;
	count(COUNT_WAKEUPS);
	return BPF_RB_FORCE_WAKEUP;
}

/* An entry that is refused cannot wake the collector itself. */
static __always_inline void ask_to_drain(u32 ring_number)
{
	if (ring_number >= FR_RINGS_MAX || ring_woken[ring_number])
		return;
	ring_woken[ring_number] = 1;
	notify(NOTICE_FULL, ring_number, 0, 0);
}

static __always_inline u16 read_string(char *to, u32 size, u64 from)
{
	long length = from ? bpf_probe_read_user_str(to, size, (void *)from) : 0;

	return length > 0 ? (u16)length : 0;
}

/*
 * A tag that distinguishes a call site from those of other processes, including earlier ones with
 * the same pid, and from what was at this address before the process's mappings changed at
 * @mapped_ns.
 */
static __always_inline u64 site_tag(u64 site, const struct process_key *process, u64 mapped_ns)
{
	return mix(site + process->start_ns + mapped_ns) + process->pid +
	       ((u64)process->exec_id << 32);
}

/* Sends the description of a call site, valid from @from_ns on. */
static __noinline void send_site(u64 site, u32 process, u32 ring_number, u64 tag, u64 from_ns)
{
	void *ring = bpf_map_lookup_elem(&rings, &ring_number);
	struct ring_share *share = share_of(process, ring_number);
	u32 bytes = ring_record_bytes(sizeof(struct site_record));
	u32 cache = (u32)(tag >> 32) & (FR_SITES_KNOWN - 1);
	struct site_record *record;
	struct user_site user = {};

	if (!ring || !share || bpf_probe_read_user(&user, sizeof(user), (void *)site))
		return;
	if (!take_share(share, bytes, bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA)))
		return;
	record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);
	if (!record) {
		__sync_fetch_and_sub(&share->produced, bytes);
		return;
	}
	record->type = RECORD_SITE;
	record->process = process;
	record->site = site;
	record->from_ns = from_ns;
	record->line = user.line;
	record->format_size = read_string(record->format, FR_SITE_FORMAT_MAX, user.format);
	record->file_size = read_string(record->file, FR_SITE_FILE_MAX, user.file);
	record->function_size = read_string(record->function, FR_SITE_FUNCTION_MAX, user.function);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	bpf_map_update_elem(&sites_known, &cache, &tag, BPF_ANY);
}

struct emission {
	u8 type;
	u16 size;
	u32 severity_flags;
	u32 slot;
	u32 generation;
	u32 process;
	u32 tid;
	u64 sequence;
	u64 time_ns;
	u64 site;
	u64 data;       /* address in the process */
	bool urgent;    /* somebody is waiting for it */
	bool in_kernel; /* data is an address of ours */
};

static __always_inline void know_site(const struct emission *e, const struct process_key *key,
				      u32 ring_number)
{
	u32 number = e->process;
	struct process_slot *process = bpf_map_lookup_elem(&processes, &number);
	u64 mapped_ns = process ? READ_ONCE(process->mapped_ns) : 0;
	u64 tag = site_tag(e->site, key, mapped_ns);
	u32 cache = (u32)(tag >> 32) & (FR_SITES_KNOWN - 1);
	u64 *known = bpf_map_lookup_elem(&sites_known, &cache);

	if (!known || *known == tag)
		return;
	/* Another thread may have changed the mappings since this entry was stamped. */
	if (mapped_ns > e->time_ns)
		mapped_ns = e->time_ns;
	send_site(e->site, number, ring_number, tag, mapped_ns);
}

/*
 * Copies the data of a record that has @room for it. Reading from the process takes a third of the
 * program's time even if it is little, so what the probe had in registers is taken from there.
 */
static __always_inline long copy_data(u64 *to, u64 room, u64 size, const struct emission *e,
				      struct pt_regs *ctx)
{
	if (e->in_kernel)
		return size ? bpf_probe_read_kernel(to, size, (void *)e->data) : 0;
	if (!ctx || room > WORDS_SIZE)
		return size ? bpf_probe_read_user(to, size, (void *)e->data) : 0;
	copy_words(to, room, ctx);
	return 0;
}

static __always_inline void fill_record(struct entry_record *record, u64 size,
					const struct emission *e)
{
	record->type = e->type;
	record->reserved = 0;
	record->size = size;
	record->severity_flags = e->severity_flags;
	record->slot = e->slot;
	record->generation = e->generation;
	record->sequence = e->sequence;
	record->time_ns = e->time_ns;
	record->site = e->site;
	record->tid = e->tid;
	record->process = e->process;
}

/*
 * Puts an entry into this CPU's ring. @ctx is its probe, if the first words of data are in its
 * registers, or NULL. Returns 0, or which counter counts its loss.
 */
static __always_inline u32 emit(const struct emission *e, const struct process_key *key,
				struct pt_regs *ctx)
{
	u32 ring_number = bpf_get_smp_processor_id() % rings_count;
	void *ring = bpf_map_lookup_elem(&rings, &ring_number);
	struct ring_share *share = share_of(e->process, ring_number);
	struct entry_record *record;
	u64 size = e->size;
	u64 total, bytes, used, flags;

	if (!ring || !share)
		return COUNT_REFUSED_RING;
	if (e->site && !e->in_kernel)
		know_site(e, key, ring_number);
	/* The verifier needs a constant: a few sizes, each with a path of its own. */
	if (size <= 16)
		total = sizeof(*record) + 16;
	else if (size <= 24)
		total = sizeof(*record) + 24;
	else if (size <= 40)
		total = sizeof(*record) + 40;
	else if (size <= 64)
		total = sizeof(*record) + 64;
	else if (size <= 128)
		total = sizeof(*record) + 128;
	else if (size <= 384)
		total = sizeof(*record) + 384;
	else if (size <= FR_ENTRY_DATA_MAX)
		total = sizeof(*record) + FR_ENTRY_DATA_MAX;
	else
		return COUNT_REFUSED_READ;
	bytes = ring_record_bytes(total);
	used = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
	if (!take_share(share, bytes, used)) {
		ask_to_drain(ring_number);
		return COUNT_REFUSED_SHARE;
	}
	record = bpf_ringbuf_reserve(ring, total, 0);
	if (!record) {
		__sync_fetch_and_sub(&share->produced, bytes);
		ask_to_drain(ring_number);
		return COUNT_REFUSED_RING;
	}
	fill_record(record, size, e);
	/*
	 * This is known to be true, but the verifier has lost track of it, and the compiler would
	 * remove it.
	 */
	barrier_var(size);
	if (size > total - sizeof(*record))
		size = total - sizeof(*record);
	if (copy_data((u64 *)record->data, total - sizeof(*record), size, e, ctx)) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		__sync_fetch_and_sub(&share->produced, bytes);
		return COUNT_REFUSED_READ;
	}
	flags = e->urgent ? BPF_RB_FORCE_WAKEUP : wakeup_for(ring_number, used);
	bpf_ringbuf_submit(record, flags);
	return 0;
}

#endif /* FLIGHTREC_ENTRY_BPF_H */
