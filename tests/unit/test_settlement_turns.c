/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
/* link: user/collector/recorder/recorders.c user/collector/recorder/recorders_check.c user/collector/recorder/recorders_emit.c user/collector/recorder/lone_entries.c user/collector/recorder/waiting.c user/collector/recorder/settlement.c user/collector/report/deaths.c user/collector/recorder/agenda.c user/collector/base/fair_queue.c user/collector/recorder/replay.c user/collector/recorder/process_table.c user/collector/target/proc_names.c user/collector/recorder/recorder_table.c user/collector/recorder/entry_buffer.c user/collector/recorder/call_sites.c user/collector/recorder/history.c user/collector/recorder/log_replay.c user/collector/report/render.c user/collector/report/render_number.c user/collector/report/render_out.c user/collector/kernel/tracker_state.c user/collector/kernel/ring_reader.c user/format/conversion.c user/collector/base/message.c user/collector/base/escape.c user/collector/base/text_buffer.c user/collector/target/memory_log.c user/collector/target/log_source.c user/collector/target/core_file.c user/collector/target/target_memory.c user/collector/target/time_namespace.c user/collector/target/mappings.c user/collector/base/auxv.c user/collector/target/tick_clock.c user/collector/target/host_tid.c user/collector/target/proc_file.c user/collector/target/thread_state.c user/collector/target/proc_status.c */
/* link: user/collector/recorder/span_view.c user/collector/span/span_set.c */
/* link: user/collector/span/syscall_names.c */
/* clang-format on */
/* A process with little to report is not held up by others; and long work is done in pieces. */
#include "recorders_fixture.h"

#define MODEST 60

static uint32_t cost_us; /* how long each report of process 1 takes */
static uint32_t before;  /* reports before that of the modest process */
static bool modest_said;

static void keep_busy(void *arg, const struct report *report)
{
	uint64_t until_ns = clock_ns(CLOCK_MONOTONIC) + cost_us * UINT64_C(1000);

	keep_report(arg, report);
	if (report->recorder.id == MODEST) {
		modest_said = true;
		return;
	}
	before += !modest_said;
	while (clock_ns(CLOCK_MONOTONIC) < until_ns)
		;
}

static int set_up_busy(void **state)
{
	int err = set_up(state);

	before = 0;
	modest_said = false;
	process[2].word = FR_WORD(1, PROCESS_ALIVE);
	process[2].key.pid = (uint32_t)getpid();
	if (!err)
		recorders->options.emit = keep_busy;
	return err;
}

/* Its recorder, the last one, times out. */
static void modest_times_out(void)
{
	open_recorder(MODEST, MODEST, 0);
	slot[MODEST].process = 2;
	owners[MODEST / FR_OWNERS].process[MODEST % FR_OWNERS] = 3;
	set_state(MODEST, RECORDER_TIMED_OUT);
	settlement_begin(recorders, MODEST);
}

static void many_time_out(void)
{
	for (uint32_t i = 0; i < 50; i++) {
		open_recorder(i, i + 100, 0);
		set_state(i, RECORDER_TIMED_OUT);
		settlement_begin(recorders, i);
	}
}

static void test_behind_a_turn_not_behind_all(void **state)
{
	(void)state;
	cost_us = 1000;
	many_time_out();
	modest_times_out();
	while (!modest_said)
		assert_true(settlement_work(recorders, 1000000));
	assert_true(before <= 2);
	while (settlement_work(recorders, 1000000000))
		;
	assert_int_equal(recorders->reports, 51);
	assert_null(recorders_check(recorders));
}

