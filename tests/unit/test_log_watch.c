// SPDX-License-Identifier: BSD-2-Clause
/* clang-format off */
/* link: tests/unit/fake_probes.c user/lib/memory.c user/lib/memory_slot.c user/lib/memory_entry.c user/lib/memory_site.c user/lib/ticks.c user/format/conversion.c user/collector/target/memory_log.c user/collector/target/memory_log_count.c user/collector/target/log_source.c user/collector/target/core_file.c user/collector/target/target_memory.c user/collector/target/time_namespace.c user/collector/target/mappings.c user/collector/base/auxv.c user/collector/target/tick_clock.c user/collector/target/host_tid.c user/collector/target/proc_file.c user/collector/target/thread_state.c user/collector/target/proc_status.c user/collector/recorder/log_replay.c user/collector/recorder/log_watch.c user/collector/target/proc_names.c user/collector/recorder/log_watch_clock.c user/collector/recorder/log_watch_look.c user/collector/recorder/log_watch_report.c user/collector/recorder/looks.c user/collector/recorder/looked_process.c user/collector/base/due_queue.c user/collector/base/fair_queue.c user/collector/base/message.c user/collector/base/escape.c user/collector/base/text_buffer.c user/collector/report/render.c user/collector/report/deaths.c user/collector/report/render_number.c user/collector/report/render_out.c */
/* tests: user/collector/recorder/log_watch_clock.c user/collector/recorder/log_watch_look.c user/collector/recorder/log_watch_report.c user/collector/recorder/looks.c user/collector/recorder/looked_process.c user/collector/target/memory_log_count.c */
/* clang-format on */
/* A process that is watched by memory: this one, with logs that the tests write. */
#include "memory_samples.h"

#include <stdio.h>
#include <time.h>

#include "bpf/record.h"
#include "collector/base/clock.h"
#include "collector/recorder/log_watch.h"
#include "collector/recorder/looks.h"
#include "collector/recorder/recorders_private.h"
#include "collector/recorder/settlement.h"

#define MS UINT64_C(1000000)
#define HOUR (3600 * 1000 * MS)

static struct memory_header *memory;
static struct memory_writer w;
static struct recorders recorders;
static struct log_watching watching;
static struct log_watch *watch;

/* The reports, a line for each. */
static char said[8192];

void recorders_emit(struct recorders *r, const struct report *report, bool counts)
{
	static const char *const event[] = {
		[REPORT_TIMEOUT] = "timeout", [REPORT_REPLAY] = "replay",
		[REPORT_ENTRY] = "entry",     [REPORT_FINISHED] = "finished",
		[REPORT_DIED] = "died",       [REPORT_HELD_BACK] = "held back",
	};
	size_t at = strlen(said);

	assert_ptr_equal(r, &recorders);
	assert_int_equal(counts, report->event == REPORT_TIMEOUT || report->event == REPORT_REPLAY);
	at += (size_t)snprintf(said + at, sizeof(said) - at, "%s %d:", event[report->event],
			       (int)report->recorder.id);
	for (size_t i = 0; i < report->n_entries && at < sizeof(said) - 16; i++) {
		struct report_entry entry;

		report->entry(report, i, &entry);
		at += (size_t)snprintf(said + at, sizeof(said) - at, " %d", entry.severity);
	}
	if (report->entries_lost)
		at += (size_t)snprintf(said + at, sizeof(said) - at, ", %d lost",
				       (int)report->entries_lost);
	snprintf(said + at, sizeof(said) - at, "\n");
}

static void expect_said(const char *what)
{
	assert_string_equal(said, what);
	said[0] = '\0';
}

static void open_with(uint32_t slot, uint64_t id, uint64_t timeout_ns)
{
	flightrec rec = {.timeout_ns_ = timeout_ns, .tid_ = (uint32_t)gettid(), .name_ = "name"};

	assert_true(memory_open(&w, slot, id, &rec));
}

static void put_severity(uint32_t slot, uint64_t id, int severity)
{
	struct memory_place place;

	assert_true(memory_place(&w, slot, id, &place));
	place.entry->site = 0;
	place.entry->severity_flags = (uint16_t)severity;
	memory_commit(&w, &place, 0);
}

