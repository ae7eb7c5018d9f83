// SPDX-License-Identifier: BSD-2-Clause
/* `flightrec run`: starts a command and watches it and its children. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/watch.h"
#include "collector/base/message.h"

static int command_not_started(struct watch *w, int err)
{
	message("cannot run '%s': %s", w->options->operands[0],
		strerror(w->launch.exec_errno ? w->launch.exec_errno : -err));
	if (!w->launch.exec_errno)
		return EXIT_FAILED;
	return w->launch.exec_errno == ENOENT ? 127 : 126;
}

static int exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* Starts the command and holds it. From here on it gets its signals. */
static int start(struct watch *w)
{
	int err = launch_start(&w->launch, w->options->operands, &w->signals.original);

	if (err)
		return command_not_started(w, err);
	w->command_fd = (int)syscall(SYS_pidfd_open, w->launch.pid, 0);
	err = watch_add_fd(w, w->command_fd, TOKEN_COMMAND);
	if (err) {
		message("cannot wait for '%s': %s", w->options->operands[0], strerror(-err));
		launch_cancel(&w->launch);
		return EXIT_FAILED;
	}
	signals_command(&w->signals, w->command_fd, w->launch.pid);
	err = launch_hold(&w->launch);
	return err ? command_not_started(w, err) : 0;
}

/* Returns 0 even if the command has died: its own status says more. */
static int attach(struct watch *w)
{
	const char *name = w->options->operands[0], *problem;
	int err = session_watch(w->session, w->launch.pid);

	if (err < 0 && err != -ESRCH && !w->launch.held_before_exec) {
		message("cannot watch process %d: %s", w->launch.pid, strerror(-err));
		return EXIT_FAILED;
	}
	if (!watch_tell_spans(w) && !session_spans_may_come(w->session))
		return EXIT_NOTHING;
	if (err == 0 && session_lost_notes(w->launch.pid))
		message("%s %s", name, watch_no_copy(w->launch.pid));
	problem = session_watch_usual(w->session);
	if (problem) {
		message("%s: %s", name, problem);
		return EXIT_UNSUPPORTED;
	}
	session_adopt(w->session);
	err = watch_start_duration(w);
	if (err) {
		message("cannot set a timer: %s", strerror(-err));
		return EXIT_FAILED;
	}
	watch_print_setup(w);
	message("watching %s (pid %d)", name, w->launch.pid);
	return 0;
}

/* Returns the command's status, or the status for not being able to run it. */
static int watch_command(struct watch *w)
{
	int err = start(w);

	if (err)
		return err;
	if (w->launch.ended) {
		watch_stop(w);
		return exit_status(w->launch.status);
	}
	err = attach(w);
	if (err) {
		launch_cancel(&w->launch);
		return err;
	}
	err = launch_release(&w->launch);
	if (err)
		return command_not_started(w, err);
	watch_until_end(w);
	return exit_status(w->command_status);
}

int cmd_run(const struct options *options)
{
	struct watch w;
	int status = watch_start(&w, options);

	return watch_end(&w, status ? status : watch_command(&w));
}
