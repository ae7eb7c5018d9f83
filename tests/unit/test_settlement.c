/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
/* link: user/collector/recorder/recorders.c user/collector/recorder/recorders_check.c user/collector/recorder/recorders_emit.c user/collector/recorder/lone_entries.c user/collector/recorder/waiting.c user/collector/recorder/settlement.c user/collector/report/deaths.c user/collector/recorder/agenda.c user/collector/base/fair_queue.c user/collector/recorder/replay.c user/collector/recorder/process_table.c user/collector/target/proc_names.c user/collector/recorder/recorder_table.c user/collector/recorder/entry_buffer.c user/collector/recorder/call_sites.c user/collector/recorder/history.c user/collector/recorder/log_replay.c user/collector/report/render.c user/collector/report/render_number.c user/collector/report/render_out.c user/collector/kernel/tracker_state.c user/collector/kernel/ring_reader.c user/format/conversion.c user/collector/base/message.c user/collector/base/escape.c user/collector/base/text_buffer.c user/collector/target/memory_log.c user/collector/target/log_source.c user/collector/target/core_file.c user/collector/target/target_memory.c user/collector/target/time_namespace.c user/collector/target/mappings.c user/collector/base/auxv.c user/collector/target/tick_clock.c user/collector/target/host_tid.c user/collector/target/proc_file.c user/collector/target/thread_state.c user/collector/target/proc_status.c */
/* link: user/collector/recorder/span_view.c user/collector/span/span_set.c */
/* link: user/collector/span/syscall_names.c */
/* tests: user/collector/recorder/recorders_emit.c user/collector/recorder/lone_entries.c user/collector/recorder/waiting.c user/collector/recorder/recorders.c user/collector/recorder/recorder_table.c user/collector/recorder/replay.c */
/* clang-format on */
/* What is reported of a recorder, in which order, and when its slot is released. */
#include "recorders_fixture.h"

static void test_times_out_and_finishes(void **state)
{
	(void)state;
	open_recorder(3, 7, 2);
	log_entry(3, 1);
	log_entry(3, 2);
	set_state(3, RECORDER_TIMED_OUT);
	notice(3);
	expect_said("timeout 7: 2 of 2, 0 lost\n");
	/* Two notices, one report. */
	notice(3);
	expect_said("");
	slot[3].entries = 3;
	log_entry(3, 3);
	expect_said("entry 7: 1 of 0, 0 lost\n");
	set_state(3, RECORDER_FINISHED);
	notice(3);
	expect_said("finished 7: 0 of 3, 0 lost\n");
	settlement_release(recorders);
	assert_int_equal(state_of(3), RECORDER_FREE);
	assert_null(recorder_table_find(&recorders->table, 3, 1));
	expect_said("");
}

static void test_closed_late(void **state)
{
	(void)state;
	open_recorder(0, 1, 1);
	log_entry(0, 1);
	set_state(0, RECORDER_LATE);
	notice(0);
	expect_said("timeout 1: 1 of 1, 0 lost\nfinished 1: 0 of 1, 0 lost\n");
	/* An entry that comes after the last report was counted as lost. */
	log_entry(0, 2);
	expect_said("");
	settlement_release(recorders);
	assert_int_equal(state_of(0), RECORDER_FREE);
}

static void test_closed_in_time_is_nothing(void **state)
{
	(void)state;
	open_recorder(0, 1, 1);
	log_entry(0, 1);
	set_state(0, RECORDER_FREE);
	notice(0);
	log_entry(0, 2);
	expect_said("");
	/* The slot's next recorder has none of it. */
	open_recorder(0, 2, 1);
	log_entry(0, 1);
	set_state(0, RECORDER_TIMED_OUT);
	notice(0);
	expect_said("timeout 2: 1 of 1, 0 lost\n");
	/* A notice for the earlier one that comes late. */
	notice(0);
	expect_said("");
}

static void test_entries_still_in_the_ring(void **state)
{
	(void)state;
	open_recorder(5, 1, 3);
	log_entry(5, 1);
	ring.slot = 5;
	ring.next = 2;
	ring.left = 2;
	set_state(5, RECORDER_TIMED_OUT);
	notice(5);
	expect_said("timeout 1: 3 of 3, 0 lost\n");
}

static void test_waits_for_entries_on_their_way(void **state)
{
	(void)state;
	open_recorder(5, 1, 3);
	log_entry(5, 1);
	set_state(5, RECORDER_TIMED_OUT);
	notice(5);
	notice(5);
	expect_said("");
	assert_true(recorders_next(recorders) != UINT64_MAX);
	work();
	expect_said("");
	log_entry(5, 2);
	log_entry(5, 3);
	work();
	expect_said("timeout 1: 3 of 3, 0 lost\n");
	assert_int_equal(recorders_next(recorders), UINT64_MAX);
}

