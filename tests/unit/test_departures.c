// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/attachment/departures.c user/collector/attachment/attached_files.c */
/* When probes leave a file, and what follows; users, leases and the thread are fakes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "called.h"
#include "collector/attachment/attachments.h"
#include "collector/attachment/departures.h"
#include "collector/attachment/detacher.h"
#include "collector/attachment/file_lease.h"
#include "collector/kernel/tracker.h"
#include "own_clock.h"

static struct attachments attachments;
static struct attached_file *file;

/* ---- fakes ---- */

static bool no_thread;
static bool wanted_back;
static int lease_error;

struct file_identity file_identity_held(const struct file_identity *identity)
{
	return *identity;
}

bool detacher_add(struct detacher *d, struct uprobe_links *links, int lease, void *what)
{
	assert_ptr_equal(what, file);
	called("detach %zu%s\n", links->count, lease >= 0 ? " and give back" : "");
	links->count = 0;
	return !no_thread;
}

int file_lease_take(int fd)
{
	assert_int_equal(fd, file->lease);
	called("lease\n");
	return lease_error;
}

bool file_lease_is_wanted_back(int fd)
{
	assert_int_equal(fd, file->lease);
	return wanted_back;
}

/* Processes 7 and 8 use it, as far as anybody does; 9 is not known. */
void file_users_each(const struct file_users *users, const struct attached_file *used,
		     void (*fn)(void *arg, pid_t pid), void *arg)
{
	for (size_t i = 0; i < used->users; i++)
		fn(arg, (pid_t)(7 + i));
}

void file_users_leave(struct file_users *users, struct attached_file *used,
		      void (*fn)(void *arg, pid_t pid), void *arg)
{
	file_users_each(users, used, fn, arg);
}

void file_users_begin_listing(struct file_users *users)
{
	called("begin\n");
}

bool file_users_list(struct file_users *users, pid_t pid)
{
	return pid != 9;
}

void file_users_end_listing(struct file_users *users)
{
	called("end\n");
}

int tracker_processes(struct tracker *t, void (*fn)(void *arg, const struct process_found *found),
		      void *arg)
{
	for (uint32_t pid = 8; pid <= 9; pid++) {
		const struct process_found found = {.key.pid = pid};

		fn(arg, &found);
	}
	return 0;
}

static void rescan(void *arg, pid_t pid)
{
	assert_ptr_equal(arg, &attachments);
	called("scan %d\n", pid);
}

static void missed(void *arg, pid_t pid)
{
	assert_ptr_equal(arg, &attachments);
	called("missed %d\n", pid);
}

/* ---- the tests ---- */

