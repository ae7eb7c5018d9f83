// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/attachment/file_lease.c */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/attachment/file_lease.h"

static char path[] = "/tmp/flightrec-lease.XXXXXX";
static int signals = -1, fd = -1;

static int set_up(void **state)
{
	(void)state;
	close(mkstemp(path));
	signals = file_lease_signals();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return signals < 0 || fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(fd);
	close(signals);
	return unlink(path);
}

static void take(void)
{
	int err = file_lease_take(fd);

	if (err == -EINVAL) {
		print_message("skipped: no leases in /tmp\n");
		skip();
	}
	assert_int_equal(err, 0);
}

/* Waits for the lease, and says when it has the file. */
static void *open_for_writing(void *arg)
{
	int written = open(path, O_WRONLY | O_CLOEXEC);

	(void)arg;
	close(written);
	return written < 0 ? NULL : path;
}

static void test_writer_waits(void **state)
{
	struct pollfd wait = {.fd = signals, .events = POLLIN};
	pthread_t writer;
	void *opened;

	(void)state;
	take();
	assert_false(file_lease_is_wanted_back(fd));
	assert_false(file_lease_take_signals(signals));
	assert_int_equal(pthread_create(&writer, NULL, open_for_writing, NULL), 0);
	assert_int_equal(poll(&wait, 1, 20000), 1);
	assert_true(file_lease_take_signals(signals));
	assert_false(file_lease_take_signals(signals));
	assert_true(file_lease_is_wanted_back(fd));
	assert_int_equal(pthread_tryjoin_np(writer, &opened), EBUSY);
	file_lease_give_back(fd);
	assert_int_equal(pthread_join(writer, &opened), 0);
	assert_non_null(opened);
	/* Once more. */
	take();
	assert_false(file_lease_is_wanted_back(fd));
	file_lease_give_back(fd);
}

static void test_open_for_writing(void **state)
{
	int written = open(path, O_WRONLY | O_CLOEXEC);

	(void)state;
	if (file_lease_take(fd) != -EINVAL)
		assert_int_equal(file_lease_take(fd), -EAGAIN);
	close(written);
	take();
}

/* Who sends us such a signal means somebody else: `run` passes it on. */
static void test_signal_for_the_process(void **state)
{
	const struct timespec now = {0};
	sigset_t set;
	siginfo_t info;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMAX - 3);
	assert_int_equal(kill(getpid(), SIGRTMAX - 3), 0);
	assert_false(file_lease_take_signals(signals));
	assert_int_equal(sigtimedwait(&set, &info, &now), SIGRTMAX - 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writer_waits),
		cmocka_unit_test(test_open_for_writing),
		cmocka_unit_test(test_signal_for_the_process),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