/* Of three entries one has come when it is reported. */
static void give_up_two(void)
{
	open_recorder(5, 1, 3);
	log_entry(5, 1);
	set_state(5, RECORDER_TIMED_OUT);
	notice(5);
	settlement_continue(recorders, true);
	work();
	expect_said("timeout 1: 1 of 3, 2 lost\n");
}

static void test_gives_up_waiting(void **state)
{
	(void)state;
	give_up_two();
	/* What was reported as lost is not reported again. */
	slot[5].entries = 4;
	set_state(5, RECORDER_FINISHED);
	notice(5);
	settlement_continue(recorders, true);
	work();
	expect_said("finished 1: 0 of 4, 1 lost\n");
}

/* What comes after it was reported as lost is not shown as well. */
static void test_comes_after_it_was_given_up(void **state)
{
	(void)state;
	give_up_two();
	log_entry(5, 3);
	expect_said("");
	slot[5].entries = 5;
	log_entry(5, 4);
	expect_said("entry 1: 1 of 0, 0 lost\n");
	set_state(5, RECORDER_FINISHED);
	notice(5);
	settlement_continue(recorders, true);
	work();
	/* Of the two that were logged since. */
	expect_said("finished 1: 0 of 5, 1 lost\n");
}

static void test_refused_entries_are_not_waited_for(void **state)
{
	(void)state;
	open_recorder(5, 1, 3);
	slot[5].refused = 2;
	log_entry(5, 2);
	set_state(5, RECORDER_TIMED_OUT);
	notice(5);
	expect_said("timeout 1: 1 of 3, 2 lost\n");
}

static void test_replay_on_demand(void **state)
{
	(void)state;
	open_recorder(1, 4, 1);
	log_entry(1, 1);
	slot[1].replays = 1;
	settlement_replay(recorders, 1);
	work();
	expect_said("replay 4: 1 of 1, 0 lost\n");
	settlement_replay(recorders, 1);
	work();
	expect_said("");
	/* That does not report the recorder itself, which keeps its entries. */
	set_state(1, RECORDER_TIMED_OUT);
	notice(1);
	expect_said("timeout 4: 1 of 1, 0 lost\n");
	slot[1].replays = 2;
	settlement_replay(recorders, 1);
	work();
	expect_said("");
}

static void test_closed_after_a_replay(void **state)
{
	(void)state;
	open_recorder(1, 4, 1);
	log_entry(1, 1);
	slot[1].replays = 1;
	set_state(1, RECORDER_REPLAYED);
	notice(1);
	expect_said("replay 4: 1 of 1, 0 lost\n");
	settlement_release(recorders);
	assert_int_equal(state_of(1), RECORDER_FREE);
}

static void test_process_dies(void **state)
{
	(void)state;
	open_recorder(1, 1, 0);
	set_state(1, RECORDER_TIMED_OUT);
	notice(1);
	expect_said("timeout 1: 0 of 0, 0 lost\n");
	open_recorder(2, 2, 1); /* overdue, but the timer has not noticed */
	log_entry(2, 1);
	open_recorder(3, 3, 0); /* in time */
	slot[3].deadline_ns += 3600000000000;
	open_recorder(9, 9, 0); /* somebody else's */
	slot[9].process = 2;
	owners[9 / FR_OWNERS].process[9 % FR_OWNERS] = 3;
	process[1].word = FR_WORD(1, PROCESS_ENDED);
	process[1].ended_ns = clock_ns(CLOCK_MONOTONIC);
	recorders_look_at_process(recorders, 1);
	work();
	expect_said("died 1: 0 of 0, 0 lost\n"
		    "timeout 2: 1 of 1, 0 lost\n"
		    "died 2: 0 of 1, 0 lost\n");
	assert_int_equal(recorders_count(recorders).timed_out, 1);
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(state_of(i), RECORDER_FREE);
	assert_int_equal(state_of(9), RECORDER_OPEN);
	assert_int_equal(FR_WORD_STATE(process[1].word), PROCESS_FREE);
}

static void test_of_no_recorder(void **state)
{
	struct entry_record stray = {.type = RECORD_ENTRY, .process = 1, .slot = FR_NONE};

	(void)state;
	recorders_add_entry(recorders, &stray);
	expect_said("entry 0: 1 of 0, 0 lost\n");
}

