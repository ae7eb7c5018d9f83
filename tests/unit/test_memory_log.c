// SPDX-License-Identifier: BSD-2-Clause
/* clang-format off */
/* link: tests/unit/fake_probes.c user/lib/memory.c user/lib/memory_slot.c user/lib/memory_entry.c user/lib/memory_site.c user/lib/ticks.c user/collector/target/memory_log.c */
/* clang-format on */
/* The memory log: the collector reads what the library writes. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/memory_log.h"
#include "memory_samples.h"

#define LIMIT (1u << 20)

static int read_recorder(struct memory_header *memory, uint32_t slot,
			 struct memory_recording *recording)
{
	struct memory_slot copy = *memory_slot(memory, slot);
	struct memory_log log;

	assert_int_equal(memory_log_open(&log, read_region, memory), 0);
	return memory_log_recording(&log, slot, &copy, LIMIT, recording);
}

static uint64_t number(const struct memory_recording *recording, size_t i, int which)
{
	uint64_t value;

	memcpy(&value, recording->bytes + recording->record[i].data + which * sizeof(value),
	       sizeof(value));
	return value;
}

static void test_entries(void **state)
{
	struct memory_header *memory = memory_create(1, NULL);
	struct memory_writer w = writer(memory, 0);
	struct memory_recording recording = {0};
	struct memory_slot *slot = memory_slot(memory, 2);
	uint64_t ticks = 0;

	(void)state;
	open_slot(&w, 2, 9);
	assert_int_equal(memory->slots_used, 3);
	assert_int_equal(slot->id, 9);
	assert_int_equal(slot->timeout_ns, 1000);
	assert_int_equal(slot->tid, 7);
	assert_string_equal(slot->name, "name");
	for (uint64_t i = 0; i < 5; i++)
		assert_true(put(&w, 2, 9, i, (uint32_t)i));
	assert_false(put(&w, 2, 8, 0, 0));
	assert_false(put(&w, 3, 9, 0, 0));
	assert_false(put(&w, UINT32_MAX, 9, 0, 0));
	memory_set_context(&w, 2, 9, "context", 7);
	memory_set_context(&w, 2, 8, "wrong", 5);
	assert_int_equal(read_recorder(memory, 2, &recording), 0);
	assert_int_equal(recording.n, 5);
	assert_int_equal(recording.total, 5);
	assert_int_equal(recording.gap, 0);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(number(&recording, i, 0), i);
		assert_int_equal(recording.record[i].size, 16 + i);
		assert_int_equal(recording.record[i].tid, syscall(SYS_gettid));
		assert_true(recording.record[i].ticks >= ticks);
		ticks = recording.record[i].ticks;
	}
	assert_int_equal(recording.context_size, 7);
	assert_memory_equal(recording.context, "context", 7);
	memory_set_context(&w, 2, 9, "other", 5);
	assert_int_equal(read_recorder(memory, 2, &recording), 0);
	assert_int_equal(recording.context_size, 5);
	memory_extend(memory, 2, 9, 50);
	memory_extend(memory, 2, 8, 60);
	assert_int_equal(slot->timeout_ns, 50);
	memory_recording_free(&recording);
	memory_destroy(memory);
}

/* The first and the last entries are kept, and those between are counted. */
static void test_gap(void **state)
{
	const uint64_t n = 100000;
	struct memory_header *memory = memory_create(1, NULL);
	struct memory_writer w = writer(memory, 0);
	struct memory_recording recording = {0};

	(void)state;
	open_slot(&w, 0, 1);
	for (uint64_t i = 0; i < n; i++) {
		assert_true(put(&w, 0, 1, i, 8));
		if (i % 1777 && i > 40 && i < n - 1)
			continue;
		assert_int_equal(read_recorder(memory, 0, &recording), 0);
		assert_int_equal(recording.total, i + 1);
		assert_int_equal(recording.n + recording.gap, i + 1);
		assert_int_equal(number(&recording, 0, 0), 0);
		assert_int_equal(number(&recording, recording.n - 1, 0), i);
		for (size_t k = 1; k < recording.n; k++)
			assert_int_equal(number(&recording, k, 0),
					 number(&recording, k - 1, 0) + 1 +
						 (k == recording.gap_at ? recording.gap : 0));
	}
	assert_true(recording.n > 100 && recording.gap_at > 5);
	memory_recording_free(&recording);
	memory_destroy(memory);
}