static int set_up(void **state)
{
	struct attached_key key;

	(void)state;
	now_ns += 3600 * UINT64_C(1000000000);
	attachments = (struct attachments){.options = {.by_memory = true,
						       .rescan = rescan,
						       .missed = missed,
						       .arg = &attachments},
					   .next_ns = UINT64_MAX,
					   .copies = 5};
	memset(&key, 0, sizeof(key));
	file = attached_files_add(&attachments.files, &key);
	file->links.count = 3;
	file->probes = calloc(1, sizeof(*file->probes));
	file->probes->copies = 2;
	file->lease = open("/dev/null", O_RDONLY | O_CLOEXEC);
	attached_files_hold(&attachments.files, file);
	no_thread = wanted_back = false;
	lease_error = 0;
	calls[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	struct attached_file *left;

	(void)state;
	while ((left = attached_files_next(&attachments.files, NULL)))
		attached_files_remove(&attachments.files, left);
	free(attachments.later);
	return 0;
}

static void due(void)
{
	departures_due(&attachments, now_ns, false);
}

/* The only file is gone. */
static bool is_gone(void)
{
	return !attached_files_next(&attachments.files, NULL);
}

static void test_unused(void **state)
{
	(void)state;
	attachments.users.left = true;
	due();
	/* It has a lease: it may stay for a while. */
	expect_called("");
	assert_int_equal(attachments.next_ns, now_ns + 1000 * MS_NS);
	now_ns += 1000 * MS_NS;
	due();
	expect_called("begin\nscan 9\nend\n");
	departures_due(&attachments, now_ns, true);
	expect_called("");
	assert_int_equal(attachments.next_ns, now_ns + 20 * MS_NS);
	now_ns += 20 * MS_NS;
	due();
	expect_called("detach 3\n");
	assert_int_equal(attachments.copies, 3);
	due();
	departures_done(&attachments, file);
	expect_called("");
	assert_true(is_gone());
	due();
	assert_int_equal(attachments.next_ns, UINT64_MAX);
}

/* Without a lease at once; and an unknown child of a user was found meanwhile. */
static void test_used_after_all(void **state)
{
	(void)state;
	file->lease = -1;
	attachments.users.left = true;
	due();
	expect_called("begin\nscan 9\nend\n");
	file->users = 1;
	due();
	expect_called("");
	assert_int_equal(attachments.next_ns, UINT64_MAX);
	/* Once more. */
	file->users = 0;
	attachments.users.left = true;
	due();
	expect_called("begin\nscan 9\nend\n");
}

static void test_of_one_process(void **state)
{
	(void)state;
	file->lease = -1;
	file->key.pid = 7;
	attachments.users.left = true;
	due();
	expect_called("detach 3\n");
}

static void test_usual_one_stays(void **state)
{
	(void)state;
	file->usual = true;
	attachments.users.left = true;
	due();
	assert_int_equal(attachments.next_ns, UINT64_MAX);
	expect_called("");
}

static void test_to_be_written(void **state)
{
	(void)state;
	file->users = 2;
	file->usual = true;
	departures_wanted(&attachments);
	expect_called("");
	wanted_back = true;
	departures_wanted(&attachments);
	expect_called("detach 3 and give back\n");
	departures_wanted(&attachments);
	expect_called("");
	departures_done(&attachments, file);
	expect_called("");
	/* As long as it is written to it is left alone, and looked at less and less often. */
	lease_error = -EAGAIN;
	for (uint64_t apart_ns = 10 * MS_NS; apart_ns < 500 * MS_NS; apart_ns *= 2) {
		assert_int_equal(attachments.next_ns, now_ns + apart_ns);
		due();
		expect_called("");
		now_ns += apart_ns;
		due();
		expect_called("lease\n");
	}
	/* A process came that maps it. */
	departures_retry(&attachments, file);
	due();
	expect_called("lease\n");
	lease_error = 0;
	departures_retry(&attachments, file);
	assert_false(attachments.usual_again);
	due();
	expect_called("lease\nscan 7\nscan 8\n");
	assert_true(is_gone());
	assert_true(attachments.usual_again);
}

/* Of one that nobody maps there is nothing to wait for. */
static void test_waits_for_nobody(void **state)
{
	(void)state;
	departures_wait(&attachments, file);
	now_ns += 10 * MS_NS;
	file->usual = true;
	lease_error = -EAGAIN;
	due();
	expect_called("lease\n");
	assert_false(is_gone());
	file->usual = false;
	now_ns += 20 * MS_NS;
	due();
	expect_called("");
	assert_true(is_gone());
}

/* What was open may have been closed unseen, in a process that is watched by probes. */
static void test_missed(void **state)
{
	(void)state;
	file->users = 1;
	attachments.options.by_memory = false;
	departures_leave(&attachments, file);
	departures_done(&attachments, file);
	expect_called("detach 3\nmissed 7\nscan 7\n");
}

static void test_missed_by_one_without_a_log(void **state)
{
	(void)state;
	file->users = 1;
	file->key.all_probes = 1;
	departures_leave(&attachments, file);
	departures_done(&attachments, file);
	expect_called("detach 3\nmissed 7\nscan 7\n");
	assert_true(is_gone());
}

static void test_without_a_thread(void **state)
{
	(void)state;
	no_thread = true;
	file->users = 1;
	departures_leave(&attachments, file);
	expect_called("detach 3\n");
	assert_false(is_gone());
	due();
	expect_called("scan 7\n");
	assert_true(is_gone());
}

static void test_scans_later(void **state)
{
	(void)state;
	file->users = 1;
	departures_scan_later(&attachments, 4, now_ns + 5);
	departures_scan_later(&attachments, 5, now_ns + 2);
	assert_int_equal(attachments.next_ns, now_ns + 2);
	due();
	expect_called("");
	now_ns += 2;
	due();
	expect_called("scan 5\n");
	assert_int_equal(attachments.next_ns, now_ns + 3);
	now_ns += 3;
	due();
	expect_called("scan 4\n");
	assert_int_equal(attachments.next_ns, UINT64_MAX);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_unused),           CASE(test_used_after_all),
		CASE(test_of_one_process),   CASE(test_usual_one_stays),
		CASE(test_to_be_written),    CASE(test_waits_for_nobody),
		CASE(test_missed),           CASE(test_missed_by_one_without_a_log),
		CASE(test_without_a_thread), CASE(test_scans_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
