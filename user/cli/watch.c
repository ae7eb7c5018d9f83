// SPDX-License-Identifier: BSD-2-Clause
#include "cli/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/children.h"
#include "cli/output.h"
#include "cli/requirements.h"
#include "cli/span_options.h"
#include "cli/state.h"
#include "cli/summary.h"
#include "collector/base/clock.h"
#include "collector/base/message.h"

/* How long to wait for --exec commands at the end. */
#define EXEC_END_WAIT_NS 5000000000
/* How long a reader may take nothing at the end before we give up on it; less after a signal. */
#define PATIENCE_MS 5000
#define PATIENCE_STOPPED_MS 200
/* How long reports may be made at the end; less after a signal, which is obeyed soon. */
#define FINISH_NS 10000000000
#define FINISH_STOPPED_NS 90000000

static int open_output(struct watch *w)
{
	const char *path = w->options->output;

	w->output = w->is_run ? STDERR_FILENO : STDOUT_FILENO;
	if (path)
		w->output = output_open(path, w->options->append);
	if (w->output >= 0)
		return 0;
	message("cannot write to %s: %s%s", path, strerror(-w->output),
		w->output == -ENXIO ? ": nobody reads from it" : "");
	return EXIT_FAILED;
}

static void on_report(void *arg, const struct report *report)
{
	struct watch *w = arg;

	exec_hook_report(w->exec_hook, report);
}

static int open_exec_hook(struct watch *w)
{
	const struct exec_hook_options options = {.command = w->options->exec,
						  .limit = w->options->exec_limit,
						  .mask = &w->signals.original};

	if (!options.command)
		return 0;
	w->exec_hook = exec_hook_open(&options);
	if (w->exec_hook)
		return 0;
	message("cannot prepare --exec: %s", strerror(errno));
	return EXIT_FAILED;
}

/*
 * Ring sizes are powers of two within limits. Report a size that was rounded, refuse one that would
 * be far too small.
 */
static int check_buffer(const struct options *o)
{
	uint32_t rings, ring_bytes;
	uint64_t used;

	session_ring_layout(o->buffer, &rings, &ring_bytes);
	used = (uint64_t)rings * ring_bytes;
	if (!o->buffer_given || used == o->buffer)
		return 0;
	if (used <= o->buffer / 2)
		return usage_error(o->command,
				   "--buffer: the rings of %u CPU%s can have %" PRIu64 "M at most",
				   rings, rings == 1 ? "" : "s", used >> 20);
	message("--buffer: %" PRIu64 "K are used, as each of %u ring%s is a power of "
		"two from 16K on",
		used / 1024, rings, rings == 1 ? "" : "s");
	return 0;
}

/* The command inherits it. */
static bool log_is_off(void)
{
	const char *setting = getenv("FLIGHTREC_MEMORY");

	return setting && !strcmp(setting, "0");
}

static int open_session(struct watch *w)
{
	const struct options *o = w->options;
	struct session_options options = {
		.ring_bytes = o->buffer,
		.timeout_ns = o->timeout_ns,
		.max_recorders = (uint32_t)o->max_recorders,
		.min_severity = o->min_severity,
		.deaths = o->deaths,
		.by_memory = !o->probes && !(w->is_run && log_is_off()),
		.watch_all = o->all,
		.follow_children = w->is_run,
		.spans = w->spans.n_spans ? &w->spans : NULL,
		.blocked_ns = o->blocked_ns,
		.blocked_idle = o->idle,
		.stacks = !o->no_stack,
		.verbose = o->verbose > 0,
		.form = o->form,
		.output = w->output,
		.output_name = o->output   ? o->output
			       : w->is_run ? "standard error"
					   : "standard output",
		.max_reports = o->max_reports,
		.on_report = w->exec_hook ? on_report : NULL,
		.arg = w,
		/*
		 * Programs that are not watched should pay nothing: attach only to the named
		 * processes.
		 */
		.each_process = !w->is_run && !o->all,
	};
	char error[1024];
	int err;

	output_terminal(w->output, o->color, &options.terminal);
	if (!requirements_met(error, sizeof(error))) {
		message("%s", error);
		return EXIT_UNSUPPORTED;
	}
	err = session_open(&w->session, &options, error, sizeof(error));
	if (!err)
		return 0;
	message("%s", error);
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
			    .duration_fd = -1,
			    .epoll_fd = -1};
	signals.pass_on = w->is_run;
	err = check_buffer(options);
	err = err ? err : span_options_load(options, &w->spans);
	err = err ? err : open_output(w);
	if (err)
		return err;
	err = signals_start(&w->signals, &signals);
	if (err) {
		message("cannot take signals: %s", strerror(-err));
		return EXIT_FAILED;
	}
	err = open_exec_hook(w);
	err = err ? err : open_session(w);
	if (err)
		return err;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (watch_add_fd(w, w->signals.event_fd, TOKEN_SIGNALS) ||
	    (w->exec_hook && watch_add_fd(w, exec_hook_fd(w->exec_hook), TOKEN_EXEC)) ||
	    session_add_to_epoll(w->session, w->epoll_fd, TOKEN_SESSION)) {
		message("cannot wait for events: %s", strerror(errno));
		return EXIT_FAILED;
	}
	w->watching = true;
	return 0;
}