static void test_closed_is_not_read(void **state)
{
	struct memory_header *memory = memory_create(1, NULL);
	struct memory_writer w = writer(memory, 0);
	struct memory_recording recording = {0};
	struct memory_slot before;
	struct memory_log log;

	(void)state;
	open_slot(&w, 0, 1);
	assert_true(put(&w, 0, 1, 1, 0));
	memory_close(memory, 0, 2, false);
	assert_true(put(&w, 0, 1, 2, 0));
	memory_close(memory, 0, 1, false);
	assert_false(put(&w, 0, 1, 3, 0));
	/* What it logged is there until its chunk is used again. */
	assert_int_equal(read_recorder(memory, 0, &recording), 0);
	assert_int_equal(recording.n, 2);
	before = *memory_slot(memory, 0);
	assert_true(before.ended >= before.started);
	open_slot(&w, 0, 2);
	assert_int_equal(memory_log_open(&log, read_region, memory), 0);
	assert_int_equal(memory_log_recording(&log, 0, &before, LIMIT, &recording), -ESTALE);
	/* A late entry stays out of the new recorder. */
	assert_false(put(&w, 0, 1, 2, 0));
	assert_int_equal(read_recorder(memory, 0, &recording), 0);
	assert_int_equal(recording.n, 0);
	memory_recording_free(&recording);
	memory_destroy(memory);
}

/* A handler that interrupts a log call writes elsewhere. Both are read in order of time. */
static void test_levels(void **state)
{
	struct memory_header *memory = memory_create(1, NULL);
	struct memory_writer w = writer(memory, 0), handler = writer(memory, 1);
	struct memory_recording recording = {0};
	struct memory_place place;
	struct memory_slot before;
	struct memory_log log;

	(void)state;
	assert_int_equal(w.owner >> 2, handler.owner >> 2);
	open_slot(&w, 0, 1);
	assert_true(put(&w, 0, 1, 1, 0));
	assert_true(memory_place(&w, 0, 1, &place));
	assert_true(put(&handler, 0, 1, 3, 0));
	before = *memory_slot(memory, 0);
	/* It closes the recorder and opens others, which do not get the entry being written. */
	memory_close(memory, 0, 1, false);
	for (uint32_t i = 0; i < 20; i++) {
		open_slot(&handler, i, 100 + i);
		assert_true(put(&handler, i, 100 + i, 4, 0));
		assert_int_equal(read_recorder(memory, i, &recording), 0);
		assert_int_equal(recording.n, 1);
		assert_int_equal(number(&recording, 0, 0), 4);
		if (i % 2)
			memory_close(memory, i, 100 + i, false);
	}
	memcpy(place.entry->data, &before, 8);
	place.entry->severity_flags = 0;
	place.entry->site = 0;
	memory_commit(&w, &place, 8);
	assert_int_equal(memory_log_open(&log, read_region, memory), 0);
	assert_int_equal(memory_log_recording(&log, 0, &before, LIMIT, &recording), -ESTALE);
	assert_int_equal(read_recorder(memory, 0, &recording), 0);
	assert_int_equal(recording.n, 1);
	memory_recording_free(&recording);
	memory_destroy(memory);
}

/* ---- threads ---- */

#define SHARED 4

struct crowd {
	struct memory_header *memory;
	uint64_t id[SHARED]; /* of recorders that all log to, while they open and close */
	int stop;
	uint64_t bad;
};

/* Logs to each of them the number of the recorder that is meant. */
static void *log_to_all(void *arg)
{
	struct crowd *crowd = arg;
	struct memory_writer w = writer(crowd->memory, 0);

	for (uint64_t n = 0; !__atomic_load_n(&crowd->stop, __ATOMIC_RELAXED); n++) {
		uint32_t slot = (uint32_t)(n % SHARED);
		uint64_t id = __atomic_load_n(&crowd->id[slot], __ATOMIC_ACQUIRE);

		put(&w, slot, id, id, (uint32_t)(n % 100));
	}
	return NULL;
}

static void *open_and_close(void *arg)
{
	struct crowd *crowd = arg;
	struct memory_writer w = writer(crowd->memory, 0);

	for (uint64_t n = SHARED + 1; !__atomic_load_n(&crowd->stop, __ATOMIC_RELAXED); n++) {
		uint32_t slot = (uint32_t)(n % SHARED);

		memory_close(crowd->memory, slot, crowd->id[slot], false);
		open_slot(&w, slot, n);
		put(&w, slot, n, n, 0);
		__atomic_store_n(&crowd->id[slot], n, __ATOMIC_RELEASE);
	}
	return NULL;
}

