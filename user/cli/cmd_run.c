// SPDX-License-Identifier: BSD-2-Clause
/* `flightrec run`: starts a command and watches it and its children. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/watch.h"

static int command_not_started(struct watch *w, int err)
{
	fprintf(stderr, "flightrec: cannot run '%s': %s\n", w->options->operands[0],
		strerror(w->launch.exec_errno ? w->launch.exec_errno : -err));
	if (!w->launch.exec_errno)
		return EXIT_FAILED;
	return w->launch.exec_errno == ENOENT ? 127 : 126;
}

static int exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int cmd_run(const struct options *options)
{
	struct watch w;
	int pid_fd = -1, err;

	err = watch_start(&w, options);
	if (err)
		return watch_end(&w, err);
	err = launch_start(&w.launch, options->operands, &w.original_mask);
	if (err)
		return watch_end(&w, command_not_started(&w, err));
	if (w.launch.ended) {
		watch_stop(&w);
		return watch_end(&w, exit_status(w.launch.status));
	}
	err = session_watch(&w.session, w.launch.pid);
	if (err < 0 && !w.launch.held_before_exec) {
		fprintf(stderr, "flightrec: cannot watch process %d: %s\n", w.launch.pid,
			strerror(-err));
		launch_cancel(&w.launch);
		return watch_end(&w, EXIT_FAILED);
	}
	attachments_add_usual(&w.session.attachments);
	if (!w.session.attachments.copies && w.session.attachments.problem[0]) {
		fprintf(stderr, "flightrec: %s: %s\n", options->operands[0],
			w.session.attachments.problem);
		launch_cancel(&w.launch);
		return watch_end(&w, EXIT_UNSUPPORTED);
	}
	session_adopt(&w.session);
	pid_fd = (int)syscall(SYS_pidfd_open, w.launch.pid, 0);
	err = watch_add_fd(&w, pid_fd, TOKEN_COMMAND);
	err = err ? err : watch_start_duration(&w);
	if (err) {
		fprintf(stderr, "flightrec: cannot wait for the command: %s\n", strerror(-err));
		launch_cancel(&w.launch);
		return watch_end(&w, EXIT_FAILED);
	}
	watch_print_setup(&w);
	fprintf(stderr, "flightrec: watching %s (pid %d)\n", options->operands[0], w.launch.pid);
	err = launch_release(&w.launch);
	if (err)
		return watch_end(&w, command_not_started(&w, err));
	watch_until_end(&w);
	close(pid_fd);
	return watch_end(&w, exit_status(w.command_status));
}
