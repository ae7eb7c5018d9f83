// SPDX-License-Identifier: BSD-2-Clause
/*
 * Taking over the recorders that were open before their process was watched.
 *
 * The library lists what is open in its own memory. Once its probes are live, that list is walked,
 * from outside and without stopping the process, and each recorder found is handed to the kernel's
 * side. Between "live" and "walked" the process goes on, so the same recorder can be met twice, or
 * be gone:
 *
 *   - It was opened after the probes were live: on_begin has it. Its opening time tells.
 *   - It was opened just before, by a thread that was between taking the time and passing the
 *     probe. It may pass the probe a moment later, and be tracked twice. So recorders that were
 *     younger than YOUNG_NS when the probes came alive are left for a second walk, AGAIN_NS later:
 *     who passed its probe by then is known to the kernel's side, which refuses to adopt it again.
 *   - It logs before we come to it: on_entry adopts it, and then it is known, too.
 *   - It closes while we read it: then it has no longer the number that the list has for it.
 *   - It is adopted in the very moment of its opening, and so is there twice: on_end closes both.
 *
 * What comes from the process is as true as the process: the number of slots looked at is bounded,
 * and times in the future are cut to now by the kernel's side.
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
 * An opening that was under way when the probes went live may reach its probe all the same, and
 * is not to be tracked twice: recorders that young are looked at again when it is over.
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

/* Asked for once in a row: a thread may have thousands open. */
static pid_t opener(struct adopting *adopting, pid_t own_tid)
{
	if (own_tid != adopting->own_tid) {
		adopting->own_tid = own_tid;
		adopting->tid = host_tid((pid_t)adopting->found->key.pid, own_tid);
	}
	return adopting->tid;
}

/* The kernel's side takes it for now. */
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
	/* The kernel knows what tells a process from a later one with the same number. */
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
