// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/recorder/entry_buffer.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/record.h"
#include "collector/recorder/entry_buffer.h"

#define PLENTY ((size_t)1 << 30)

static struct entry_buffer buffer;
static struct entry_budget budget;

/* What entry_buffer_each() showed. */
static struct {
	uint64_t kept;
	uint64_t head;
	uint64_t first; /* sequence */
	uint64_t last;
	uint64_t last_head;  /* the last one of the head */
	uint64_t first_tail; /* the first one after it */
} seen;

static int setup(void **state)
{
	(void)state;
	memset(&buffer, 0, sizeof(buffer));
	budget = (struct entry_budget){.limit = PLENTY};
	return 0;
}

/* Whatever a test did, emptying a buffer gives everything back. */
static int teardown(void **state)
{
	(void)state;
	entry_buffer_clear(&buffer, &budget);
	return budget.used != 0;
}

static unsigned char pattern(uint64_t sequence, size_t at)
{
	return (unsigned char)(sequence * 31 + at * 7);
}

static void add_to(struct entry_buffer *to, uint64_t sequence, size_t size)
{
	struct entry_record *record = malloc(sizeof(*record) + size);

	assert_non_null(record);
	memset(record, 0, sizeof(*record));
	record->type = RECORD_ENTRY;
	record->size = (uint16_t)size;
	record->sequence = sequence;
	for (size_t i = 0; i < size; i++)
		record->data[i] = pattern(sequence, i);
	entry_buffer_add(to, &budget, record);
	/* A copy was made. */
	memset(record, 0xee, sizeof(*record) + size);
	free(record);
}

static void add(uint64_t from, uint64_t to, size_t size)
{
	for (uint64_t i = from; i <= to; i++)
		add_to(&buffer, i, size);
}

static void look(void *arg, const struct entry_record *record, bool head)
{
	(void)arg;
	for (size_t i = 0; i < record->size; i++)
		assert_int_equal(record->data[i], pattern(record->sequence, i));
	assert_int_equal((uintptr_t)record % 8, 0);
	if (!seen.kept)
		seen.first = record->sequence;
	else
		assert_true(record->sequence > seen.last);
	/* No first entry comes after a later one. */
	assert_false(head && seen.first_tail);
	if (head) {
		seen.head++;
		seen.last_head = record->sequence;
	} else if (!seen.first_tail) {
		seen.first_tail = record->sequence;
	}
	seen.last = record->sequence;
	seen.kept++;
}

static void look_at_all(void)
{
	memset(&seen, 0, sizeof(seen));
	entry_buffer_each(&buffer, look, NULL);
	assert_int_equal(seen.head, buffer.head_entries);
	assert_int_equal(seen.kept, buffer.head_entries + buffer.tail_entries);
}

static void test_empty(void **state)
{
	(void)state;
	look_at_all();
	assert_int_equal(seen.kept, 0);
	entry_buffer_clear(&buffer, &budget);
	assert_int_equal(budget.used, 0);
}

static void test_few_are_all_kept(void **state)
{
	(void)state;
	add(1, 10, 33);
	look_at_all();
	assert_int_equal(seen.kept, 10);
	assert_int_equal(seen.first, 1);
	assert_int_equal(seen.last, 10);
	assert_int_equal(buffer.dropped, 0);
	/* They are cheap: one small chunk or two, not all that a recorder may have. */
	assert_true(budget.used <= 8192);
}

static void test_no_data(void **state)
{
	(void)state;
	add(1, 3, 0);
	look_at_all();
	assert_int_equal(seen.kept, 3);
}

/* Head and tail are kept, and the gap between them is what was dropped. */
static void test_the_middle_gives_way(void **state)
{
	const uint64_t sent = 5000;

	(void)state;
	add(1, sent, 100);
	look_at_all();
	assert_int_equal(seen.first, 1);
	assert_int_equal(seen.last, sent);
	assert_int_equal(seen.last_head, seen.head);
	assert_true(buffer.dropped > 0);
	assert_int_equal(seen.kept + buffer.dropped, sent);
	assert_int_equal(seen.first_tail - seen.last_head - 1, buffer.dropped);
	assert_true(buffer.head_bytes <= ENTRY_BUFFER_HEAD);
	assert_true(buffer.tail_bytes <= ENTRY_BUFFER_TAIL);
	/* Both are full, except for a record in the head and a chunk in the tail. */
	assert_true(buffer.head_bytes > ENTRY_BUFFER_HEAD - 200);
	assert_true(buffer.tail_bytes > ENTRY_BUFFER_TAIL - 8192);
}

