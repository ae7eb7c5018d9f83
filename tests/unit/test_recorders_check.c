/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
/* link: user/collector/recorder/recorders.c user/collector/recorder/recorders_check.c user/collector/recorder/recorders_emit.c user/collector/recorder/lone_entries.c user/collector/recorder/waiting.c user/collector/recorder/settlement.c user/collector/report/deaths.c user/collector/recorder/agenda.c user/collector/base/fair_queue.c user/collector/recorder/replay.c user/collector/recorder/process_table.c user/collector/target/proc_names.c user/collector/recorder/recorder_table.c user/collector/recorder/entry_buffer.c user/collector/recorder/call_sites.c user/collector/recorder/history.c user/collector/recorder/log_replay.c user/collector/report/render.c user/collector/report/render_number.c user/collector/report/render_out.c user/collector/kernel/tracker_state.c user/collector/kernel/ring_reader.c user/format/conversion.c user/collector/base/message.c user/collector/base/escape.c user/collector/base/text_buffer.c user/collector/target/memory_log.c user/collector/target/log_source.c user/collector/target/core_file.c user/collector/target/target_memory.c user/collector/target/time_namespace.c user/collector/target/mappings.c user/collector/base/auxv.c user/collector/target/tick_clock.c user/collector/target/host_tid.c user/collector/target/proc_file.c user/collector/target/thread_state.c user/collector/target/proc_status.c */
/* link: user/collector/recorder/span_view.c user/collector/span/span_set.c */
/* link: user/collector/span/syscall_names.c */
/* tests: user/collector/recorder/process_table.c */
/* clang-format on */
/* recorders_check() and entry_buffer_check() find each kind of damage; and the process table. */
#include "recorders_fixture.h"

static struct held_recorder *held;

static int set_up_damage(void **state)
{
	int err = set_up(state);

	for (uint32_t i = 0; i < 3 && !err; i++) {
		open_recorder(i, i + 1, 40);
		for (uint32_t n = 1; n <= 40; n++)
			log_entry(i, n);
	}
	held = err ? NULL : recorder_table_find(&recorders->table, 1, 1);
	return err || !held;
}

static void expect_damage(const char *what)
{
	const char *wrong = recorders_check(recorders);

	assert_non_null(wrong);
	assert_string_equal(wrong, what);
}

#define DAMAGE(member, by, what)                                                                   \
	do {                                                                                       \
		assert_null(recorders_check(recorders));                                           \
		(member) += (by);                                                                  \
		expect_damage(what);                                                               \
		(member) -= (by);                                                                  \
		assert_null(recorders_check(recorders));                                           \
	} while (0)

static void test_damage_of_buffers(void **state)
{
	struct entry_chunk *last = held->entries.head_last;

	(void)state;
	DAMAGE(held->entries.head_bytes, 8, "a buffer does not hold the entries that it says");
	DAMAGE(held->entries.head_entries, 1, "a buffer does not hold the entries that it says");
	DAMAGE(held->entries.tail_bytes, 8, "a buffer does not hold the entries that it says");
	DAMAGE(held->entries.tail_entries, 1, "a buffer does not hold the entries that it says");
	DAMAGE(held->entries.head_bytes, ENTRY_BUFFER_HEAD, "a buffer holds more than it may");
	DAMAGE(held->entries.tail_bytes, ENTRY_BUFFER_TAIL + 1, "a buffer holds more than it may");
	held->entries.head_last = held->entries.head;
	expect_damage("a list of chunks does not end where it says");
	held->entries.head_last = last;
	assert_null(recorders_check(recorders));
}

/* A record, and a chunk, that say they are larger than they are. */
static void test_damage_of_chunks(void **state)
{
	uint32_t *used = (uint32_t *)held->entries.head + 3;
	struct entry_record *record = (struct entry_record *)(used + 3);

	(void)state;
	assert_int_equal(record->type, RECORD_ENTRY);
	DAMAGE(record->size, 8, "a chunk does not hold the entries that it says");
	DAMAGE(*used, 4096, "a chunk of entries is fuller than full");
}

static void test_damage_of_recorders(void **state)
{
	(void)state;
	DAMAGE(held->received, 1, "entries that were received are neither held nor dropped");
	DAMAGE(held->entries.dropped, 1, "entries that were received are neither held nor dropped");
	DAMAGE(held->reported, true, "a recorder that was reported holds entries");
	DAMAGE(held->context_size, 1, "a context has a size and no data, or data and no size");
	DAMAGE(held->waiting, true, "a recorder says that it is waited for, and is not");
	DAMAGE(held->listed, 1, "a recorder does not know its place in the list");
	DAMAGE(held->settled, true, "a recorder is settled, and its slot stays");
}