const char *watch_no_copy(pid_t pid)
{
	if (session_lost_notes(pid))
		return "has probes, but their notes (.note.stapsdt) were removed, as llvm-strip "
		       "does: strip it with --keep-section=.note.stapsdt";
	return "does not use the flightrec library";
}

void watch_print_setup(const struct watch *w)
{
	const struct session_setup setup = session_setup(w->session);

	if (w->options->verbose)
		message("attached to %zu cop%s of the library; %u ring%s of %u KiB, "
			"room for %u open recorders",
			setup.copies, setup.copies == 1 ? "y" : "ies", setup.rings,
			setup.rings == 1 ? "" : "s", setup.ring_bytes / 1024, setup.max_recorders);
}

bool watch_tell_spans(const struct watch *w)
{
	size_t possible = 0;

	for (size_t i = 0; i < w->spans.n_spans; i++) {
		const char *problem = session_span_problem(w->session, i);

		possible += !problem;
		if (problem)
			message("span %s: %s", w->spans.span[i].name, problem);
	}
	return possible || !w->spans.n_spans;
}

int watch_start_duration(struct watch *w)
{
	uint64_t ns = w->options->duration_ns;
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)(ns / 1000000000),
					       .tv_nsec = (long)(ns % 1000000000)}};

	if (!ns)
		return 0;
	w->duration_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (w->duration_fd < 0 || timerfd_settime(w->duration_fd, 0, &when, NULL))
		return -errno;
	return watch_add_fd(w, w->duration_fd, TOKEN_DURATION);
}

static void print_work(const struct watch *w)
{
	const struct session_work work = session_work(w->session);

	message("the timer fired %lu times, the kernel woke the collector %lu times; "
		"%lu notices were refused, %lu execs and %lu ends of processes missed, and made "
		"good",
		work.ticks, work.wakeups, work.notices_lost, work.execs_missed, work.exits_missed);
}

/* ---- at the end ---- */

static void note_user(void *arg, pid_t pid, const char *comm, uint32_t open)
{
	(void)comm;
	(void)open;
	if (session_uses_library(pid))
		children_add(arg, pid);
}

/* The first process of a daemon exits at once; what it leaves behind is no longer watched. */
static void print_left_behind(struct watch *w)
{
	const char *name = w->options->operands[0];
	struct children users = {0};
	char text[256];

	session_processes(w->session, note_user, &users);
	if (!users.count)
		return;
	children_text(&users, text, sizeof(text));
	message("%s has ended, but process%s %s, which it started, use%s the library "
		"and "
		"go%s on unwatched: see flightrec attach",
		name, users.count == 1 ? "" : "es", text, users.count == 1 ? "s" : "",
		users.count == 1 ? "es" : "");
}

static void print_not_used(const struct watch *w, const struct report_totals *totals)
{
	if (!totals->opened && !totals->entries && !session_setup(w->session).library_seen)
		message("neither %s nor a process that it started uses the flightrec "
			"library",
			w->options->operands[0]);
}

void watch_stop(struct watch *w)
{
	bool tell = !w->options->quiet;
	struct report_totals totals;

	if (!w->watching)
		return;
	w->watching = false;
	if (tell && w->command_ended && message_possible())
		print_left_behind(w);
	if (!session_finish(w->session, w->interrupted ? FINISH_STOPPED_NS : FINISH_NS))
		message("stopped before all was reported that was due: it was too much");
	session_write_totals(w->session, &totals,
			     w->interrupted ? PATIENCE_STOPPED_MS : PATIENCE_MS);
	if (totals.reports_lost)
		w->output_failed = true;
	/* If nobody reads, do not wait for a reader. */
	if (!tell || !message_possible())
		return;
	if (w->command_ended)
		print_not_used(w, &totals);
	summary_losses(&totals, w->options->max_recorders);
	if (w->options->verbose)
		print_work(w);
	summary_totals("", &totals);
}

