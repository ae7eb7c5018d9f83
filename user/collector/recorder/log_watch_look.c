// SPDX-License-Identifier: BSD-2-Clause
/* Looking into the logs of a process that is watched by memory. */
#include "collector/recorder/log_watch_private.h"

#include "collector/base/clock.h"
#include "collector/target/time_namespace.h"

/* When to look again if a recorder armed during the look; and if one was just being opened. */
#define SOON_NS 200000
#define OPENING_NS 1000000
/* The precision of a log's clock. */
#define MARGIN_NS 50000
#define SLOTS_AT_ONCE 128

/* When it becomes overdue; 0: it is, as it closed late; UINT64_MAX: never, it closed in time. */
static uint64_t overdue_from(const struct log_watch *w, const struct memory_slot *copy)
{
	uint64_t deadline_ns = log_watch_deadline(w, copy);

	if (MEMORY_WORD_STATE(copy->word) != MEMORY_LATE)
		return deadline_ns;
	return log_watch_time(w, copy->ended) < deadline_ns ? UINT64_MAX : 0;
}

/* Reports a recorder that timed out, unless it was. Returns what is known of it, or NULL. */
static struct hung *look_at_overdue(struct log_watch *w, struct place place, uint64_t now_ns)
{
	struct memory_log *log = log_source_log(w->source, place.log);
	struct log_recorder recorder = {.slot = place.slot};
	struct memory_slot *copy = &recorder.copy;
	struct hung *hung;
	unsigned int state;

	/* Read it again: the first copy may be a mix of two recorders. */
	if (memory_log_slot(log, place.slot, copy))
		return NULL;
	hung = log_watch_find_hung(w, place, copy);
	state = MEMORY_WORD_STATE(copy->word);
	if (hung || (state != MEMORY_OPEN && state != MEMORY_LATE) ||
	    overdue_from(w, copy) > now_ns)
		return hung;
	log_watch_report_timeout(w, place, &recorder);
	return log_watch_find_hung(w, place, copy);
}

/* A recorder that is open, or was closed late. */
static void look_at(struct log_watch *w, struct place place, const struct memory_slot *copy,
		    struct log_look *look)
{
	struct hung *hung = log_watch_find_hung(w, place, copy);
	bool late = MEMORY_WORD_STATE(copy->word) == MEMORY_LATE;
	uint64_t due_ns;
	int err;

	if (!hung) {
		due_ns = overdue_from(w, copy);
		if (due_ns <= look->now_ns)
			hung = look_at_overdue(w, place, look->now_ns);
		else if (w->death && !late)
			log_watch_report_killed(
				w, place,
				&(struct log_recorder){.slot = place.slot, .copy = *copy});
		else if (due_ns < look->next_ns)
			look->next_ns = due_ns;
	}
	if (!hung || !late)
		return;
	log_watch_begin_hung(w, hung);
	log_watch_poll_hung(w, hung, &err);
	log_watch_begin(w, place.log);
}

/* Whether the look has lasted long enough. If so, the next one goes on at @at. */
static bool interrupt(struct log_watch *w, struct place at, struct log_look *look)
{
	if (clock_ns(CLOCK_MONOTONIC) <= look->until_ns)
		return false;
	w->at = at;
	look->more = true;
	return true;
}

int log_watch_look_at_log(struct log_watch *w, uint32_t index, struct log_look *look)
{
	struct memory_log *log = log_watch_begin(w, index);
	struct memory_slot slots[SLOTS_AT_ONCE];
	struct place place = {index, w->at.slot};
	int n;

	while ((n = memory_log_read_slots(log, place.slot, SLOTS_AT_ONCE, slots)) > 0) {
		for (int i = 0; i < n; i++, place.slot++) {
			unsigned int state = MEMORY_WORD_STATE(slots[i].word);
			bool reports = w->death;
			uint64_t reported = w->watching->timed_out;

			if (state == MEMORY_OPEN || state == MEMORY_LATE)
				look_at(w, place, &slots[i], look);
			else if (state == MEMORY_OPENING &&
				 look->now_ns + OPENING_NS < look->next_ns)
				look->next_ns = look->now_ns + OPENING_NS;
			/* A report takes longer than all the rest. */
			if ((reports || w->watching->timed_out != reported) &&
			    interrupt(w, (struct place){index, place.slot + 1}, look))
				return 0;
		}
		if (interrupt(w, place, look))
			return 0;
	}
	return n;
}

/* armed_ns of a log, on our clock; 0 if it is past. */
static uint64_t armed(struct log_watch *w, uint32_t index, uint64_t now_ns)
{
	uint64_t armed_ns =
		time_namespace_to_ours(memory_log_armed(log_source_log(w->source, index)),
				       log_source_process(w->source)->ahead_ns);

	return armed_ns > now_ns ? armed_ns : 0;
}

/*
 * A recorder that is opened later and due before armed_ns will tell. All others rely on a look at
 * armed_ns.
 */