static void test_sizes_mixed(void **state)
{
	uint64_t sent = 0;

	(void)state;
	for (int round = 0; round < 400; round++) {
		sent++;
		add_to(&buffer, sent, (size_t)(sent * 37 % (FR_ENTRY_DATA_MAX + 1)));
	}
	look_at_all();
	assert_int_equal(seen.first, 1);
	assert_int_equal(seen.last, sent);
	assert_int_equal(seen.kept + buffer.dropped, sent);
	assert_int_equal(seen.first_tail - seen.last_head - 1, buffer.dropped);
}

/* Once something is in the tail, nothing is added to the head. */
static void test_order_at_the_heads_end(void **state)
{
	(void)state;
	add(1, 14, FR_ENTRY_DATA_MAX);
	add(15, 17, FR_ENTRY_DATA_MAX);
	add(18, 30, 1);
	look_at_all();
	assert_int_equal(seen.kept, 30);
	assert_int_equal(seen.last, 30);
	assert_int_equal(buffer.dropped, 0);
}

static void test_largest_entries(void **state)
{
	(void)state;
	add(1, 1000, FR_ENTRY_DATA_MAX);
	look_at_all();
	assert_int_equal(seen.first, 1);
	assert_int_equal(seen.last, 1000);
	assert_int_equal(seen.kept + buffer.dropped, 1000);
}

/* Without any memory, all are counted. */
static void test_no_budget(void **state)
{
	(void)state;
	budget.limit = 0;
	add(1, 20, 50);
	look_at_all();
	assert_int_equal(seen.kept, 0);
	assert_int_equal(buffer.dropped, 20);
	assert_int_equal(budget.used, 0);
}

/* When the budget is used up, a recorder's own older entries make room for new ones. */
static void test_budget_is_kept_to(void **state)
{
	(void)state;
	budget.limit = 40000;
	for (uint64_t i = 1; i <= 2000; i++) {
		add_to(&buffer, i, 100);
		assert_true(budget.used <= budget.limit);
	}
	look_at_all();
	assert_int_equal(seen.first, 1);
	assert_int_equal(seen.last, 2000);
	assert_int_equal(seen.kept + buffer.dropped, 2000);
}

/* A recorder that takes everything does not take it from others for ever. */
static void test_budget_is_shared(void **state)
{
	struct entry_buffer other = {0};

	(void)state;
	budget.limit = 30000;
	add(1, 1000, 100);
	for (uint64_t i = 1; i <= 10; i++)
		add_to(&other, i, 100);
	assert_true(budget.used <= budget.limit);
	assert_int_equal(other.head_entries + other.tail_entries + other.dropped, 10);
	entry_buffer_clear(&buffer, &budget);
	for (uint64_t i = 11; i <= 20; i++)
		add_to(&other, i, 100);
	assert_int_equal(other.head_entries + other.tail_entries + other.dropped, 20);
	assert_true(other.head_entries + other.tail_entries >= 10);
	entry_buffer_clear(&other, &budget);
	assert_int_equal(budget.used, 0);
}

static void test_used_again_after_clear(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++) {
		add(1, 3000, 80);
		entry_buffer_clear(&buffer, &budget);
		assert_int_equal(budget.used, 0);
		look_at_all();
		assert_int_equal(seen.kept, 0);
		assert_int_equal(buffer.dropped, 0);
	}
	add(1, 5, 80);
	look_at_all();
	assert_int_equal(seen.kept, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_few_are_all_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_data, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_middle_gives_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sizes_mixed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_order_at_the_heads_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_largest_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_budget, setup, teardown),
		cmocka_unit_test_setup_teardown(test_budget_is_kept_to, setup, teardown),
		cmocka_unit_test_setup_teardown(test_budget_is_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_used_again_after_clear, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