/* ---- events ---- */

static void reopen_output(const struct watch *w)
{
	const char *path = w->options->output;
	int err = output_reopen(w->output, path);

	if (err)
		message("cannot open %s again: %s; going on with what it was", path,
			strerror(-err));
}

static void on_requests(struct watch *w)
{
	unsigned int requests = signals_take(&w->signals);

	if (requests & SIGNALS_STOP)
		w->interrupted = true;
	if (requests & SIGNALS_REOPEN)
		reopen_output(w);
	if (requests & SIGNALS_STATE && w->watching)
		state_tell(w->session);
}

static void on_command_ended(struct watch *w)
{
	int status;

	if (waitpid(w->launch.pid, &status, WNOHANG) != w->launch.pid)
		return;
	w->command_ended = true;
	w->command_status = status;
}

static void on_duration_over(struct watch *w)
{
	close(w->duration_fd);
	w->duration_fd = -1;
	w->duration_over = true;
}

/* Returns whether the session has work to do. */
static bool on_event(struct watch *w, uint64_t data)
{
	switch ((enum token)(data & 0xff)) {
	case TOKEN_SESSION:
		return true;
	case TOKEN_SIGNALS:
		on_requests(w);
		return false;
	case TOKEN_DURATION:
		on_duration_over(w);
		return false;
	case TOKEN_COMMAND:
		on_command_ended(w);
		return false;
	case TOKEN_EXEC:
		exec_hook_dispatch(w->exec_hook);
		return false;
	case TOKEN_PROCESS:
		close((int)(data >> 8));
		w->processes--;
		return true;
	}
	return false;
}

/* Waits for at most @wait_ms, or without limit if it is -1. */
static void wait_and_work(struct watch *w, int wait_ms)
{
	struct epoll_event events[16];
	int n = epoll_wait(w->epoll_fd, events, 16, wait_ms);
	bool dispatch = n == 0;

	for (int i = 0; i < n; i++)
		dispatch = on_event(w, events[i].data.u64) || dispatch;
	if (w->watching && dispatch)
		session_dispatch(w->session);
}

/* Whether to stop watching, even if the command still runs. */
static bool is_over(const struct watch *w)
{
	if (w->interrupted || w->duration_over || session_done(w->session))
		return true;
	/* Nobody reads what attach writes: end like any filter whose reader has left. */
	return !w->is_run &&
	       (session_output_error(w->session) == -EPIPE || (!w->processes && !w->options->all));
}

void watch_until_end(struct watch *w)
{
	while (w->is_run ? !w->command_ended : !is_over(w)) {
		wait_and_work(w, w->watching ? session_wait_ms(w->session) : -1);
		/* The command goes on unwatched; its exit status must still be passed on. */
		if (w->is_run && is_over(w))
			watch_stop(w);
	}
	watch_stop(w);
}

/* Commands started for timeouts may take a moment, but after a signal they are not waited for. */
static void wait_for_exec(struct watch *w)
{
	uint64_t until_ns = clock_ns(CLOCK_MONOTONIC) + EXEC_END_WAIT_NS, now_ns;

	while (exec_hook_busy(w->exec_hook) && !signals_stopped(&w->signals)) {
		now_ns = clock_ns(CLOCK_MONOTONIC);
		if (now_ns >= until_ns)
			break;
		wait_and_work(w, (int)((until_ns - now_ns) / 1000000) + 1);
	}
}

int watch_end(struct watch *w, int status)
{
	bool failed = w->output_failed;

	if (w->exec_hook && w->epoll_fd >= 0)
		wait_for_exec(w);
	exec_hook_close(w->exec_hook);
	session_close(w->session);
	span_set_free(&w->spans);
	/* Some file systems report write errors only at close(). */
	if (w->output >= 0 && w->options->output && close(w->output)) {
		message("cannot write to %s: %s", w->options->output, strerror(errno));
		failed = true;
	}
	if (w->duration_fd >= 0)
		close(w->duration_fd);
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	signals_free(&w->signals);
	if (w->command_fd >= 0)
		close(w->command_fd);
	/* `run` exits with the command's status; lost reports have already been reported. */
	return failed && !status && !w->is_run ? EXIT_FAILED : status;
}