/* Many cheap ones are done in a turn, and the time limit is kept. */
static void test_ends_when_its_time_is_over(void **state)
{
	uint64_t began_ns;
	int rounds = 0;

	(void)state;
	cost_us = 200;
	many_time_out();
	for (;;) {
		uint64_t reports = recorders->reports;

		began_ns = clock_ns(CLOCK_MONOTONIC);
		rounds++;
		if (!settlement_work(recorders, 1000000))
			break;
		/* At least half of what would fit, unless this test was held up. */
		assert_true(recorders->reports > reports);
		assert_true(recorders->reports - reports <= 6);
		assert_true(clock_ns(CLOCK_MONOTONIC) > began_ns);
	}
	assert_true(rounds >= 50 / 6);
	assert_int_equal(recorders->reports, 50);
}

static void test_a_process_ends_in_pieces(void **state)
{
	(void)state;
	cost_us = 300;
	for (uint32_t i = 0; i < 50; i++) {
		open_recorder(i, i + 100, 0);
		set_state(i, RECORDER_TIMED_OUT);
	}
	process[1].word = FR_WORD(1, PROCESS_ENDED);
	process[1].ended_ns = clock_ns(CLOCK_MONOTONIC);
	recorders_look_at_process(recorders, 1);
	/* Not before the rings have been emptied. */
	settlement_continue(recorders, false);
	assert_false(settlement_work(recorders, 1000000000));
	assert_int_equal(recorders->reports, 0);
	tracker_drain_entries(&tracker, 0);
	settlement_continue(recorders, false);
	modest_times_out();
	while (!modest_said)
		assert_true(settlement_work(recorders, 1000000));
	assert_true(before <= 2);
	assert_int_equal(FR_WORD_STATE(process[1].word), PROCESS_ENDED);
	assert_null(recorders_check(recorders));
	while (settlement_work(recorders, 1000000))
		;
	assert_int_equal(recorders->reports, 51);
	assert_int_equal(FR_WORD_STATE(process[1].word), PROCESS_FREE);
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(state_of(i), RECORDER_FREE);
	assert_null(recorders_check(recorders));
}

/* What was logged before a replay was asked for is in it; what comes all the time does not put it
 * off.
 */
static void test_replay_of_a_busy_recorder(void **state)
{
	(void)state;
	open_recorder(1, 4, 3);
	log_entry(1, 1);
	slot[1].replays = 1;
	settlement_replay(recorders, 1);
	settlement_replay(recorders, 1);
	while (settlement_work(recorders, 1000000000))
		;
	expect_said("");
	settlement_continue(recorders, false);
	ring.slot = 1;
	ring.next = 2;
	ring.left = 1;
	work();
	expect_said("replay 4: 2 of 3, 1 lost\n");
	assert_int_equal(recorders->n_waiting, 0);
}

/* A recorder that waits for entries does not hold up others. */
static void test_many_wait(void **state)
{
	(void)state;
	cost_us = 0;
	for (uint32_t i = 0; i < 50; i++) {
		open_recorder(i, i + 100, 1);
		set_state(i, RECORDER_TIMED_OUT);
		settlement_begin(recorders, i);
	}
	work();
	assert_int_equal(recorders->n_waiting, 50);
	assert_null(recorders_check(recorders));
	modest_times_out();
	work();
	assert_true(modest_said);
	assert_int_equal(recorders->reports, 1);
	/* After a second notice it still waits once. */
	for (uint32_t i = 0; i < 50; i++)
		settlement_begin(recorders, i);
	work();
	assert_int_equal(recorders->n_waiting, 50);
	for (uint32_t i = 0; i < 50; i += 2)
		log_entry(i, 1);
	work();
	assert_int_equal(recorders->reports, 26);
	assert_int_equal(recorders->n_waiting, 25);
	settlement_continue(recorders, true);
	work();
	assert_int_equal(recorders->reports, 51);
	assert_null(recorders_check(recorders));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_busy, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_behind_a_turn_not_behind_all),
		TEST(test_ends_when_its_time_is_over),
		TEST(test_a_process_ends_in_pieces),
		TEST(test_replay_of_a_busy_recorder),
		TEST(test_many_wait),
	};

	return cmocka_run_group_tests_name("settlement_turns", tests, NULL, NULL);
}
