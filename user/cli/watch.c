// SPDX-License-Identifier: BSD-2-Clause
#include "cli/watch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/launch.h"
#include "cli/requirements.h"
#include "collector/adoption.h"
#include "collector/session.h"

#define LIBRARY "libflightrec.so.0"

/* What an epoll event is about. */
enum token { TOKEN_SESSION, TOKEN_SIGNAL, TOKEN_DURATION, TOKEN_COMMAND, TOKEN_PROCESS };

struct watch {
	const struct options *options;
	struct session session;
	struct launch launch; /* of run */
	FILE *output;
	sigset_t original_mask;
	int epoll_fd;
	int signal_fd;
	size_t processes; /* attached to, and still running */
	bool watching;
	bool command_ended;
	int command_status;
	bool interrupted;
};

static int open_output(struct watch *w)
{
	const char *path = w->options->output;

	if (!path) {
		w->output = w->options->run ? stderr : stdout;
		return 0;
	}
	w->output = fopen(path, "we");
	if (w->output)
		return 0;
	fprintf(stderr, "flightrec: cannot write to %s: %s\n", path, strerror(errno));
	return EXIT_FAILED;
}

static int open_session(struct watch *w)
{
	const struct options *o = w->options;
	struct session_options options = {
		.tracker = {.ring_bytes = o->buffer,
			    .timeout_ns = o->timeout_ns,
			    .max_recorders = (uint32_t)o->max_recorders,
			    .min_severity = o->min_severity,
			    .watch_all = o->all,
			    .follow_children = o->run},
		.format = o->format,
		.output = w->output,
		.output_name = o->output ? o->output : o->run ? "standard error" : "standard output",
		.max_reports = o->max_reports,
		/* A program that is not watched should not pay: attach to named ones alone. */
		.each_process = !o->run && !o->all,
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

static int add_fd(struct watch *w, int fd, enum token token)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = token};

	return fd < 0 || epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static bool is_ignored(int signal_number)
{
	struct sigaction action;

	return sigaction(signal_number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void block_signals(struct watch *w)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		/* nohup ignores it for us, and means it. */
		if (signals[i] == SIGHUP && is_ignored(SIGHUP))
			continue;
		/* The last three mean nothing to us but to pass them on. */
		if (w->options->run || i < 3)
			sigaddset(&set, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &set, &w->original_mask);
	w->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	/* A reader that goes away is an error of writing. */
	signal(SIGPIPE, SIG_IGN);
}

static int start(struct watch *w, const struct options *options)
{
	int err;

	*w = (struct watch){.options = options, .epoll_fd = -1, .signal_fd = -1};
	err = open_output(w);
	if (err)
		return err;
	block_signals(w);
	err = open_session(w);
	if (err)
		return err;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (add_fd(w, w->signal_fd, TOKEN_SIGNAL) ||
	    session_add_to_epoll(&w->session, w->epoll_fd, TOKEN_SESSION)) {
		fprintf(stderr, "flightrec: cannot wait for events: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	w->watching = true;
	return 0;
}

/* For --verbose: what the probes are attached to, and what it takes. */
static void print_setup(const struct watch *w)
{
	const struct tracker *t = &w->session.tracker;

	if (w->options->verbose)
		fprintf(stderr,
			"flightrec: attached to %zu copies of the library; %u rings of %u KiB, room "
			"for %u open recorders\n",
			w->session.attachments.copies, t->rings, t->ring_bytes / 1024,
			t->max_recorders);
}

static int start_duration(struct watch *w)
{
	uint64_t ns = w->options->duration_ns;
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)(ns / 1000000000),
					       .tv_nsec = (long)(ns % 1000000000)}};
	int fd;

	if (!ns)
		return 0;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	return fd < 0 || timerfd_settime(fd, 0, &when, NULL) ? -errno
							     : add_fd(w, fd, TOKEN_DURATION);
}

static void print_losses(const struct options *o, const struct report_totals *totals)
{
	const struct report_losses *l = &totals->losses;

	if (totals->lost)
		fprintf(stderr,
			"flightrec: lost entries: %lu ring full, %lu over one process's share, "
			"%lu unreadable, %lu of untracked recorders, %lu beyond what is kept\n",
			l->ring, l->share, l->unreadable, l->untracked, l->buffer);
	if (totals->untracked)
		fprintf(stderr,
			"flightrec: %lu recorders were not tracked: more than %lu were open "
			"(--max-recorders), or more than %u processes had some\n",
			totals->untracked, o->max_recorders, TRACKER_PROCESSES_MAX);
	if (totals->reports_lost)
		fprintf(stderr, "flightrec: %lu reports could not be written\n",
			totals->reports_lost);
}

static void print_work(struct watch *w)
{
	uint64_t count[COUNTERS];

	tracker_count(&w->session.tracker, count);
	fprintf(stderr,
		"flightrec: the timer fired %lu times, the kernel woke the collector %lu times; "
		"%lu notices were refused, and made good\n",
		count[COUNT_TICKS], count[COUNT_WAKEUPS], count[COUNT_NOTICES_LOST]);
}

/* Detaches, takes what is left, and says what was seen. */
static void stop_watching(struct watch *w)
{
	struct report end = {.event = REPORT_END};
	struct timespec now;

	if (!w->watching)
		return;
	w->watching = false;
	session_finish(&w->session);
	session_totals(&w->session, &end.totals);
	clock_gettime(CLOCK_REALTIME, &now);
	end.time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (report_write(w->output, w->options->format, &end) && !w->session.output_error)
		fprintf(stderr, "flightrec: cannot write to %s: %s\n",
			w->session.options.output_name, strerror(errno));
	if (!w->options->quiet) {
		print_losses(w->options, &end.totals);
		if (w->options->verbose)
			print_work(w);
		fprintf(stderr,
			"flightrec: %lu recorders opened, %lu timed out, %lu entries seen, "
			"%lu lost\n",
			end.totals.opened, end.totals.timed_out, end.totals.entries,
			end.totals.lost);
	}
	if (end.totals.reports_lost)
		w->session.output_error = w->session.output_error ?: -EIO;
}

/* The second one ends us at once, whatever we wait for then. */
static void let_signals_kill(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (signals[i] == SIGHUP && is_ignored(SIGHUP))
			continue;
		signal(signals[i], SIG_DFL);
		sigaddset(&set, signals[i]);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void on_signal(struct watch *w)
{
	struct signalfd_siginfo info;
	int number;

	if (read(w->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	number = (int)info.ssi_signo;
	/*
	 * The terminal sends its signals to the command as well; what somebody sent to us alone
	 * is meant for it.
	 */
	if (w->options->run && !w->command_ended && info.ssi_code <= 0 &&
	    (pid_t)info.ssi_pid != w->launch.pid)
		kill(w->launch.pid, number);
	if (number != SIGINT && number != SIGTERM && number != SIGHUP)
		return;
	w->interrupted = true;
	let_signals_kill();
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
	if (w->options->run)
		return w->command_ended;
	return w->interrupted || w->session.done || (!w->processes && !w->options->all);
}

/* Waits and works until the end, whatever brings it. */
static void watch_until_end(struct watch *w)
{
	bool duration_over = false;

	while (!finished(w) && !duration_over) {
		struct epoll_event events[16];
		int wait_ms = w->watching ? session_wait_ms(&w->session) : -1;
		int n = epoll_wait(w->epoll_fd, events, 16, wait_ms);
		bool dispatch = n == 0;

		for (int i = 0; i < n; i++) {
			switch ((enum token)(events[i].data.u64 & 0xff)) {
			case TOKEN_SESSION:
				dispatch = true;
				break;
			case TOKEN_SIGNAL:
				on_signal(w);
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
			session_dispatch(&w->session);
		/* The command goes on, unwatched; its end is still ours to pass on. */
		if (w->options->run && (w->interrupted || w->session.done || duration_over)) {
			stop_watching(w);
			duration_over = false;
		}
	}
	stop_watching(w);
}

static int end(struct watch *w, int status)
{
	bool failed = w->session.output_error;

	session_close(&w->session);
	if (w->output && w->options->output && fclose(w->output))
		failed = true;
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	if (w->signal_fd >= 0)
		close(w->signal_fd);
	return failed && !status ? EXIT_FAILED : status;
}

/* ---- run ---- */

static void try_directory(struct watch *w, const char *directory, size_t length)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.*s/%s", (int)length, directory, LIBRARY);
	attachments_add_path(&w->session.attachments, path);
}

/*
 * A command that loads the library later, or starts a program that does, finds the probes live if
 * its copy is one of the usual ones. Others are found when the kernel tells of their loading.
 */
static void attach_ahead(struct watch *w)
{
	static const char *const usual[] = {"/usr/local/lib", "/usr/lib", "/usr/lib64",
					    "/usr/lib/x86_64-linux-gnu",
					    "/usr/lib/aarch64-linux-gnu"};
	const char *path = getenv("LD_LIBRARY_PATH");

	while (path && *path) {
		size_t length = strcspn(path, ":;");

		if (length)
			try_directory(w, path, length);
		path += length + (path[length] != '\0');
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		try_directory(w, usual[i], strlen(usual[i]));
}

static int command_not_started(struct watch *w, int err)
{
	fprintf(stderr, "flightrec: cannot run '%s': %s\n", w->options->command[0],
		strerror(w->launch.exec_errno ? w->launch.exec_errno : -err));
	if (!w->launch.exec_errno)
		return EXIT_FAILED;
	return w->launch.exec_errno == ENOENT ? 127 : 126;
}

static int exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int watch_run(const struct options *options)
{
	struct watch w;
	int pid_fd = -1, err;

	err = start(&w, options);
	if (err)
		return end(&w, err);
	err = launch_start(&w.launch, options->command, &w.original_mask);
	if (err)
		return end(&w, command_not_started(&w, err));
	if (w.launch.ended) {
		stop_watching(&w);
		return end(&w, exit_status(w.launch.status));
	}
	err = session_watch(&w.session, w.launch.pid);
	if (err < 0 && !w.launch.held_before_exec) {
		fprintf(stderr, "flightrec: cannot watch process %d: %s\n", w.launch.pid,
			strerror(-err));
		launch_cancel(&w.launch);
		return end(&w, EXIT_FAILED);
	}
	attach_ahead(&w);
	if (!w.session.attachments.copies && w.session.attachments.problem[0]) {
		fprintf(stderr, "flightrec: %s: %s\n", options->command[0],
			w.session.attachments.problem);
		launch_cancel(&w.launch);
		return end(&w, EXIT_UNSUPPORTED);
	}
	session_adopt(&w.session);
	pid_fd = (int)syscall(SYS_pidfd_open, w.launch.pid, 0);
	err = add_fd(&w, pid_fd, TOKEN_COMMAND);
	err = err ? err : start_duration(&w);
	if (err) {
		fprintf(stderr, "flightrec: cannot wait for the command: %s\n", strerror(-err));
		launch_cancel(&w.launch);
		return end(&w, EXIT_FAILED);
	}
	print_setup(&w);
	fprintf(stderr, "flightrec: watching %s (pid %d)\n", options->command[0], w.launch.pid);
	err = launch_release(&w.launch);
	if (err)
		return end(&w, command_not_started(&w, err));
	watch_until_end(&w);
	close(pid_fd);
	return end(&w, exit_status(w.command_status));
}

/* ---- attach ---- */

/* The process of a thread's number, which top -H or ps -L shows. */
static pid_t process_of(pid_t pid)
{
	char path[64], line[128];
	pid_t process = pid;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		return pid;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Tgid: %d", &process) == 1)
			break;
	}
	fclose(file);
	return process;
}

static int watch_process(struct watch *w, pid_t pid)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int copies;

	if (fd < 0) {
		fprintf(stderr, "flightrec: no such process: %d\n", pid);
		return EXIT_NOTHING;
	}
	copies = session_watch(&w->session, pid);
	if (copies > 0) {
		event.data.u64 = (uint64_t)fd << 8 | TOKEN_PROCESS;
		if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0) {
			w->processes++;
			return 0;
		}
		copies = -errno;
	}
	tracker_unwatch(&w->session.tracker, pid);
	close(fd);
	if (copies == 0 && w->session.attachments.problem[0]) {
		fprintf(stderr, "flightrec: process %d: %s\n", pid, w->session.attachments.problem);
		return EXIT_UNSUPPORTED;
	}
	if (copies == 0) {
		fprintf(stderr, "flightrec: process %d does not use the flightrec library\n", pid);
		return EXIT_NOTHING;
	}
	fprintf(stderr, "flightrec: cannot watch process %d: %s\n", pid, strerror(-copies));
	return copies == -ESRCH			      ? EXIT_NOTHING
	       : copies == -EACCES || copies == -EPERM ? EXIT_UNSUPPORTED
						      : EXIT_FAILED;
}

static int watch_named(struct watch *w)
{
	int status = 0;

	for (size_t i = 0; i < w->options->n_pids; i++) {
		int one = watch_process(w, process_of(w->options->pids[i]));

		status = one ? one : status;
	}
	return w->processes ? 0 : status;
}

static int watch_everything(struct watch *w)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc) {
		fprintf(stderr, "flightrec: cannot read /proc: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	while ((entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && pid != getpid() &&
		    attachments_scan(&w->session.attachments, pid, adoption_add, &w->session) > 0)
			w->processes++;
	}
	closedir(proc);
	attach_ahead(w);
	return 0;
}

int watch_attach(const struct options *options)
{
	struct watch w;
	int err = start(&w, options);

	if (err)
		return end(&w, err);
	err = options->all ? watch_everything(&w) : watch_named(&w);
	if (err)
		return end(&w, err);
	err = start_duration(&w);
	if (err) {
		fprintf(stderr, "flightrec: cannot set a timer: %s\n", strerror(-err));
		return end(&w, EXIT_FAILED);
	}
	print_setup(&w);
	fprintf(stderr, "flightrec: watching %zu process%s%s\n", w.processes,
		w.processes == 1 ? "" : "es", options->all ? ", and those to come" : "");
	session_adopt(&w.session);
	session_dispatch(&w.session);
	watch_until_end(&w);
	return end(&w, 0);
}