static void sleep_ms(long ms)
{
	struct timespec time = {.tv_nsec = ms * (long)MS};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

static int set_up(void **state)
{
	(void)state;
	memory = memory_create(1, "1M");
	w = writer(memory, 0);
	watching = (struct log_watching){.recorders = &recorders, .replay = log_replay_new()};
	said[0] = '\0';
	return log_watch_open(&watch, &watching, getpid(), 0);
}

static int tear_down(void **state)
{
	(void)state;
	log_watch_close(watch);
	log_replay_free(watching.replay);
	memory_destroy(memory);
	return 0;
}

static uint64_t look(void)
{
	struct log_look look = {.until_ns = UINT64_MAX};

	/* Times from a log are exact to some microseconds. */
	sleep_ms(1);
	assert_int_equal(log_watch_look(watch, &look), 0);
	assert_false(look.more);
	return look.next_ns == UINT64_MAX ? 0 : look.next_ns - look.now_ns;
}

static void poll_all(void)
{
	struct log_look look = {0};

	assert_int_equal(log_watch_poll(watch, &look), 0);
}

static void test_overdue(void **state)
{
	uint64_t next;

	(void)state;
	assert_int_equal(look(), 0);
	open_with(0, 1, HOUR);
	open_with(1, 2, 1);
	put_severity(1, 2, 3);
	put_severity(1, 2, 4);
	next = look();
	expect_said("timeout 2: 3 4\n");
	assert_true(next > HOUR - 60000 * MS && next < HOUR + MS);
	/* Once. */
	look();
	poll_all();
	expect_said("");
	assert_true(log_watch_has_hung(watch));
	put_severity(1, 2, 1);
	put_severity(1, 2, 2);
	poll_all();
	expect_said("entry 2: 1\nentry 2: 2\n");
	memory_close(memory, 1, 2, false);
	poll_all();
	expect_said("finished 2:\n");
	assert_false(log_watch_has_hung(watch));
}

/* Its slot has another recorder by the time it is looked at again. */
static void test_closed_and_used_again(void **state)
{
	(void)state;
	open_with(0, 1, 1);
	look();
	expect_said("timeout 1:\n");
	memory_close(memory, 0, 1, false);
	open_with(0, 2, 1);
	look();
	expect_said("finished 1:\ntimeout 2:\n");
}

static uint32_t number_of_log(void)
{
	return (uint32_t)((uintptr_t)memory >> 12);
}

/* It closed before anybody looked. Notified of and found by a look, it is reported once. */
static void test_closed_late(void **state)
{
	(void)state;
	open_with(0, 1, 1);
	put_severity(0, 1, 2);
	sleep_ms(1);
	assert_true(memory_close(memory, 0, 1, true));
	log_watch_late(watch, number_of_log(), 0);
	expect_said("timeout 1: 2\nfinished 1:\n");
	log_watch_late(watch, number_of_log(), 0);
	look();
	poll_all();
	expect_said("");
	open_with(1, 2, 1);
	sleep_ms(1);
	assert_true(memory_close(memory, 1, 2, true));
	look();
	expect_said("timeout 2:\nfinished 2:\n");
	log_watch_late(watch, number_of_log(), 1);
	expect_said("");
	/* A needless notice: by its own rough clock it was nearly late. */
	open_with(2, 3, HOUR);
	memory_tell(memory, 2, 3);
	assert_true(memory_close(memory, 2, 3, true));
	log_watch_late(watch, number_of_log(), 2);
	expect_said("");
}

static void test_extended(void **state)
{
	(void)state;
	open_with(0, 1, HOUR);
	memory_extend(memory, 0, 1, 1);
	look();
	expect_said("timeout 1:\n");
	open_with(1, 2, 20 * MS);
	sleep_ms(10);
	memory_extend(memory, 1, 2, HOUR);
	sleep_ms(15);
	look();
	expect_said("");
}

/* Recorders that are due later rely on a look at the time that was told last. */
static void test_promises(void **state)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), next;

	(void)state;
	open_with(0, 1, HOUR);
	memory->armed_ns = now + 100 * MS;
	next = look();
	assert_true(next < 101 * MS);
	memory->armed_ns = now;
	next = look();
	assert_true(next > HOUR / 2);
	/* A recorder that is being opened has no deadline yet. */
	memory_slot(memory, 0)->word = MEMORY_WORD(9, MEMORY_OPENING);
	next = look();
	assert_true(next && next < 2 * MS);
	memory_slot(memory, 0)->word = MEMORY_WORD(9, MEMORY_FREE);
	assert_int_equal(look(), 0);
}

