// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/attachment/detacher.c */
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/attachment/detacher.h"
#include "collector/attachment/file_lease.h"

static struct detacher *detacher;
static size_t detached;   /* links */
static int given_back[8]; /* leases, and how many links were out by then */
static size_t out_by_then[8];
static size_t leases;
static int read_gates; /* how often it was about to take something out */
static int gate[2];    /* while there is nothing in it, nothing is taken out */

void uprobe_links_detach(struct uprobe_links *links)
{
	char byte;

	__atomic_fetch_add(&read_gates, 1, __ATOMIC_RELAXED);
	assert_int_equal(read(gate[0], &byte, 1), 1);
	detached += links->count;
	links->count = 0;
}

void uprobe_links_move(struct uprobe_links *to, struct uprobe_links *from)
{
	to->count += from->count;
	from->count = 0;
}

void file_lease_give_back(int fd)
{
	given_back[leases] = fd;
	out_by_then[leases++] = detached;
}

static void open_gate(size_t times)
{
	while (times--)
		assert_int_equal(write(gate[1], "", 1), 1);
}

static int set_up(void **state)
{
	(void)state;
	detached = leases = 0;
	read_gates = 0;
	detacher = detacher_new();
	return !detacher || pipe(gate);
}

static int tear_down(void **state)
{
	(void)state;
	close(gate[0]);
	close(gate[1]);
	return 0;
}

static void add(size_t count, int lease, void *what)
{
	struct uprobe_links links = {.count = count};

	assert_true(detacher_add(detacher, &links, lease, what));
	assert_int_equal(links.count, 0);
}

static void *wait_for_one(void)
{
	struct pollfd wait = {.fd = detacher_fd(detacher), .events = POLLIN};
	void *what;

	while (!(what = detacher_done(detacher)))
		assert_int_equal(poll(&wait, 1, 20000), 1);
	return what;
}

/* What is there when the one before is done is done at once. */
static void test_all_at_once(void **state)
{
	int a, b, c;

	(void)state;
	assert_null(detacher_done(detacher));
	add(1, 7, &a);
	while (!__atomic_load_n(&read_gates, __ATOMIC_RELAXED))
		sched_yield();
	add(2, -1, &b);
	add(4, 9, &c);
	/* The caller goes on meanwhile. */
	assert_null(detacher_done(detacher));
	open_gate(1);
	assert_ptr_equal(wait_for_one(), &a);
	open_gate(1);
	assert_ptr_equal(wait_for_one(), &b);
	assert_ptr_equal(wait_for_one(), &c);
	assert_null(detacher_done(detacher));
	/* Nobody may write to a file before its probes are out. */
	assert_int_equal(leases, 2);
	assert_int_equal(given_back[0], 7);
	assert_int_equal(out_by_then[0], 1);
	assert_int_equal(given_back[1], 9);
	assert_int_equal(out_by_then[1], 7);
	detacher_free(detacher);
}

static void test_free_waits(void **state)
{
	int a;

	(void)state;
	add(3, -1, &a);
	while (!__atomic_load_n(&read_gates, __ATOMIC_RELAXED))
		sched_yield();
	add(5, 4, &a);
	open_gate(2);
	detacher_free(detacher);
	assert_int_equal(detached, 8);
	assert_int_equal(leases, 1);
	detacher_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_free_waits, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
