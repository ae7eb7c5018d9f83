// SPDX-License-Identifier: BSD-2-Clause
#include "cli/signals.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "collector/base/clock.h"

/*
 * Some senders, such as timeout(1), signal their child and immediately afterwards the child's
 * group: we treat that as one signal.
 */
#define SAME_SIGNAL_NS 30000000

enum state { OPENING, READY, LEAVING };

static void make_set(const struct signals *s, bool opening, sigset_t *set)
{
	sigemptyset(set);
	if (s->options.pass_on && !opening) {
		sigfillset(set);
		/* About our own children; and signals that cannot be caught. */
		sigdelset(set, SIGCHLD);
		sigdelset(set, SIGKILL);
		sigdelset(set, SIGSTOP);
		return;
	}
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	if (!s->options.pass_on && !opening) {
		sigaddset(set, SIGHUP);
		sigaddset(set, SIGUSR1);
	}
}

static bool is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* ---- exiting at once ---- */

#define STRAGGLERS 16
#define STRAGGLER_STACK 8192

static char straggler_stacks[STRAGGLERS][STRAGGLER_STACK] __attribute__((aligned(16)));
static pid_t left_process;
static int next_descriptor = STDERR_FILENO + 1, descriptors_end;

/* Must not use anything in libc that needs a thread: this one is unknown to libc. */
static int straggle(void *arg)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int fd;

	(void)arg;
	while (getppid() == left_process)
		nanosleep(&pause, NULL);
	while ((fd = __atomic_fetch_add(&next_descriptor, 1, __ATOMIC_RELAXED)) < descriptors_end)
		close(fd);
	_exit(0);
}

/*
 * The kernel removes probes when their descriptors are closed. Each takes tens of milliseconds, one
 * after another if the exit of a process does it. So processes that share our descriptors stay
 * behind, and close many at a time after we are gone. Our readers see our end immediately.
 */
static void leave_descriptors_behind(void)
{
	struct rlimit limit = {.rlim_cur = 1024};

	left_process = getpid();
	getrlimit(RLIMIT_NOFILE, &limit);
	descriptors_end = limit.rlim_cur < 1u << 20 ? (int)limit.rlim_cur : 1 << 20;
	for (size_t i = 0; i < STRAGGLERS; i++)
		clone(straggle, straggler_stacks[i] + STRAGGLER_STACK, CLONE_VM | CLONE_FILES,
		      NULL);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		close(fd);
}

__attribute__((noreturn)) static void die_by(int number)
{
	sigset_t set;

	leave_descriptors_behind();
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	raise(number);
	_exit(128 + number); /* the init of a pid namespace survives the signal */
}

/* ---- the thread ---- */

/* Unless it would block: nothing may hold up this thread. */
static void say(const char *line)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) &&
	    write(STDERR_FILENO, line, strlen(line)) < 0)
		return; /* nobody to tell */
}

static void request(struct signals *s, unsigned int what)
{
	uint64_t one = 1;

	__atomic_fetch_or(&s->requests, what, __ATOMIC_RELEASE);
	if (write(s->event_fd, &one, sizeof(one)) < 0)
		return; /* full, so it is readable already */
}

static bool is_same_signal(const struct signals *s, const struct signalfd_siginfo *info)
{
	return s->stopped_by == (pid_t)info->ssi_pid &&
	       clock_ns(CLOCK_MONOTONIC) - s->stopped_ns < SAME_SIGNAL_NS;
}

static void on_stop(struct signals *s, const struct signalfd_siginfo *info)
{
	int number = (int)info->ssi_signo;

	if (s->stopped_ns) {
		if (number != SIGHUP && !is_same_signal(s, info))
			die_by(number);
		return;
	}
	if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) == OPENING) {
		if (s->options.pass_on)
			die_by(number);
		if (!s->options.quiet)
			say("flightrec: interrupted before anything was watched\n");
		leave_descriptors_behind();
		_exit(0);
	}
	__atomic_store_n(&s->stopped, true, __ATOMIC_RELEASE);
	s->stopped_ns = clock_ns(CLOCK_MONOTONIC);
	s->stopped_by = (pid_t)info->ssi_pid;
	request(s, SIGNALS_STOP);
}