static int check_slot(void *arg, uint32_t slot, const struct memory_slot *copy)
{
	struct crowd *crowd = arg;
	struct memory_recording recording = {0};
	struct memory_log log;
	int err;

	assert_int_equal(memory_log_open(&log, read_region, crowd->memory), 0);
	err = memory_log_recording(&log, slot, copy, LIMIT, &recording);
	assert_true(err == 0 || err == -ESTALE);
	for (size_t i = 0; !err && i < recording.n; i++)
		crowd->bad += number(&recording, i, 0) != copy->id;
	memory_recording_free(&recording);
	return 0;
}

static void test_no_entry_in_the_wrong_recorder(void **state)
{
	struct crowd crowd = {.memory = memory_create(1, NULL)};
	struct memory_writer w = writer(crowd.memory, 0);
	struct memory_log log;
	pthread_t threads[4];

	(void)state;
	for (uint32_t k = 0; k < SHARED; k++)
		open_slot(&w, k, crowd.id[k] = k + 1);
	assert_int_equal(memory_log_open(&log, read_region, crowd.memory), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, i ? log_to_all : open_and_close, &crowd),
			0);
	for (int i = 0; i < 20000; i++)
		assert_int_equal(memory_log_slots(&log, false, check_slot, &crowd), 0);
	__atomic_store_n(&crowd.stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(crowd.bad, 0);
	/* Chunks are used again. */
	assert_true(crowd.memory->units_used < 4096);
	memory_destroy(crowd.memory);
}

static void *one_recorder(void *arg)
{
	struct memory_writer w = writer(arg, 0);
	static uint64_t id;

	open_slot(&w, 0, ++id);
	assert_true(put(&w, 0, id, 1, 0));
	memory_close(arg, 0, id, false);
	return NULL;
}

/* A thread for each request: later ones use the records and chunks of earlier ones. */
static void test_threads_that_end(void **state)
{
	struct memory_header *memory = memory_create(1, NULL);
	pthread_t thread;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(pthread_create(&thread, NULL, one_recorder, memory), 0);
		pthread_join(thread, NULL);
	}
	assert_true(memory->units_used < 64);
	memory_destroy(memory);
}

/* ---- limits ---- */

static void test_sizes(void **state)
{
	static const struct {
		const char *setting;
		uint64_t size;
	} sizes[] = {
		{NULL, MEMORY_DEFAULT}, {"", MEMORY_DEFAULT}, {"many", MEMORY_DEFAULT},
		{"1M", 1 << 20},        {"1m", 1 << 20},      {"512K", 512 << 10},
		{"1", MEMORY_MIN},      {"1048576", 1048576}, {"3G", 3ull << 30},
		{"1000000", 999424},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct memory_header *memory = memory_create(1, sizes[i].setting);

		assert_non_null(memory);
		assert_int_equal(memory->size, sizes[i].size);
		memory_destroy(memory);
	}
}

static void test_no_log(void **state)
{
	(void)state;
	assert_null(memory_create(1, "0"));
	assert_null(memory_create(1, "0M"));
}

/* With little room, recorders can still be seen; entries are lost and counted. */
static void test_full(void **state)
{
	struct memory_header *memory = memory_create(1, "256K");
	struct memory_writer w = writer(memory, 0);
	struct memory_recording recording = {0};
	uint64_t placed = 0, lost = 0;
	uint32_t n = memory->slots;

	(void)state;
	for (uint32_t i = 0; i < n; i++)
		open_slot(&w, i, i + 1);
	open_slot(&w, n, n + 1);
	assert_int_equal(memory->slots_used, n);
	assert_false(put(&w, n, n + 1, 0, 0));
	for (uint32_t i = 0; i < n; i++)
		for (uint64_t k = 0; k < 40; k++)
			if (put(&w, i, i + 1, k, 0))
				placed++;
			else
				lost++;
	assert_true(lost);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(read_recorder(memory, i, &recording), 0);
		placed -= recording.n;
		lost -= recording.gap;
	}
	assert_int_equal(placed, 0);
	assert_int_equal(lost, memory->lost_entries);
	/* When they are closed, others get their room. */
	for (uint32_t i = 0; i < n; i++)
		memory_close(memory, i, i + 1, false);
	open_slot(&w, 0, n + 1);
	assert_true(put(&w, 0, n + 1, 1, 0));
	memory_recording_free(&recording);
	memory_destroy(memory);
}

static void test_address_space(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		struct rlimit limit = {8u << 20, 8u << 20};
		struct memory_header *memory;

		/* What is mapped already stays; 8 MiB are less than that. */
		setrlimit(RLIMIT_AS, &limit);
		memory = memory_create(1, NULL);
		_exit(memory ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_closed_is_not_read),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_no_entry_in_the_wrong_recorder),
		cmocka_unit_test(test_threads_that_end),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_no_log),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_address_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
