// SPDX-License-Identifier: BSD-2-Clause
/*
 * The rules of --exec
 *
 * - At most one command runs for each watched process, and AT_ONCE in all. Others wait for their
 *   turn, in the order of the timeouts.
 * - Waiting takes memory: WAITING_BYTES in all. A process may use half of what is free, so that one
 *   with many timeouts leaves room for others. What does not fit is skipped; the first skip is
 *   reported, the rest are counted.
 * - A command that runs for too long is killed with its whole process group.
 * - The command gets the report as JSON on standard input. That is a file in memory, not a pipe:
 *   nobody has to feed it, and it can still be read after we are gone. Its standard output goes to
 *   our standard error, because our standard output may be a stream of reports.
 * - Names chosen by the watched program are data: they are passed in the environment, escaped as in
 *   reports, and never become part of the command's text.
 */
#include "cli/exec_hook.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/exec_job.h"
#include "collector/base/clock.h"
#include "collector/base/message.h"

#define AT_ONCE 8
#define WAITING_BYTES (4u << 20)

struct running {
	struct exec_job *job; /* NULL: this place is free */
	pid_t pid;
	int fd; /* its pidfd */
	uint64_t until_ns;
};

struct exec_hook {
	struct exec_hook_options options;
	struct report_form_state form_state;
	int epoll_fd;
	int timer_fd;
	struct running running[AT_ONCE];
	struct exec_job *first; /* of the waiting jobs */
	struct exec_job **end;
	size_t waiting_bytes;
	uint64_t started;
	uint64_t skipped;
	uint64_t failed;
};

/* ---- running it ---- */

__attribute__((format(printf, 2, 3))) static void tell_failure(struct exec_hook *h,
							       const char *format, ...)
{
	char text[256];
	va_list args;

	/*
	 * Only once: what fails for one timeout fails for many. The total is reported at the end.
	 */
	if (h->failed++)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	message("--exec: %s", text);
}

static int start(struct exec_hook *h, struct running *place, struct exec_job *job)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = place};
	pid_t pid = exec_job_start(job, h->options.command, h->options.mask);

	if (pid < 0)
		return pid;
	*place = (struct running){.job = job,
				  .pid = pid,
				  .fd = (int)syscall(SYS_pidfd_open, pid, 0),
				  .until_ns = clock_ns(CLOCK_MONOTONIC) + h->options.time_ns};
	h->started++;
	/* Without a pidfd its end is noticed when another command ends or is started. */
	if (place->fd >= 0)
		epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, place->fd, &event);
	return 0;
}

static bool runs_for(const struct exec_hook *h, pid_t process)
{
	for (size_t i = 0; i < AT_ONCE; i++) {
		if (h->running[i].job && h->running[i].job->process == process)
			return true;
	}
	return false;
}

static struct running *free_place(struct exec_hook *h)
{
	for (size_t i = 0; i < AT_ONCE; i++) {
		if (!h->running[i].job)
			return &h->running[i];
	}
	return NULL;
}

/* Removes and returns the first waiting job whose process has no command running. */
static struct exec_job *next_job(struct exec_hook *h)
{
	for (struct exec_job **at = &h->first; *at; at = &(*at)->next) {
		struct exec_job *job = *at;

		if (runs_for(h, job->process))
			continue;
		*at = job->next;
		if (h->end == &job->next)
			h->end = at;
		h->waiting_bytes -= exec_job_bytes(job);
		return job;
	}
	return NULL;
}

