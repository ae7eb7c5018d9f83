// SPDX-License-Identifier: BSD-2-Clause
/* link: user/cli/signals.c */
/* Each case runs in a child that takes signals, like a busy main thread. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/signals.h"

enum phase { OPENING, READY, COMMAND };

struct taker {
	pid_t pid;
	pid_t command; /* of phase COMMAND */
	int requests;  /* what was asked for, a byte for each time */
	int passed;    /* what the command got: struct signalfd_siginfo */
};

/* The command tells about each signal. */
static void command(int to)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigfillset(&set);
	sigdelset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	fd = signalfd(-1, &set, 0);
	memset(&info, 0, sizeof(info));
	do {
		if (write(to, &info, sizeof(info)) != sizeof(info))
			break;
	} while (read(fd, &info, sizeof(info)) == sizeof(info));
	_exit(0);
}

/* A process that takes signals and only tells what it was asked for. */
static void take(enum phase phase, const struct signals_options *options, int requests,
		 pid_t command_pid)
{
	struct signals s;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (signals_start(&s, options))
		_exit(100);
	if (phase == READY)
		signals_ready(&s);
	if (phase == COMMAND)
		signals_command(&s, (int)syscall(SYS_pidfd_open, command_pid, 0), command_pid);
	for (;;) {
		struct pollfd fd = {.fd = s.event_fd, .events = POLLIN};
		unsigned char asked;

		/* The first byte says that it is ready. */
		asked = (unsigned char)signals_take(&s);
		if (write(requests, &asked, 1) != 1)
			_exit(101);
		poll(&fd, 1, -1);
	}
}

static void start(struct taker *t, enum phase phase, const struct signals_options *options)
{
	struct signalfd_siginfo hello;
	int requests[2], passed[2];
	unsigned char byte;

	*t = (struct taker){0};
	assert_int_equal(pipe2(requests, O_CLOEXEC), 0);
	assert_int_equal(pipe2(passed, O_CLOEXEC), 0);
	if (phase == COMMAND) {
		t->command = fork();
		if (t->command == 0)
			command(passed[1]);
		assert_int_equal(read(passed[0], &hello, sizeof(hello)), sizeof(hello));
	}
	t->pid = fork();
	if (t->pid == 0)
		take(phase, options, requests[1], t->command);
	close(requests[1]);
	close(passed[1]);
	t->requests = requests[0];
	t->passed = passed[0];
	assert_int_equal(read(t->requests, &byte, 1), 1);
	assert_int_equal(byte, 0);
}

static unsigned int asked(const struct taker *t)
{
	unsigned char byte = 0;

	assert_int_equal(read(t->requests, &byte, 1), 1);
	return byte;
}

static int ended(struct taker *t)
{
	int status;

	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	close(t->requests);
	close(t->passed);
	if (t->command) {
		kill(t->command, SIGKILL);
		waitpid(t->command, NULL, 0);
	}
	return status;
}

static void stop(struct taker *t)
{
	kill(t->pid, SIGKILL);
	ended(t);
}

/* From another process than this one. */
static void kill_from_elsewhere(pid_t pid, int number)
{
	pid_t sender = fork();

	if (sender == 0)
		_exit(kill(pid, number) != 0);
	waitpid(sender, NULL, 0);
}

static const struct signals_options attach = {.quiet = true},
				    attach_file = {.quiet = true, .has_output = true},
				    run_options = {.pass_on = true, .quiet = true};

static void test_first_is_a_request(void **state)
{
	static const int numbers[] = {SIGINT, SIGTERM};
	struct taker t;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start(&t, READY, &attach);
		kill(t.pid, numbers[i]);
		assert_int_equal(asked(&t), SIGNALS_STOP);
		stop(&t);
	}
}

static void test_second_ends_at_once(void **state)
{
	static const int numbers[] = {SIGINT, SIGTERM};
	struct taker t;
	int status;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		start(&t, i < 2 ? READY : COMMAND, i < 2 ? &attach : &run_options);
		kill(t.pid, SIGINT);
		assert_int_equal(asked(&t), SIGNALS_STOP);
		kill_from_elsewhere(t.pid, numbers[i % 2]);
		status = ended(&t);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), numbers[i % 2]);
	}
}

/* timeout(1) signals its child, and then the child's process group. */
static void test_twice_from_one_sender_is_one(void **state)
{
	struct taker t;

	(void)state;
	start(&t, READY, &attach_file);
	kill(t.pid, SIGTERM);
	kill(t.pid, SIGINT);
	assert_true(asked(&t) & SIGNALS_STOP);
	kill(t.pid, SIGHUP);
	assert_true(asked(&t) & SIGNALS_REOPEN);
	stop(&t);
}