static void test_damage_of_tables(void **state)
{
	struct recorder_table *table = &recorders->table;
	struct observed_process *observed;
	size_t limit;

	(void)state;
	DAMAGE(table->listed, 1,
	       "the list of recorders has more of them, or fewer, than there are");
	DAMAGE(table->list[0], SLOTS, "the list of recorders has one that is not there");
	DAMAGE(table->list[0], 3, "the list of recorders has one that is not there");
	DAMAGE(table->budget.used, 1, "entries take another number of bytes than the budget says");
	limit = table->budget.limit;
	table->budget.limit = 0;
	expect_damage("entries take more than they may");
	table->budget.limit = limit;
	observed = process_table_get(&recorders->processes, 1);
	assert_non_null(observed);
	DAMAGE(observed->index, 1, "a process does not know its slot");
	DAMAGE(observed->sites.bytes, 1,
	       "call sites take another number of bytes than the budget says");
}

static void test_damage_of_what_is_waited_for(void **state)
{
	(void)state;
	slot[1].entries = 41;
	set_state(1, RECORDER_TIMED_OUT);
	notice(1);
	assert_null(recorders_check(recorders));
	held->waiting = false;
	expect_damage("a recorder that is waited for does not know it");
	held->waiting = true;
	assert_null(recorders_check(recorders));
}

static void test_damage_of_what_goes_back(void **state)
{
	struct releases *releases = &recorders->releases;

	(void)state;
	releases->slot[0] = 1;
	releases->generation[0] = held->generation;
	DAMAGE(releases->n, 1, "a slot is about to go back, and its recorder is not settled");
	held->settled = true;
	releases->n = 1;
	assert_null(recorders_check(recorders));
	DAMAGE(releases->generation[0], 1,
	       "a slot is about to go back, and its recorder is not settled");
}

/* ---- the process table ---- */

static void test_process_and_its_successor(void **state)
{
	struct process_table *table = &recorders->processes;
	struct observed_process *first;

	(void)state;
	memcpy(process[1].comm, "first", 6);
	first = process_table_get(table, 1);
	assert_int_equal(first->pid, getpid());
	assert_string_equal(first->comm, "first");
	assert_non_null(first->exe);
	assert_ptr_equal(process_table_get(table, 1), first);
	process[1].word = FR_WORD(2, PROCESS_ALIVE);
	memcpy(process[1].comm, "second", 7);
	assert_string_equal(process_table_get(table, 1)->comm, "second");
	assert_null(process_table_get(table, PROCESSES));
	process_table_drop(table, 1);
	process_table_drop(table, PROCESSES);
	assert_null(table->process[1]);
}

/* Its own memory is that of the process observed. */
static void test_sites_from_memory(void **state)
{
	static struct flightrec_site site = {.format = "one %d", .file = "a.c", .line = 3};
	const uint64_t address = (uint64_t)(uintptr_t)&site;
	struct observed_process *observed = process_table_get(&recorders->processes, 1);
	struct call_site_info info;

	(void)state;
	process[1].mapped_ns = 100;
	assert_int_equal(process_table_find_site(observed, address, 200, &info), 0);
	assert_string_equal(info.format, "one %d");
	assert_string_equal(info.file, "a.c");
	assert_null(info.function);
	/* Before that, something else may have been there. */
	assert_int_equal(process_table_find_site(observed, address, 99, &info), -ESTALE);
	assert_null(info.format);
	/* It is remembered until mappings change again. */
	site.format = "two %s";
	assert_int_equal(process_table_find_site(observed, address, 250, &info), 0);
	assert_string_equal(info.format, "one %d");
	assert_int_equal(process_table_find_site(observed, 16, 200, &info), -ENOENT);
	process[1].word = FR_WORD(2, PROCESS_ALIVE);
	assert_int_equal(process_table_find_site(observed, 16, 200, &info), -ENOENT);
}

/* With no room to keep them, call sites are still known. */
static void test_sites_without_room(void **state)
{
	static struct flightrec_site site = {.format = "one %d"};
	struct observed_process *observed = process_table_get(&recorders->processes, 1);
	struct call_site_info info;

	(void)state;
	recorders->processes.site_budget.limit = 0;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			process_table_find_site(observed, (uint64_t)(uintptr_t)&site, 1, &info), 0);
		assert_string_equal(info.format, "one %d");
		assert_true(observed->sites_refused);
	}
	assert_null(recorders_check(recorders));
}

#define TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_damage_of_buffers, set_up_damage),
		TEST(test_damage_of_chunks, set_up_damage),
		TEST(test_damage_of_recorders, set_up_damage),
		TEST(test_damage_of_tables, set_up_damage),
		TEST(test_damage_of_what_is_waited_for, set_up_damage),
		TEST(test_damage_of_what_goes_back, set_up_damage),
		TEST(test_process_and_its_successor, set_up),
		TEST(test_sites_from_memory, set_up),
		TEST(test_sites_without_room, set_up),
	};

	return cmocka_run_group_tests_name("recorders_check", tests, NULL, NULL);
}