static void set_timer(struct exec_hook *h)
{
	uint64_t first = UINT64_MAX;
	struct itimerspec when = {0};

	for (size_t i = 0; i < AT_ONCE; i++) {
		if (h->running[i].job && h->running[i].until_ns < first)
			first = h->running[i].until_ns;
	}
	if (first != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(first / 1000000000);
		when.it_value.tv_nsec = (long)(first % 1000000000);
	}
	timerfd_settime(h->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void start_next(struct exec_hook *h)
{
	struct running *place;
	struct exec_job *job;

	while ((place = free_place(h)) && (job = next_job(h))) {
		int err = start(h, place, job);

		if (!err)
			continue;
		tell_failure(h, "cannot run it: %s", strerror(-err));
		exec_job_free(job);
	}
	set_timer(h);
}

/* ---- timeouts ---- */

static size_t waiting_for(const struct exec_hook *h, pid_t process)
{
	size_t bytes = 0;

	for (const struct exec_job *job = h->first; job; job = job->next) {
		if (job->process == process)
			bytes += exec_job_bytes(job);
	}
	return bytes;
}

static void skip(struct exec_hook *h, const char *why)
{
	if (!h->skipped++)
		message("--exec: not run for every timeout: %s", why);
}

/* How many were started, or will be. */
static uint64_t promised(const struct exec_hook *h)
{
	uint64_t n = h->started;

	for (const struct exec_job *job = h->first; job; job = job->next)
		n++;
	return n;
}

void exec_hook_report(struct exec_hook *h, const struct report *report)
{
	struct exec_job *job;

	if (report->event != REPORT_TIMEOUT)
		return;
	if (h->options.limit && promised(h) >= h->options.limit) {
		skip(h, "--exec-limit is reached");
		return;
	}
	job = exec_job_new(&h->form_state, report);
	if (!job) {
		skip(h, strerror(ENOMEM));
		return;
	}
	if (exec_job_bytes(job) + waiting_for(h, job->process) >
	    (WAITING_BYTES - h->waiting_bytes) / 2) {
		skip(h, "too many wait for their turn");
		exec_job_free(job);
		return;
	}
	h->waiting_bytes += exec_job_bytes(job);
	*h->end = job;
	h->end = &job->next;
	start_next(h);
}

/* ---- ends ---- */

static void reap(struct exec_hook *h, struct running *place)
{
	int status;

	if (!place->job || waitpid(place->pid, &status, WNOHANG) != place->pid)
		return;
	if (WIFSIGNALED(status))
		tell_failure(h, "killed by signal %d (for process %d)", WTERMSIG(status),
			     (int)place->job->process);
	else if (WEXITSTATUS(status))
		tell_failure(h, "exit status %d (for process %d)", WEXITSTATUS(status),
			     (int)place->job->process);
	if (place->fd >= 0)
		close(place->fd);
	exec_job_free(place->job);
	place->job = NULL;
}

static void kill_late(struct exec_hook *h)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	for (size_t i = 0; i < AT_ONCE; i++) {
		struct running *place = &h->running[i];

		if (!place->job || now_ns < place->until_ns)
			continue;
		tell_failure(h, "killed after %" PRIu64 " s (for process %d)",
			     h->options.time_ns / 1000000000, (int)place->job->process);
		kill(-place->pid, SIGKILL);
		place->until_ns = UINT64_MAX;
	}
}

void exec_hook_dispatch(struct exec_hook *h)
{
	uint64_t times;

	if (read(h->timer_fd, &times, sizeof(times)) == sizeof(times))
		kill_late(h);
	for (size_t i = 0; i < AT_ONCE; i++)
		reap(h, &h->running[i]);
	start_next(h);
}

int exec_hook_fd(const struct exec_hook *h)
{
	return h->epoll_fd;
}

bool exec_hook_busy(const struct exec_hook *h)
{
	for (size_t i = 0; i < AT_ONCE; i++) {
		if (h->running[i].job)
			return true;
	}
	return h->first != NULL;
}

/* ---- the hook ---- */

static void hook_free(struct exec_hook *h)
{
	struct exec_job *job;

	for (size_t i = 0; i < AT_ONCE; i++) {
		if (!h->running[i].job)
			continue;
		if (h->running[i].fd >= 0)
			close(h->running[i].fd);
		exec_job_free(h->running[i].job);
	}
	while ((job = h->first)) {
		h->first = job->next;
		exec_job_free(job);
	}
	if (h->epoll_fd >= 0)
		close(h->epoll_fd);
	if (h->timer_fd >= 0)
		close(h->timer_fd);
	free(h);
}

struct exec_hook *exec_hook_open(const struct exec_hook_options *options)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct exec_hook *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return NULL;
	h->options = *options;
	if (!h->options.time_ns)
		h->options.time_ns = EXEC_TIME_NS;
	h->end = &h->first;
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	h->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (h->epoll_fd >= 0 && h->timer_fd >= 0 &&
	    epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, h->timer_fd, &event) == 0)
		return h;
	err = errno;
	hook_free(h);
	errno = err;
	return NULL;
}

void exec_hook_close(struct exec_hook *h)
{
	uint64_t running = 0, waiting = 0;

	if (!h)
		return;
	for (size_t i = 0; i < AT_ONCE; i++)
		running += h->running[i].job != NULL;
	for (const struct exec_job *job = h->first; job; job = job->next)
		waiting++;
	if (running)
		message("--exec: %" PRIu64 " still run%s, and %s left alone", running,
			running == 1 ? "s" : "", running == 1 ? "is" : "are");
	if (h->skipped + waiting)
		message("--exec: not run for %" PRIu64 " of %" PRIu64 " timeouts",
			h->skipped + waiting, h->skipped + waiting + h->started);
	if (h->failed > 1)
		message("--exec: failed %" PRIu64 " times", h->failed);
	hook_free(h);
}
