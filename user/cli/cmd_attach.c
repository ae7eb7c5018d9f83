// SPDX-License-Identifier: BSD-2-Clause
/* `flightrec attach`: watches processes that are already running. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/children.h"
#include "cli/command.h"
#include "cli/process_number.h"
#include "cli/watch.h"
#include "collector/base/message.h"

/* How many children of a named process are examined. */
#define CHILDREN_LOOKED_AT 64

static int watch_process(struct watch *w, pid_t pid)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int copies;

	if (fd < 0) {
		message("no such process: %d", pid);
		return EXIT_NOTHING;
	}
	copies = session_watch(w->session, pid);
	if (copies >= 0)
		copies += (int)session_spans_of(w->session, pid) + (w->options->blocked_ns > 0);
	if (copies > 0) {
		event.data.u64 = (uint64_t)fd << 8 | TOKEN_PROCESS;
		if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0) {
			w->processes++;
			return 0;
		}
		copies = -errno;
	}
	session_unwatch(w->session, pid);
	close(fd);
	if (copies == 0 && session_problem(w->session)) {
		message("process %d: %s", pid, session_problem(w->session));
		return EXIT_UNSUPPORTED;
	}
	if (copies == 0 && w->spans.n_spans) {
		watch_tell_spans(w);
		return EXIT_NOTHING;
	}
	if (copies == 0) {
		message("process %d %s", pid, watch_no_copy(pid));
		return EXIT_NOTHING;
	}
	message("cannot watch process %d: %s", pid, strerror(-copies));
	return copies == -ESRCH                        ? EXIT_NOTHING
	       : copies == -EACCES || copies == -EPERM ? EXIT_UNSUPPORTED
						       : EXIT_FAILED;
}

static bool contains(const pid_t *pids, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++) {
		if (pids[i] == pid)
			return true;
	}
	return false;
}

/* Finds the process that a number given by the user belongs to. */
static int look_up(pid_t number, pid_t *pid)
{
	enum process_number kind = process_number_look_up(number, pid);

	if (kind == NUMBER_OF_PROCESS)
		return 0;
	if (kind == NUMBER_OF_NONE)
		message("no such process: %d", number);
	else
		message("process %d %s", number, process_number_problem(kind));
	return EXIT_NOTHING;
}

/* A search for children that use the library and are not watched. */
struct unwatched {
	const struct watch *w;
	struct children users;
	size_t looked_at;
};

static bool look_at_child(void *arg, pid_t child)
{
	struct unwatched *u = arg;
	const struct options *o = u->w->options;

	if (!contains(o->pids, o->n_pids, child) && session_uses_library(child))
		children_add(&u->users, child);
	return ++u->looked_at < CHILDREN_LOOKED_AT && !signals_stopped(&u->w->signals);
}

/*
 * Someone who attaches to a server that forked its workers should know that they are not watched.
 */
static void print_unwatched_children(const struct watch *w, pid_t pid)
{
	struct unwatched u = {.w = w};
	char text[256];

	children_find(pid, look_at_child, &u);
	if (!u.users.count)
		return;
	children_text(&u.users, text, sizeof(text));
	message("process %d has %s that use%s the library and %s not watched: %s; name "
		"%s too, or use -a",
		pid, u.users.count == 1 ? "a child" : "children", u.users.count == 1 ? "s" : "",
		u.users.count == 1 ? "is" : "are", text, u.users.count == 1 ? "it" : "them");
}

static int watch_named(struct watch *w)
{
	const struct options *o = w->options;
	pid_t *pids = calloc(o->n_pids, sizeof(*pids));
	int status = pids ? 0 : EXIT_FAILED;

	for (size_t i = 0; pids && i < o->n_pids && !signals_stopped(&w->signals); i++) {
		int one = look_up(o->pids[i], &pids[i]);

		/* Two of the numbers may be threads of the same process. */
		if (!one && !contains(pids, i, pids[i])) {
			one = watch_process(w, pids[i]);
			if (!w->options->quiet)
				print_unwatched_children(w, pids[i]);
		}
		status = one ? one : status;
	}
	free(pids);
	return w->processes || signals_stopped(&w->signals) ? 0 : status;
}

static bool is_stopped(void *arg)
{
	const struct watch *w = arg;

	return signals_stopped(&w->signals);
}

static int watch_everything(struct watch *w)
{
	int found = session_watch_all(w->session, is_stopped, w);

	if (found < 0) {
		message("cannot read /proc: %s", strerror(-found));
		return EXIT_FAILED;
	}
	w->processes = (size_t)found;
	session_watch_usual(w->session);
	return 0;
}

int cmd_attach(const struct options *options)
{
	struct watch w;
	int err = watch_start(&w, options);

	if (err)
		return watch_end(&w, err);
	signals_ready(&w.signals);
	err = options->all ? watch_everything(&w) : watch_named(&w);
	if (err)
		return watch_end(&w, err);
	if (w.spans.n_spans)
		watch_tell_spans(&w);
	err = watch_start_duration(&w);
	if (err) {
		message("cannot set a timer: %s", strerror(-err));
		return watch_end(&w, EXIT_FAILED);
	}
	/* Adopt first: once "watching" is printed, whatever they log must find its recorder. */
	session_adopt(w.session);
	watch_print_setup(&w);
	message("watching %zu process%s%s", w.processes, w.processes == 1 ? "" : "es",
		options->all ? ", and those to come" : "");
	session_dispatch(w.session);
	watch_until_end(&w);
	return watch_end(&w, 0);
}