static int look_at_index(struct log_watch *w, uint32_t index, struct log_look *look)
{
	uint64_t before_ns = armed(w, index, look->now_ns), after_ns;
	int err = log_watch_look_at_log(w, index, look);

	if (err || look->more)
		return err;
	after_ns = armed(w, index, look->now_ns);
	if (after_ns && after_ns < look->next_ns)
		look->next_ns = after_ns;
	/* They do not know about a timeout that was given to us. */
	if (after_ns && w->watching->timeout_ns &&
	    clock_sum(look->now_ns, w->watching->timeout_ns) < look->next_ns)
		look->next_ns = clock_sum(look->now_ns, w->watching->timeout_ns);
	/* If it changed, a recorder that armed and closed meanwhile may hide an earlier promise. */
	if (before_ns != after_ns && look->now_ns + SOON_NS < look->next_ns)
		look->next_ns = look->now_ns + SOON_NS;
	return 0;
}

int log_watch_look(struct log_watch *w, struct log_look *look)
{
	int err = 0;

	if (look->anew)
		w->at = (struct place){0, 0};
	look->now_ns = clock_ns(CLOCK_MONOTONIC);
	look->next_ns = w->at.log || w->at.slot ? w->next_ns : UINT64_MAX;
	look->more = false;
	for (uint32_t i = w->at.log; !err && i < log_source_logs(w->source); i++) {
		err = look_at_index(w, i, look);
		if (look->more) {
			w->next_ns = look->next_ns;
			look->next_ns = look->now_ns;
			return err;
		}
		w->at = (struct place){i + 1, 0};
	}
	w->at = (struct place){0, 0};
	if (look->next_ns != UINT64_MAX)
		look->next_ns = clock_sum(look->next_ns, MARGIN_NS);
	return err;
}

/* Returns whether it can be forgotten. */
bool log_watch_poll_hung(struct log_watch *w, struct hung *hung, int *err)
{
	struct memory_log *log = log_source_log(w->source, hung->place.log);
	struct memory_slot copy;

	*err = 0;
	if (hung->over)
		return false;
	*err = memory_log_slot(log, hung->place.slot, &copy);
	if (*err)
		return false;
	if (MEMORY_WORD_GENERATION(copy.word) != MEMORY_WORD_GENERATION(hung->recorder.copy.word)) {
		log_watch_report_finished(w, hung, clock_ns(CLOCK_MONOTONIC));
		return true;
	}
	hung->recorder.copy = copy;
	log_watch_report_entries(w, hung);
	if (MEMORY_WORD_STATE(copy.word) == MEMORY_OPEN)
		return false;
	log_watch_report_finished(w, hung, log_watch_time(w, copy.ended));
	log_watch_end_hung(w, hung);
	return MEMORY_WORD_STATE(copy.word) != MEMORY_LATE;
}

int log_watch_poll(struct log_watch *w, struct log_look *look)
{
	size_t n = HASH_COUNT(w->hung);
	int err = 0;

	look->more = false;
	for (; n && !err && !look->more; n--) {
		struct hung *hung = w->hung;

		log_watch_begin_hung(w, hung);
		if (log_watch_poll_hung(w, hung, &err)) {
			log_watch_forget_hung(w, hung);
		} else {
			/* Put it at the end: the next poll begins with those that were left. */
			HASH_DEL(w->hung, hung);
			HASH_ADD(hh, w->hung, place, sizeof(hung->place), hung);
		}
		look->more = n > 1 && clock_ns(CLOCK_MONOTONIC) > look->until_ns;
	}
	log_watch_report_held_back(w);
	return err;
}

static void finish_late(struct log_watch *w, struct place place)
{
	struct hung *hung;
	int err;

	log_watch_begin(w, place.log);
	hung = look_at_overdue(w, place, clock_ns(CLOCK_MONOTONIC));
	if (hung)
		log_watch_begin_hung(w, hung);
	if (hung && log_watch_poll_hung(w, hung, &err))
		log_watch_forget_hung(w, hung);
}

void log_watch_late(struct log_watch *w, uint32_t log, uint32_t slot)
{
	for (uint32_t i = 0; i < log_source_logs(w->source); i++) {
		if (log_watch_number(w, i) == log)
			finish_late(w, (struct place){i, slot});
	}
}

void log_watch_ask(struct log_watch *w, uint32_t slot, uint32_t id)
{
	struct log_recorder recorder = {.slot = slot};

	for (uint32_t i = 0; i < log_source_logs(w->source); i++) {
		struct memory_log *log = log_watch_begin(w, i);

		if (memory_log_slot(log, slot, &recorder.copy) ||
		    (uint32_t)recorder.copy.id != id ||
		    log_watch_find_hung(w, (struct place){i, slot}, &recorder.copy))
			continue;
		log_watch_report_asked(w, log, &recorder);
	}
}