static void test_no_more_than_asked_for(void **state)
{
	(void)state;
	recorders->options.max_reports = 1;
	for (uint32_t i = 0; i < 3; i++) {
		open_recorder(i, i + 1, 0);
		set_state(i, RECORDER_LATE);
		notice(i);
	}
	assert_true(recorders_done(recorders));
	expect_said("timeout 1: 0 of 0, 0 lost\n");
}

static void test_the_end_is_near(void **state)
{
	(void)state;
	open_recorder(0, 1, 0);
	open_recorder(1, 2, 0);
	slot[1].deadline_ns += 100;
	recorders_end_at(recorders, slot[0].deadline_ns);
	set_state(0, RECORDER_TIMED_OUT);
	set_state(1, RECORDER_TIMED_OUT);
	notice(0);
	notice(1);
	expect_said("timeout 1: 0 of 0, 0 lost\n");
}

static uint64_t lines, held_back;

static void count_lines(void *arg, const struct report *report)
{
	(void)arg;
	lines += report->event == REPORT_ENTRY;
	held_back += report->held_back;
	if (report->event != REPORT_HELD_BACK)
		return;
	assert_int_equal(report->pid, getpid());
	assert_int_equal(report->lines_per_second, PROCESS_LINES_PER_SECOND);
}

static void test_by_probes_lines_held_back(void **state)
{
	struct message_limit *limit;

	(void)state;
	open_recorder(0, 1, 0);
	set_state(0, RECORDER_TIMED_OUT);
	notice(0);
	expect_said("timeout 1: 0 of 0, 0 lost\n");
	recorders->options.emit = count_lines;
	lines = held_back = 0;
	limit = &process_table_get(&recorders->processes, 1)->lines;
	limit->window_ns = 3600000000000;
	slot[0].entries = PROCESS_LINES_PER_SECOND + 10;
	for (uint32_t i = 1; i <= slot[0].entries; i++)
		log_entry(0, i);
	assert_int_equal(lines, PROCESS_LINES_PER_SECOND);
	assert_int_equal(held_back, 0);
	/* If the program then is silent, it is reported when the time is up. */
	assert_int_equal(recorders_next(recorders), limit->window_start_ns + limit->window_ns);
	settlement_continue(recorders, false);
	assert_int_equal(held_back, 0);
	limit->window_ns = 0;
	recorders->tell_held_back_ns = 1;
	settlement_continue(recorders, false);
	assert_int_equal(held_back, 10);
	assert_int_equal(recorders_next(recorders), UINT64_MAX);
	/* If it goes on, before its next line. */
	limit->window_ns = 3600000000000;
	limit->used = limit->lines;
	log_entry(0, 1);
	limit->window_start_ns -= limit->window_ns;
	log_entry(0, 2);
	assert_int_equal(held_back, 11);
	assert_int_equal(lines, PROCESS_LINES_PER_SECOND + 1);
	/* Or when it ends. */
	limit->used = limit->lines;
	log_entry(0, 3);
	process[1].word = FR_WORD(1, PROCESS_ENDED);
	recorders_look_at_process(recorders, 1);
	work();
	assert_int_equal(held_back, 12);
}

/* Recorders that closed in time leave nothing behind. */
static void test_sweep(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 10; round++) {
		for (uint32_t i = 0; i < SLOTS; i++) {
			open_recorder(i, i + 1, 1);
			log_entry(i, 1);
		}
		expect_said("");
		assert_int_equal(recorders->table.listed, SLOTS);
		for (uint32_t i = 1; i < SLOTS; i++)
			set_state(i, RECORDER_FREE);
		recorders->table.sweep_at = 2;
		recorders_sweep(recorders);
		assert_int_equal(recorders->table.listed, 1);
		expect_said("");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_times_out_and_finishes),
		TEST(test_closed_late),
		TEST(test_closed_in_time_is_nothing),
		TEST(test_entries_still_in_the_ring),
		TEST(test_waits_for_entries_on_their_way),
		TEST(test_gives_up_waiting),
		TEST(test_comes_after_it_was_given_up),
		TEST(test_refused_entries_are_not_waited_for),
		TEST(test_replay_on_demand),
		TEST(test_closed_after_a_replay),
		TEST(test_process_dies),
		TEST(test_of_no_recorder),
		TEST(test_no_more_than_asked_for),
		TEST(test_the_end_is_near),
		TEST(test_by_probes_lines_held_back),
		TEST(test_sweep),
	};

	return cmocka_run_group_tests_name("settlement", tests, NULL, NULL);
}
