// SPDX-License-Identifier: BSD-2-Clause
/* `flightrec attach`: watches processes that run already. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/watch.h"
#include "collector/recorder/adoption.h"
#include "collector/target/proc_status.h"

/* The process of a thread's number, which top -H or ps -L shows. */
static pid_t process_of(pid_t pid)
{
	char process[32];

	return proc_status_read(pid, pid, "Tgid:", process, sizeof(process)) ? atoi(process) : pid;
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
	return copies == -ESRCH                        ? EXIT_NOTHING
	       : copies == -EACCES || copies == -EPERM ? EXIT_UNSUPPORTED
						       : EXIT_FAILED;
}

static int watch_named(struct watch *w)
{
	int status = 0;

	for (size_t i = 0; i < w->options->n_pids && !signals_stopped(&w->signals); i++) {
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
	while (!signals_stopped(&w->signals) && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && pid != getpid() &&
		    attachments_scan(&w->session.attachments, pid, adoption_add, &w->session) > 0)
			w->processes++;
	}
	closedir(proc);
	attachments_add_usual(&w->session.attachments);
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
	err = watch_start_duration(&w);
	if (err) {
		fprintf(stderr, "flightrec: cannot set a timer: %s\n", strerror(-err));
		return watch_end(&w, EXIT_FAILED);
	}
	/* Before it is said that they are watched: what they log then finds its recorder. */
	session_adopt(&w.session);
	watch_print_setup(&w);
	fprintf(stderr, "flightrec: watching %zu process%s%s\n", w.processes,
		w.processes == 1 ? "" : "es", options->all ? ", and those to come" : "");
	session_dispatch(&w.session);
	watch_until_end(&w);
	return watch_end(&w, 0);
}
