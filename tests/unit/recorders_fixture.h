/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recorders on top of a tracker whose maps are plain memory: a test says what BPF has in its slots
 * and in the rings, and sees what is reported and released.
 */
#ifndef RECORDERS_FIXTURE_H
#define RECORDERS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/kernel/tracker_private.h"
#include "collector/recorder/adoption.h"
#include "collector/recorder/recorders_private.h"
#include "collector/recorder/settlement.h"
#include "collector/report/report.h"

#define SLOTS 64
#define PROCESSES 4

static struct recorder_slot slot[SLOTS];
static struct slot_owners owners[SLOTS / FR_OWNERS];
static struct process_slot process[PROCESSES];
static uint32_t fresh_slots;
static struct tracker tracker;
static struct recorders *recorders;

/* The reports, a line for each: "timeout 1: one two, 3 lost". */
static char said[4096];

/* The entries of one recorder that the next drain will find. */
static struct {
	uint32_t slot, left;
	uint32_t next;
} ring;

/* ---- what tracker.c and drain.c do ---- */

/* Its text is "entry N", without a call site. */
static void log_entry(uint32_t index, uint32_t sequence)
{
	union {
		struct entry_record record;
		unsigned char bytes[sizeof(struct entry_record) + 16];
	} entry = {.record = {.type = RECORD_ENTRY,
			      .severity_flags = FLIGHTREC_INFO,
			      .process = slot[index].process,
			      .slot = index,
			      .generation = FR_WORD_GENERATION(slot[index].word),
			      .sequence = sequence,
			      .time_ns = slot[index].started_ns + sequence}};

	recorders_add_entry(recorders, &entry.record);
}

static uint64_t drained;

uint64_t tracker_drained(const struct tracker *t)
{
	(void)t;
	return drained;
}

uint64_t tracker_drained_next(const struct tracker *t)
{
	(void)t;
	return drained + 1;
}

bool tracker_drain_entries(struct tracker *t, uint64_t max_ns)
{
	(void)t;
	(void)max_ns;
	for (; ring.left; ring.left--)
		log_entry(ring.slot, ring.next++);
	drained++;
	return false;
}

void tracker_release(struct tracker *t, const uint32_t *slots, const uint32_t *generations,
		     size_t count, uint32_t number)
{
	(void)t;
	for (size_t i = 0; i < count; i++) {
		if (FR_WORD_GENERATION(slot[slots[i]].word) == generations[i])
			slot[slots[i]].word = FR_WORD(generations[i], RECORDER_FREE);
	}
	if (number != FR_NONE)
		process[number].word =
			FR_WORD(FR_WORD_GENERATION(process[number].word), PROCESS_FREE);
}

/* ---- the test's ---- */

static const char *const event_names[] = {"timeout", "replay",    "entry", "finished",
					  "died",    "held_back", "lost",  "end"};

static void keep_report(void *arg, const struct report *report)
{
	size_t at = strlen(said);

	(void)arg;
	at += (size_t)snprintf(said + at, sizeof(said) - at, "%s %u: %u of %u, %u lost\n",
			       event_names[report->event],
			       report->has_recorder ? (unsigned int)report->recorder.id : 0,
			       (unsigned int)report->n_entries, (unsigned int)report->entries_total,
			       (unsigned int)report->entries_lost);
	assert_true(at < sizeof(said));
}

static inline void expect_said(const char *what)
{
	assert_string_equal(said, what);
	said[0] = '\0';
	assert_null(recorders_check(recorders));
}

static inline int set_up(void **state)
{
	const struct recorders_options options = {.entries_memory = 1 << 20, .emit = keep_report};

	(void)state;
	memset(slot, 0, sizeof(slot));
	memset(owners, 0, sizeof(owners));
	memset(process, 0, sizeof(process));
	memset(&ring, 0, sizeof(ring));
	fresh_slots = SLOTS;
	said[0] = '\0';
	tracker = (struct tracker){.max_recorders = SLOTS,
				   .max_slots = SLOTS,
				   .max_processes = PROCESSES,
				   .slots = slot,
				   .owners = owners,
				   .processes = process,
				   .fresh_slots = &fresh_slots};
	process[1].word = FR_WORD(1, PROCESS_ALIVE);
	process[1].key.pid = (uint32_t)getpid();
	return recorders_new(&recorders, &tracker, &options);
}

static inline int tear_down(void **state)
{
	(void)state;
	recorders_free(recorders);
	return 0;
}

/* Recorder @id, of process 1, opened 10 ms ago with a timeout of 5 ms, has logged @entries. */
static inline void open_recorder(uint32_t index, uint64_t id, uint64_t entries)
{
	slot[index].word = FR_WORD(FR_WORD_GENERATION(slot[index].word) + 1, RECORDER_OPEN);
	slot[index].id = id;
	slot[index].process = 1;
	slot[index].tid = (uint32_t)getpid();
	slot[index].started_ns = clock_ns(CLOCK_MONOTONIC) - 10000000;
	slot[index].timeout_ns = 5000000;
	slot[index].deadline_ns = slot[index].started_ns + slot[index].timeout_ns;
	slot[index].entries = entries;
	slot[index].refused = 0;
	slot[index].replays = 0;
	slot[index].ended_ns = 0;
	owners[index / FR_OWNERS].process[index % FR_OWNERS] = 2;
}

static inline void set_state(uint32_t index, uint32_t to)
{
	slot[index].word = FR_WORD(FR_WORD_GENERATION(slot[index].word), to);
	if (to == RECORDER_LATE || to == RECORDER_FINISHED)
		slot[index].ended_ns = clock_ns(CLOCK_MONOTONIC);
}

/* What a session does when something has come. */
static inline void work(void)
{
	tracker_drain_entries(&tracker, 0);
	settlement_continue(recorders, false);
	while (settlement_work(recorders, 1000000000))
		;
}

static inline void notice(uint32_t index)
{
	settlement_begin(recorders, index);
	work();
}

static inline uint32_t state_of(uint32_t index)
{
	return (uint32_t)FR_WORD_STATE(slot[index].word);
}

#endif /* RECORDERS_FIXTURE_H */
