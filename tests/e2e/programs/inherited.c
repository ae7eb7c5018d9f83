/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the signal mask, ignored signals and descriptors that it was started with, as a shell
 * might have changed them: `flightrec run` is to change none. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sigaction action;
	struct dirent *entry;
	sigset_t mask;
	DIR *fds;

	errno = 0;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int i = 1; i < NSIG; i++) {
		if (sigismember(&mask, i) == 1)
			printf("blocked %d\n", i);
		if (sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			printf("ignored %d\n", i);
	}
	fds = opendir("/proc/self/fd");
	while ((entry = readdir(fds))) {
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(fds))
			printf("descriptor %s\n", entry->d_name);
	}
	closedir(fds);
	for (int i = 1; i < argc; i++)
		printf("argument %s\n", argv[i]);
	printf("group %s\n", getpgrp() == getpid() ? "own" : "inherited");
	return 0;
}
