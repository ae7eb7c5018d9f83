// SPDX-License-Identifier: BSD-2-Clause
/*
 * Taking over the recorders that were open before their process was watched.
 *
 * The library keeps a list of open recorders in its own memory. Once its probes are live, we walk
 * that list from outside, without stopping the process, and hand each recorder to the BPF side. In
 * the meantime the process goes on, so a recorder may be met twice, or be gone:
 *
 *   - It was opened after the probes went live: on_begin has seen it. Its opening time tells.
 *   - It was opened just before, and its thread had taken the time but not yet reached the probe.
 *     It may pass the probe a moment later and be tracked twice. So recorders that were younger
 *     than YOUNG_NS when the probes went live are left for a second walk, AGAIN_NS later. By then
 *     the probe has been passed, and BPF refuses to adopt what it tracks.
 *   - It logs before we get to it: on_entry adopts it, and again BPF knows it.
 *   - It closes while we read it: then its number is no longer the one in the list.
 *   - It is adopted at the very moment it is opened, and is tracked twice after all: on_end closes
 *     both.
 *
 * A process may lie about everything. So the number of slots looked at is limited, and times in the
 * future are replaced by the present.
 */
#include "collector/recorder/adoption.h"

#include <stdlib.h>
#include <string.h>

#include "collector/base/array.h"
#include "collector/base/clock.h"
#include "collector/base/message.h"
#include "collector/recorder/recorders_private.h"
#include "collector/target/target_memory.h"
#include "collector/target/host_tid.h"

/*
 * How young a recorder is whose thread may not have reached the probe yet, and when we look again;
 * see above.
 */
#define YOUNG_NS 10000000
#define AGAIN_NS 20000000

struct adopting {
	struct recorders *recorders;
	struct pending_adoption *pending;
	const struct process_found *found;
	pid_t own_tid; /* of the last recorder, and the number we know that thread by */
	pid_t tid;
};

void adoption_add(void *arg, pid_t pid, uint64_t state)
{
	struct recorders *r = arg;

	if (!array_reserve(r->adoptions, r->adoptions_room, r->n_adoptions + 1))
		r->adoptions[r->n_adoptions++] = (struct pending_adoption){
			.pid = pid, .state = state, .live_ns = clock_ns(CLOCK_MONOTONIC)};
}

/* Looked up once for many recorders in a row, since a thread may have thousands open. */
static pid_t opener(struct adopting *adopting, pid_t own_tid)
{
	if (own_tid != adopting->own_tid) {
		adopting->own_tid = own_tid;
		adopting->tid = host_tid((pid_t)adopting->found->key.pid, own_tid);
	}
	return adopting->tid;
}

/* BPF takes it for the present. */
static void tell_future(struct adopting *adopting)
{
	if (!adopting->pending->future)
		message("process %u (%.*s): a recorder's opening time is in the future, by another "
			"clock than the kernel's: its timeout counts from now",
			adopting->found->key.pid, FR_COMM_SIZE, adopting->found->comm);
	adopting->pending->future = true;
}

static int adopt_recorder(const flightrec *rec, uint64_t address, void *arg)
{
	struct adopting *adopting = arg;
	struct recorders *r = adopting->recorders;
	struct adopt_args args = {.key = adopting->found->key,
				  .rec = address,
				  .id = rec->id_,
				  .started_ns = rec->started_ns_,
				  .timeout_ns = rec->timeout_ns_,
				  .parent_id = rec->parent_id_};
	struct pending_adoption *pending = adopting->pending;
	struct held_recorder *held;
	uint32_t slot;

	if (rec->started_ns_ > clock_ns(CLOCK_MONOTONIC))
		tell_future(adopting);
	else if (rec->started_ns_ >= pending->live_ns)
		return 0; /* its opening was seen */
	else if (!pending->again && rec->started_ns_ + YOUNG_NS > pending->live_ns) {
		r->adopt_again_ns = pending->live_ns + AGAIN_NS;
		return 0;
	}
	args.uid = adopting->found->uid;
	args.tid = (uint32_t)opener(adopting, (pid_t)rec->tid_);
	memcpy(args.comm, adopting->found->comm, sizeof(args.comm));
	memcpy(args.name, rec->name_, sizeof(args.name));
	slot = tracker_adopt(r->tracker, &args);
	if (slot >= tracker_limits(r->tracker).slots)
		return 0; /* known already, or there is no room */
	if (!rec->context_size_)
		return 0;
	held = recorder_table_get(&r->table, slot,
				  FR_WORD_GENERATION(tracker_slot_word(r->tracker, slot)));
	if (held)
		held_recorder_set_context(held, rec->context_, rec->context_size_);
	return 0;
}

static void adopt_process(void *arg, const struct process_found *found)
{
	struct recorders *r = arg;
	struct adopting adopting = {.recorders = r, .found = found};
	const struct target_visitor visitor = {adopt_recorder, &adopting,
					       tracker_limits(r->tracker).slots};
	struct target_walk walk;
	struct target target;

	for (size_t i = 0; i < r->n_adoptions; i++) {
		if (r->adoptions[i].pid != (pid_t)found->key.pid)
			continue;
		adopting.pending = &r->adoptions[i];
		target_init(&target, r->adoptions[i].pid);
		target_open_recorders(&target, r->adoptions[i].state, &visitor, &walk);
		target_close(&target);
	}
}

void adoption_run(struct recorders *r)
{
	if (!r->n_adoptions)
		return;
	r->adopt_again_ns = 0;
	/* Only the kernel can tell a process from a later one with the same id. */
	tracker_processes(r->tracker, adopt_process, r);
	if (!r->adopt_again_ns) {
		r->n_adoptions = 0;
		return;
	}
	for (size_t i = 0; i < r->n_adoptions; i++)
		r->adoptions[i].again = true;
}

static void forget_slots(struct recorders *r, uint32_t process)
{
	uint32_t used = tracker_slots_used(r->tracker), at = 0;

	while ((at = tracker_next_slot_of(r->tracker, process, at)) < used) {
		uint64_t word = tracker_slot_word(r->tracker, at);
		uint32_t generation = FR_WORD_GENERATION(word);

		if (FR_WORD_STATE(word) == RECORDER_OPEN &&
		    tracker_slot_process(r->tracker, at) == process)
			tracker_release(r->tracker, &at, &generation, 1, FR_NONE);
		at++;
	}
}

void adoption_forget(struct recorders *r, pid_t pid)
{
	uint32_t processes = tracker_limits(r->tracker).processes;
	struct process_slot process;

	for (uint32_t i = 0; i < processes; i++) {
		if (FR_WORD_STATE(tracker_process_word(r->tracker, i)) == PROCESS_ALIVE &&
		    tracker_process_copy(r->tracker, i, &process) &&
		    process.key.pid == (uint32_t)pid)
			forget_slots(r, i);
	}
}

bool adoption_is_due(const struct recorders *r)
{
	return r->adopt_again_ns && clock_ns(CLOCK_MONOTONIC) >= r->adopt_again_ns;
}