static void test_before_anything_is_watched(void **state)
{
	struct taker t;
	int status;

	(void)state;
	start(&t, OPENING, &attach);
	kill(t.pid, SIGINT);
	status = ended(&t);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);

	start(&t, OPENING, &run_options);
	kill(t.pid, SIGTERM);
	status = ended(&t);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void test_requests_of_attach(void **state)
{
	struct taker t;

	(void)state;
	start(&t, READY, &attach_file);
	kill(t.pid, SIGHUP);
	assert_int_equal(asked(&t), SIGNALS_REOPEN);
	kill(t.pid, SIGHUP);
	assert_int_equal(asked(&t), SIGNALS_REOPEN);
	kill(t.pid, SIGUSR1);
	assert_int_equal(asked(&t), SIGNALS_STATE);
	stop(&t);
	/* With no file to open again it ends the watching, as by default. */
	start(&t, READY, &attach);
	kill(t.pid, SIGHUP);
	assert_int_equal(asked(&t), SIGNALS_STOP);
	kill_from_elsewhere(t.pid, SIGHUP);
	kill(t.pid, SIGUSR1);
	assert_int_equal(asked(&t), SIGNALS_STATE);
	stop(&t);
}

static void test_nohup(void **state)
{
	struct taker t;

	(void)state;
	signal(SIGHUP, SIG_IGN);
	start(&t, READY, &attach);
	signal(SIGHUP, SIG_DFL);
	kill(t.pid, SIGHUP);
	kill(t.pid, SIGUSR1);
	assert_int_equal(asked(&t), SIGNALS_STATE);
	stop(&t);
}

static void passed(const struct taker *t, int number, struct signalfd_siginfo *info)
{
	assert_int_equal(read(t->passed, info, sizeof(*info)), sizeof(*info));
	assert_int_equal(info->ssi_signo, number);
}

/* All signals that can be caught; none of them ends us. */
static void test_every_signal_is_passed_on(void **state)
{
	struct signalfd_siginfo info;
	struct taker t;

	(void)state;
	start(&t, COMMAND, &run_options);
	for (int number = 1; number <= SIGRTMAX; number++) {
		if (number == SIGKILL || number == SIGSTOP || number == SIGCHLD ||
		    number == SIGINT || number == SIGTERM || (number > 31 && number < SIGRTMIN))
			continue;
		assert_int_equal(kill(t.pid, number), 0);
		passed(&t, number, &info);
	}
	kill(t.pid, SIGTERM);
	passed(&t, SIGTERM, &info);
	assert_int_equal(asked(&t), SIGNALS_STOP);
	stop(&t);
}

static void test_value_is_passed_on(void **state)
{
	union sigval value = {.sival_int = 4711};
	struct signalfd_siginfo info;
	struct taker t;

	(void)state;
	start(&t, COMMAND, &run_options);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sigqueue(t.pid, SIGRTMIN + 3, value), 0);
		passed(&t, SIGRTMIN + 3, &info);
		assert_int_equal(info.ssi_code, SI_QUEUE);
		assert_int_equal(info.ssi_int, 4711);
		assert_int_equal(info.ssi_pid, getpid());
	}
	stop(&t);
}

/* A signal that came before the command existed is passed on to it. */
static void test_early_signal(void **state)
{
	struct signals s;
	struct signalfd_siginfo info;
	int ready[2];
	pid_t pid, child;

	(void)state;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (signals_start(&s, &run_options))
			_exit(1);
		kill(getpid(), SIGUSR1);
		child = fork();
		if (child == 0)
			command(ready[1]);
		signals_command(&s, (int)syscall(SYS_pidfd_open, child, 0), child);
		pause();
	}
	assert_int_equal(read(ready[0], &info, sizeof(info)), sizeof(info));
	assert_int_equal(read(ready[0], &info, sizeof(info)), sizeof(info));
	assert_int_equal(info.ssi_signo, SIGUSR1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
}

static void test_freed_twice(void **state)
{
	struct signals s;
	sigset_t before;

	(void)state;
	sigprocmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(signals_start(&s, &attach), 0);
	assert_int_equal(signals_take(&s), 0);
	assert_false(signals_stopped(&s));
	signals_free(&s);
	signals_free(&s);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_is_a_request),
		cmocka_unit_test(test_second_ends_at_once),
		cmocka_unit_test(test_twice_from_one_sender_is_one),
		cmocka_unit_test(test_before_anything_is_watched),
		cmocka_unit_test(test_requests_of_attach),
		cmocka_unit_test(test_nohup),
		cmocka_unit_test(test_every_signal_is_passed_on),
		cmocka_unit_test(test_value_is_passed_on),
		cmocka_unit_test(test_early_signal),
		cmocka_unit_test(test_freed_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
