/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/kernel/ring_reader.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/kernel/ring_reader.h"
#include "fake_ring.h"

static struct fake_ring ring;
static struct ring_reader reader;

static int set_up(void **state)
{
	(void)state;
	memset(&ring, 0, sizeof(ring));
	ring_reader_open_memory(&reader, &ring.consumer, &ring.producer, ring.data,
				FAKE_RING_BYTES);
	return 0;
}

static void put(uint64_t value)
{
	fake_ring_put(&ring, &value, sizeof(value));
}

/* Takes the next record and returns which it is; 0: there is none. */
static uint64_t next(void)
{
	size_t size;
	const uint64_t *record = ring_reader_peek(&reader, ring_reader_end(&reader), &size);
	uint64_t value;

	assert_true(ring_reader_check(&reader));
	if (!record)
		return 0;
	assert_int_equal(size, sizeof(value));
	value = *record;
	ring_reader_take(&reader, size);
	assert_true(ring_reader_check(&reader));
	return value;
}

static void test_in_order(void **state)
{
	(void)state;
	assert_int_equal(next(), 0);
	/* Many times round. */
	for (uint64_t i = 1; i < 2000; i++) {
		put(2 * i);
		put(2 * i + 1);
		assert_int_equal(next(), 2 * i);
		assert_int_equal(next(), 2 * i + 1);
		assert_int_equal(next(), 0);
	}
}

static void test_end_is_kept(void **state)
{
	uint64_t end;
	size_t size;

	(void)state;
	put(1);
	end = ring_reader_end(&reader);
	put(2);
	assert_int_equal(next(), 1);
	assert_null(ring_reader_peek(&reader, end, &size));
	assert_int_equal(next(), 2);
}

static void test_discarded(void **state)
{
	(void)state;
	fake_ring_discard(&ring, fake_ring_reserve(&ring, 100), 100);
	put(1);
	fake_ring_discard(&ring, fake_ring_reserve(&ring, 8), 8);
	assert_int_equal(next(), 1);
	assert_int_equal(next(), 0);
	ring_reader_publish(&reader);
	assert_int_equal(ring.consumer, ring.producer);
}

/* A writer that is held up in a record does not hold up others. */
static void test_being_written(void **state)
{
	const uint64_t late[] = {100, 200, 300};
	uint64_t at[3];

	(void)state;
	put(1);
	at[0] = fake_ring_reserve(&ring, 8);
	put(2);
	at[1] = fake_ring_reserve(&ring, 8);
	at[2] = fake_ring_reserve(&ring, 8);
	put(3);
	assert_int_equal(next(), 1);
	assert_int_equal(next(), 2);
	assert_int_equal(next(), 3);
	assert_int_equal(next(), 0);
	/* Its room is not given back while it is being written. */
	ring_reader_publish(&reader);
	assert_int_equal(ring.consumer, at[0]);
	fake_ring_submit(&ring, at[1], &late[1], 8);
	assert_int_equal(next(), 200);
	assert_int_equal(next(), 0);
	ring_reader_publish(&reader);
	assert_int_equal(ring.consumer, at[0]);
	fake_ring_submit(&ring, at[0], &late[0], 8);
	put(4);
	assert_int_equal(next(), 100);
	assert_int_equal(next(), 4);
	ring_reader_publish(&reader);
	assert_int_equal(ring.consumer, at[2]);
	fake_ring_discard(&ring, at[2], 8);
	assert_int_equal(next(), 0);
	ring_reader_publish(&reader);
	assert_int_equal(ring.consumer, ring.producer);
}

/* If there are more than can be remembered, it stops there and goes on later. */
static void test_too_many_being_written(void **state)
{
	uint64_t at[RING_READER_PASSED_MAX + 1], value;

	(void)state;
	for (int i = 0; i <= RING_READER_PASSED_MAX; i++)
		at[i] = fake_ring_reserve(&ring, 8);
	put(1);
	assert_int_equal(next(), 0);
	value = 50;
	fake_ring_submit(&ring, at[0], &value, 8);
	assert_int_equal(next(), 50);
	assert_int_equal(next(), 1);
	for (int i = 1; i <= RING_READER_PASSED_MAX; i++) {
		value = 100 + (uint64_t)i;
		fake_ring_submit(&ring, at[i], &value, 8);
		assert_int_equal(next(), value);
	}
	assert_int_equal(next(), 0);
	ring_reader_publish(&reader);
	assert_int_equal(ring.consumer, ring.producer);
}

/* Room goes back in large pieces. */
static void test_publishes_in_pieces(void **state)
{
	uint64_t published = 0;

	(void)state;
	for (uint64_t i = 1; i < 1000; i++) {
		put(i);
		assert_int_equal(next(), i);
		published += ring.consumer == ring.producer;
	}
	assert_true(published > 0 && published < 1000 / 8);
}

static void test_check_finds_damage(void **state)
{
	(void)state;
	put(1);
	fake_ring_reserve(&ring, 8);
	put(2);
	assert_int_equal(next(), 1);
	assert_int_equal(next(), 2);
	assert_int_equal(reader.n_passed, 1);
	reader.passed[0] = reader.position;
	assert_false(ring_reader_check(&reader));
	reader.passed[0] = 16;
	assert_true(ring_reader_check(&reader));
	reader.published = 17;
	assert_false(ring_reader_check(&reader));
	reader.published = 0;
	reader.n_passed = RING_READER_PASSED_MAX + 1;
	assert_false(ring_reader_check(&reader));
	reader.n_passed = 1;
	reader.position = ring.producer + 8;
	assert_false(ring_reader_check(&reader));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_in_order, set_up),
		cmocka_unit_test_setup(test_end_is_kept, set_up),
		cmocka_unit_test_setup(test_discarded, set_up),
		cmocka_unit_test_setup(test_being_written, set_up),
		cmocka_unit_test_setup(test_too_many_being_written, set_up),
		cmocka_unit_test_setup(test_publishes_in_pieces, set_up),
		cmocka_unit_test_setup(test_check_finds_damage, set_up),
	};

	return cmocka_run_group_tests_name("ring_reader", tests, NULL, NULL);
}
