// SPDX-License-Identifier: BSD-2-Clause
/*
 * What holds between any two calls of the functions of recorder/:
 *
 *   - The list of a table and its array by slot refer to each other.
 *   - A buffer's bytes and entries are those of its chunks, and within its limits; its two lists
 *     of chunks end where they say they end.
 *   - The memory of all buffers is what the budget says is used, and within its limit. The same is
 *     true for the call sites of all processes.
 *   - A recorder that was reported holds no entries. Before that, every entry received is held or
 *     was dropped.
 *   - A recorder that is waited for is marked so, and is in the list once for each reason.
 *   - Each slot on the agenda is in one queue, and everything in a queue is on the agenda.
 *   - Settled recorders, and no others, are about to be released.
 */
#include "collector/recorder/recorders_private.h"

static const char *check_held(const struct held_recorder *held)
{
	const char *wrong = entry_buffer_check(&held->entries);
	uint64_t kept = held->entries.head_entries + held->entries.tail_entries;

	if (wrong)
		return wrong;
	if (held->reported && kept)
		return "a recorder that was reported holds entries";
	if (!held->reported && kept + held->entries.dropped != held->received)
		return "entries that were received are neither held nor dropped";
	if (!held->context != !held->context_size)
		return "a context has a size and no data, or data and no size";
	return NULL;
}

static const char *check_table(const struct recorder_table *table)
{
	const uint32_t slots = tracker_limits(table->tracker).slots;
	const char *wrong;
	uint32_t n = 0;
	size_t used = 0;

	for (uint32_t i = 0; i < slots; i++)
		n += table->by_slot[i] != NULL;
	if (n != table->listed)
		return "the list of recorders has more of them, or fewer, than there are";
	for (uint32_t i = 0; i < table->listed; i++) {
		const struct held_recorder *held;

		if (table->list[i] >= slots || !table->by_slot[table->list[i]])
			return "the list of recorders has one that is not there";
		held = table->by_slot[table->list[i]];
		if (held->listed != i)
			return "a recorder does not know its place in the list";
		wrong = check_held(held);
		if (wrong)
			return wrong;
		used += entry_buffer_memory(&held->entries);
	}
	if (used != table->budget.used)
		return "entries take another number of bytes than the budget says";
	return used > table->budget.limit ? "entries take more than they may" : NULL;
}

static const char *check_processes(const struct process_table *table)
{
	const uint32_t max = tracker_limits(table->tracker).processes;
	size_t used = 0;

	for (uint32_t i = 0; i < max; i++) {
		const struct observed_process *process = table->process[i];

		if (!process)
			continue;
		if (process->index != i || process->table != table)
			return "a process does not know its slot";
		used += process->sites.bytes;
	}
	return used == table->site_budget.used
		       ? NULL
		       : "call sites take another number of bytes than the budget says";
}

static const char *check_waiting(const struct recorders *r)
{
	size_t marked = 0;

	for (uint32_t i = 0; i < r->table.listed; i++) {
		const struct held_recorder *held = r->table.by_slot[r->table.list[i]];

		marked += (size_t)__builtin_popcount(held->waiting);
	}
	for (size_t i = 0; i < r->n_waiting; i++) {
		const struct waiting *waiting = &r->waiting[i];
		const struct held_recorder *held;

		if (waiting->slot == FR_NONE)
			continue;
		held = recorder_table_find(&r->table, waiting->slot, waiting->generation);
		if (held && !(held->waiting & waiting->what))
			return "a recorder that is waited for does not know it";
		marked -= held != NULL;
	}
	return marked ? "a recorder says that it is waited for, and is not" : NULL;
}

static const char *check_releases(const struct recorders *r)
{
	size_t settled = 0;

	for (uint32_t i = 0; i < r->table.listed; i++)
		settled += r->table.by_slot[r->table.list[i]]->settled;
	for (size_t i = 0; i < r->releases.n; i++) {
		const struct held_recorder *held = recorder_table_find(
			&r->table, r->releases.slot[i], r->releases.generation[i]);

		if (!held || !held->settled)
			return "a slot is about to go back, and its recorder is not settled";
	}
	return settled == r->releases.n ? NULL : "a recorder is settled, and its slot stays";
}

const char *recorders_check(const struct recorders *r)
{
	const char *wrong = check_table(&r->table);

	wrong = wrong ? wrong : check_processes(&r->processes);
	wrong = wrong ? wrong : check_waiting(r);
	wrong = wrong ? wrong : check_releases(r);
	if (!wrong && !agenda_check(&r->agenda))
		wrong = "the agenda is out of order";
	return wrong;
}