static void test_own_timeout(void **state)
{
	(void)state;
	watching.timeout_ns = 1;
	open_with(0, 1, HOUR);
	look();
	expect_said("timeout 1:\n");
	watching.timeout_ns = HOUR;
	open_with(1, 2, 1);
	look();
	expect_said("");
}

static void test_asked(void **state)
{
	(void)state;
	open_with(0, 5, HOUR);
	put_severity(0, 5, 1);
	log_watch_ask(watch, 0, 5);
	expect_said("replay 5: 1\n");
	log_watch_ask(watch, 0, 6);
	log_watch_ask(watch, 1, 5);
	expect_said("");
}

static void test_min_severity(void **state)
{
	(void)state;
	log_watch_close(watch);
	watching.min_severity = 2;
	assert_int_equal(log_watch_open(&watch, &watching, getpid(), 0), 0);
	open_with(0, 1, 1);
	put_severity(0, 1, 1);
	put_severity(0, 1, 2);
	put_severity(0, 1, 0);
	look();
	expect_said("timeout 1: 2\n");
	put_severity(0, 1, 1);
	put_severity(0, 1, 3);
	poll_all();
	expect_said("entry 1: 3\n");
}

/* More than is kept: those that are missing are counted. */
static void test_lost(void **state)
{
	size_t shown = 0;
	char *line;

	(void)state;
	open_with(0, 1, 1);
	put_severity(0, 1, 1);
	look();
	expect_said("timeout 1: 1\n");
	for (int i = 0; i < 5000; i++)
		assert_true(put(&w, 0, 1, 0, 24));
	poll_all();
	for (line = said; (line = strstr(line, "entry 1:")); line++)
		shown++;
	assert_true(shown > 50 && shown < 500);
	assert_int_equal(watching.lost, 5000 - shown);
	said[0] = '\0';
	memory_close(memory, 0, 1, false);
	poll_all();
	assert_non_null(strstr(said, "finished 1:, "));
}

static void test_end(void **state)
{
	struct process_slot ended = {.word = FR_WORD(1, PROCESS_ENDED)};
	uint64_t opened, entries;

	(void)state;
	open_with(0, 1, 1);
	put_severity(0, 1, 1);
	look();
	expect_said("timeout 1: 1\n");
	open_with(1, 2, 1);
	open_with(2, 3, HOUR);
	put_severity(0, 1, 2);
	sleep_ms(1);
	ended.ended_ns = clock_ns(CLOCK_MONOTONIC);
	assert_true(log_watch_end(watch, &ended, UINT64_MAX));
	expect_said("timeout 2:\nentry 1: 2\ndied 1:\ndied 2:\n");
	log_watch_count(watch, &opened, &entries);
	assert_int_equal(opened, 3);
	assert_int_equal(entries, 2);
}

/* A process that was there before: open recorders count, entries logged so far do not. */
static void test_counts(void **state)
{
	uint64_t opened, entries;

	(void)state;
	open_with(0, 1, HOUR);
	memory_close(memory, 0, 1, false);
	open_with(0, 2, HOUR);
	put_severity(0, 2, 1);
	log_watch_close(watch);
	assert_int_equal(log_watch_open(&watch, &watching, getpid(), clock_ns(CLOCK_MONOTONIC)), 0);
	open_with(1, 3, HOUR);
	put_severity(0, 2, 1);
	put_severity(1, 3, 1);
	log_watch_count(watch, &opened, &entries);
	assert_int_equal(opened, 2);
	assert_int_equal(entries, 2);
	assert_int_equal(log_watch_open_now(watch), 2);
}

/* A look that takes too long is continued, and notices meanwhile are not forgotten. */
static void test_interrupted(void **state)
{
	struct log_look look = {.until_ns = 0};

	(void)state;
	for (uint32_t i = 0; i < 400; i++)
		open_with(i, i + 1, i == 399 ? 1 : HOUR);
	sleep_ms(1);
	assert_int_equal(log_watch_look(watch, &look), 0);
	assert_true(look.more);
	expect_said("");
	assert_int_equal(log_watch_look(watch, &look), 0);
	look.until_ns = UINT64_MAX;
	assert_int_equal(log_watch_look(watch, &look), 0);
	assert_false(look.more);
	expect_said("timeout 400:\n");
}

/* ---- when ---- */

static struct looks *looks;

static struct notice notice_of(enum notice_type type, uint64_t time_ns)
{
	return (struct notice){.type = type,
			       .index = (uint32_t)getpid(),
			       .log = number_of_log(),
			       .time_ns = time_ns};
}

static const struct looks_options options = {.recorders = &recorders};

