// SPDX-License-Identifier: BSD-2-Clause
#include "cli/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/requirements.h"
#include "cli/summary.h"

static int open_output(struct watch *w)
{
	const char *path = w->options->output;

	if (!path) {
		w->output = w->is_run ? STDERR_FILENO : STDOUT_FILENO;
		return 0;
	}
	w->output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (w->output >= 0)
		return 0;
	fprintf(stderr, "flightrec: cannot write to %s: %s\n", path, strerror(errno));
	return EXIT_FAILED;
}

static int open_session(struct watch *w)
{
	const struct options *o = w->options;
	struct session_options options = {
		.ring_bytes = o->buffer,
		.timeout_ns = o->timeout_ns,
		.max_recorders = (uint32_t)o->max_recorders,
		.min_severity = o->min_severity,
		.watch_all = o->all,
		.follow_children = w->is_run,
		.form = o->form,
		.output = w->output,
		.output_name = o->output   ? o->output
			       : w->is_run ? "standard error"
					   : "standard output",
		.max_reports = o->max_reports,
		/* A program that is not watched should not pay: attach to named ones alone. */
		.each_process = !w->is_run && !o->all,
	};
	char error[1024];
	int err;

	if (!requirements_met(error, sizeof(error))) {
		fprintf(stderr, "flightrec: %s\n", error);
		return EXIT_UNSUPPORTED;
	}
	err = session_open(&w->session, &options, error, sizeof(error));
	if (!err)
		return 0;
	fprintf(stderr, "flightrec: %s\n", error);
	return err == -ENOMEM ? EXIT_FAILED : EXIT_UNSUPPORTED;
}

int watch_add_fd(struct watch *w, int fd, uint64_t token)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = token};

	return fd < 0 || epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int watch_start(struct watch *w, const struct options *options)
{
	struct signals_options signals = {.quiet = options->quiet,
					  .has_output = options->output != NULL};
	int err;

	*w = (struct watch){.options = options,
			    .is_run = options->command->bit == COMMAND_RUN,
			    .output = -1,
			    .command_fd = -1,
			    .epoll_fd = -1};
	signals.pass_on = w->is_run;
	err = open_output(w);
	if (err)
		return err;
	err = signals_start(&w->signals, &signals);
	if (err) {
		fprintf(stderr, "flightrec: cannot take signals: %s\n", strerror(-err));
		return EXIT_FAILED;
	}
	err = open_session(w);
	if (err)
		return err;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (watch_add_fd(w, w->signals.event_fd, TOKEN_SIGNALS) ||
	    session_add_to_epoll(w->session, w->epoll_fd, TOKEN_SESSION)) {
		fprintf(stderr, "flightrec: cannot wait for events: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	w->watching = true;
	return 0;
}

void watch_print_setup(const struct watch *w)
{
	const struct session_setup setup = session_setup(w->session);

	if (w->options->verbose)
		fprintf(stderr,
			"flightrec: attached to %zu cop%s of the library; %u ring%s of %u KiB, "
			"room for %u open recorders\n",
			setup.copies, setup.copies == 1 ? "y" : "ies", setup.rings,
			setup.rings == 1 ? "" : "s", setup.ring_bytes / 1024, setup.max_recorders);
}

int watch_start_duration(struct watch *w)
{
	uint64_t ns = w->options->duration_ns;
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)(ns / 1000000000),
					       .tv_nsec = (long)(ns % 1000000000)}};
	int fd;

	if (!ns)
		return 0;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	return fd < 0 || timerfd_settime(fd, 0, &when, NULL) ? -errno
							     : watch_add_fd(w, fd, TOKEN_DURATION);
}

static void print_work(const struct watch *w)
{
	const struct session_work work = session_work(w->session);

	fprintf(stderr,
		"flightrec: the timer fired %lu times, the kernel woke the collector %lu times; "
		"%lu notices were refused, %lu execs and %lu ends of processes missed, and made "
		"good\n",
		work.ticks, work.wakeups, work.notices_lost, work.execs_missed, work.exits_missed);
}

void watch_stop(struct watch *w)
{
	struct report_totals totals;

	if (!w->watching)
		return;
	w->watching = false;
	session_finish(w->session);
	session_write_totals(w->session, &totals);
	if (totals.reports_lost)
		w->output_failed = true;
	if (!w->options->quiet) {
		summary_losses(stderr, &totals, w->options->max_recorders);
		if (w->options->verbose)
			print_work(w);
		summary_totals(stderr, &totals);
	}
}

static void on_requests(struct watch *w)
{
	unsigned int requests = signals_take(&w->signals);

	if (requests & SIGNALS_STOP)
		w->interrupted = true;
}

static void on_command_ended(struct watch *w)
{
	int status;

	if (waitpid(w->launch.pid, &status, WNOHANG) != w->launch.pid)
		return;
	w->command_ended = true;
	w->command_status = status;
}

static bool finished(const struct watch *w)
{
	if (w->is_run)
		return w->command_ended;
	return w->interrupted || session_done(w->session) || (!w->processes && !w->options->all);
}

void watch_until_end(struct watch *w)
{
	bool duration_over = false;

	while (!finished(w) && !duration_over) {
		struct epoll_event events[16];
		int wait_ms = w->watching ? session_wait_ms(w->session) : -1;
		int n = epoll_wait(w->epoll_fd, events, 16, wait_ms);
		bool dispatch = n == 0;

		for (int i = 0; i < n; i++) {
			switch ((enum token)(events[i].data.u64 & 0xff)) {
			case TOKEN_SESSION:
				dispatch = true;
				break;
			case TOKEN_SIGNALS:
				on_requests(w);
				break;
			case TOKEN_DURATION:
				duration_over = true;
				break;
			case TOKEN_COMMAND:
				on_command_ended(w);
				break;
			case TOKEN_PROCESS:
				close((int)(events[i].data.u64 >> 8));
				w->processes--;
				dispatch = true;
				break;
			}
		}
		if (w->watching && dispatch)
			session_dispatch(w->session);
		/* The command goes on, unwatched; its end is still ours to pass on. */
		if (w->is_run && (w->interrupted || session_done(w->session) || duration_over)) {
			watch_stop(w);
			duration_over = false;
		}
	}
	watch_stop(w);
}

int watch_end(struct watch *w, int status)
{
	bool failed = w->output_failed;

	session_close(w->session);
	/* Some file systems tell only now that what was written had no place. */
	if (w->output >= 0 && w->options->output && close(w->output)) {
		fprintf(stderr, "flightrec: cannot write to %s: %s\n", w->options->output,
			strerror(errno));
		failed = true;
	}
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	signals_free(&w->signals);
	if (w->command_fd >= 0)
		close(w->command_fd);
	/* Of `run` the status is the command's; that reports were lost was said. */
	return failed && !status && !w->is_run ? EXIT_FAILED : status;
}
