// SPDX-License-Identifier: BSD-2-Clause
#include "collector/base/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* With no variables of ours: what is in there may steer libraries. */
static char *const environment[] = {"LC_ALL=C", NULL};

static int set_files(posix_spawn_file_actions_t *files, int socket)
{
	int err = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDWR, 0);

	err = err ? err : posix_spawn_file_actions_adddup2(files, 0, 1);
	err = err ? err : posix_spawn_file_actions_adddup2(files, 0, 2);
	err = err ? err : posix_spawn_file_actions_adddup2(files, socket, HELPER_SOCKET);
	/* Also those that this process was given, for a command that it starts. */
	return err ? err : posix_spawn_file_actions_addclosefrom_np(files, HELPER_SOCKET + 1);
}

/* Signals as they are at first; those of our terminal are not for it. */
static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	err = posix_spawnattr_setsigmask(attributes, &none);
	err = err ? err : posix_spawnattr_setsigdefault(attributes, &all);
	return err ? err
		   : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
								  POSIX_SPAWN_SETSIGDEF |
								  POSIX_SPAWN_SETPGROUP);
}

static int spawn(struct helper *helper, const char *word, int socket)
{
	char *const arguments[] = {"flightrec", (char *)word, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int err = posix_spawn_file_actions_init(&files);

	if (err)
		return -err;
	err = posix_spawnattr_init(&attributes);
	if (!err) {
		err = set_files(&files, socket);
		err = err ? err : set_attributes(&attributes);
		err = err ? err
			  : posix_spawn(&helper->pid, "/proc/self/exe", &files, &attributes,
					arguments, environment);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&files);
	return -err;
}

int helper_start(struct helper *helper, const char *word)
{
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	/* Ours alone: the helper waits. */
	err = fcntl(pair[0], F_SETFL, O_NONBLOCK) ? -errno : spawn(helper, word, pair[1]);
	close(pair[1]);
	if (err)
		close(pair[0]);
	else
		helper->socket = pair[0];
	return err;
}

void helper_stop(struct helper *helper)
{
	if (helper->socket < 0)
		return;
	close(helper->socket);
	helper->socket = -1;
	kill(helper->pid, SIGKILL);
	while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