static void test_when(void **state)
{
	struct notice arm = notice_of(NOTICE_ARM, clock_ns(CLOCK_MONOTONIC) + 20 * MS);
	struct notice late = notice_of(NOTICE_LATE, 0);

	(void)state;
	looks = looks_new(&options);
	assert_true(looks_next(looks) == UINT64_MAX);
	open_with(0, 1, 20 * MS);
	assert_int_equal(looks_notice(looks, &arm), 0);
	/* Immediately the first time, since nothing is known of what it has. */
	assert_true(looks_next(looks) <= clock_ns(CLOCK_MONOTONIC));
	looks_run(looks);
	expect_said("");
	assert_true(looks_next(looks) > clock_ns(CLOCK_MONOTONIC));
	while (looks_next(looks) > clock_ns(CLOCK_MONOTONIC))
		sleep_ms(1);
	looks_run(looks);
	expect_said("timeout 1:\n");
	/* From now on it is polled for what becomes of it. */
	assert_true(looks_next(looks) < clock_ns(CLOCK_MONOTONIC) + 60 * MS);
	memory_close(memory, 0, 1, true);
	looks_notice(looks, &late);
	while (!said[0])
		looks_run(looks);
	expect_said("finished 1:\n");
	while (looks_next(looks) != UINT64_MAX) {
		sleep_ms(1);
		looks_run(looks);
	}
	assert_int_equal(looks_count(looks).timed_out, 1);
	assert_int_equal(looks_count(looks).opened, 1);
	looks_free(looks);
}

static void test_by_other_means(void **state)
{
	struct notice arm = notice_of(NOTICE_ARM, 1);

	(void)state;
	looks = looks_new(&options);
	arm.log = 0;
	assert_int_equal(looks_notice(looks, &arm), -ENOTSUP);
	assert_false(looks_has_left(looks, getpid()));
	assert_true(looks_leave(looks, getpid()));
	assert_false(looks_leave(looks, getpid()));
	assert_true(looks_has_left(looks, getpid()));
	assert_int_equal(looks_notice(looks, &arm), 0);
	open_with(0, 1, 1);
	assert_int_equal(looks_add(looks, getpid(), 1), 0);
	looks_all(looks);
	looks_run(looks);
	assert_int_equal(looks_finish(looks, UINT64_MAX), 0);
	expect_said("");
	assert_int_equal(looks_open(looks, getpid()), 0);
	looks_free(looks);
}

/* A process that never asks to be looked at. */
static void test_unasked(void **state)
{
	(void)state;
	looks = looks_new(&options);
	looks_unasked(looks, getpid());
	looks_run(looks);
	expect_said("");
	assert_true(looks_next(looks) <= clock_ns(CLOCK_MONOTONIC) + 100 * MS);
	open_with(0, 1, 1);
	while (!said[0]) {
		sleep_ms(1);
		looks_run(looks);
	}
	expect_said("timeout 1:\n");
	memory_close(memory, 0, 1, true);
	/* Now it tells itself. */
	assert_int_equal(looks_add(looks, getpid(), 0), 0);
	while (looks_next(looks) != UINT64_MAX) {
		sleep_ms(1);
		looks_run(looks);
	}
	looks_free(looks);
}

static void test_finish(void **state)
{
	struct process_slot ended = {.word = FR_WORD(1, PROCESS_ENDED), .opened = 5, .entries = 6};

	(void)state;
	looks = looks_new(&options);
	assert_int_equal(looks_add(looks, getpid(), 0), 0);
	open_with(0, 1, 1);
	assert_int_equal(looks_open(looks, getpid()), 1);
	sleep_ms(1);
	assert_int_equal(looks_finish(looks, UINT64_MAX), 0);
	expect_said("timeout 1:\n");
	/* If a process ends before a look, what it said itself counts. */
	looks_end(looks, 1, &ended);
	assert_int_equal(looks_count(looks).opened, 6);
	assert_int_equal(looks_count(looks).entries, 6);
	looks_free(looks);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_overdue),     CASE(test_closed_and_used_again),
		CASE(test_closed_late), CASE(test_extended),
		CASE(test_promises),    CASE(test_own_timeout),
		CASE(test_asked),       CASE(test_min_severity),
		CASE(test_lost),        CASE(test_end),
		CASE(test_counts),      CASE(test_interrupted),
		CASE(test_when),        CASE(test_by_other_means),
		CASE(test_unasked),     CASE(test_finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