/* As if it had not been blocked. */
static void stop_by(int number)
{
	sigset_t set;

	if (is_ignored(number))
		return;
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/*
 * The terminal sends its signals to the command as well, so those are not passed on. What someone
 * sent to us is meant for the command. What the command itself sent, to its parent or its group, it
 * does not want back.
 */
static void pass_on(struct signals *s, const struct signalfd_siginfo *info)
{
	siginfo_t copy, *with = NULL;

	if (info->ssi_code > 0 || (pid_t)info->ssi_pid == s->command_pid)
		return;
	/* sigqueue(3) sends a value along. */
	if (info->ssi_code == SI_QUEUE) {
		memset(&copy, 0, sizeof(copy));
		copy.si_signo = (int)info->ssi_signo;
		copy.si_code = SI_QUEUE;
		copy.si_pid = (pid_t)info->ssi_pid;
		copy.si_uid = info->ssi_uid;
		copy.si_value.sival_ptr = (void *)(uintptr_t)info->ssi_ptr;
		with = &copy;
	}
	syscall(SYS_pidfd_send_signal, s->command_fd, (int)info->ssi_signo, with, 0);
}

static void on_signal(struct signals *s, const struct signalfd_siginfo *info)
{
	int number = (int)info->ssi_signo;

	if (s->options.pass_on && __atomic_load_n(&s->state, __ATOMIC_ACQUIRE) == READY)
		pass_on(s, info);
	if (number == SIGINT || number == SIGTERM) {
		on_stop(s, info);
	} else if (s->options.pass_on) {
		/*
		 * Ctrl-Z, or use of the terminal from the background: the shell waits for us to
		 * stop.
		 */
		if (info->ssi_code > 0 &&
		    (number == SIGTSTP || number == SIGTTIN || number == SIGTTOU))
			stop_by(number);
	} else if (number == SIGUSR1) {
		request(s, SIGNALS_STATE);
	} else if (number == SIGHUP && s->options.has_output && info->ssi_code <= 0) {
		request(s, SIGNALS_REOPEN);
	} else if (number == SIGHUP && !s->ignores_hangup) {
		/* The terminal is gone, or there is no file to reopen: do the default. */
		on_stop(s, info);
	}
}

static void *take_signals(void *arg)
{
	struct signals *s = arg;
	struct pollfd fds[] = {{.fd = s->signal_fd, .events = POLLIN},
			       {.fd = s->wake_fd, .events = POLLIN}};
	struct signalfd_siginfo info;
	sigset_t set;
	uint64_t wakes;

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents & POLLIN) {
			if (read(s->wake_fd, &wakes, sizeof(wakes)) < 0)
				continue;
			if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) == LEAVING)
				return NULL;
			/* This includes those that came earlier: the kernel kept them pending. */
			make_set(s, false, &set);
			signalfd(s->signal_fd, &set, 0);
		}
		if (read(s->signal_fd, &info, sizeof(info)) == sizeof(info))
			on_signal(s, &info);
	}
}

/* ---- the main thread ---- */

int signals_start(struct signals *s, const struct signals_options *options)
{
	sigset_t set;
	int err;

	*s = (struct signals){.options = *options,
			      .event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
			      .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
			      .command_fd = -1,
			      .ignores_hangup = is_ignored(SIGHUP)};
	make_set(s, false, &set);
	pthread_sigmask(SIG_BLOCK, &set, &s->original);
	/* A reader that goes away, or a file size limit, shows up as a write error. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	make_set(s, true, &set);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->event_fd < 0 || s->wake_fd < 0 || s->signal_fd < 0)
		return -errno;
	err = pthread_create(&s->thread, NULL, take_signals, s);
	s->started = !err;
	return -err;
}

static void enter(struct signals *s, enum state state)
{
	uint64_t one = 1;

	__atomic_store_n(&s->state, state, __ATOMIC_RELEASE);
	if (write(s->wake_fd, &one, sizeof(one)) < 0)
		return; /* full, so it wakes anyway */
}

void signals_ready(struct signals *s)
{
	enter(s, READY);
}

void signals_command(struct signals *s, int pid_fd, pid_t pid)
{
	s->command_fd = pid_fd;
	s->command_pid = pid;
	enter(s, READY);
}

unsigned int signals_take(struct signals *s)
{
	uint64_t count;

	if (read(s->event_fd, &count, sizeof(count)) < 0)
		return 0;
	return __atomic_exchange_n(&s->requests, 0, __ATOMIC_ACQUIRE);
}

bool signals_stopped(const struct signals *s)
{
	return __atomic_load_n(&s->stopped, __ATOMIC_ACQUIRE);
}

void signals_free(struct signals *s)
{
	if (s->started) {
		enter(s, LEAVING);
		pthread_join(s->thread, NULL);
	}
	s->started = false;
	for (size_t i = 0; i < 3; i++) {
		int *fd = i == 0 ? &s->event_fd : i == 1 ? &s->wake_fd : &s->signal_fd;

		if (*fd > 0)
			close(*fd);
		*fd = -1;
	}
}
