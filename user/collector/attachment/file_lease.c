// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/file_lease.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A signal that nothing else here uses. If too many are pending, the kernel sends SIGIO instead. */
#define LEASE_SIGNAL (SIGRTMAX - 3)

int file_lease_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, LEASE_SIGNAL);
	sigaddset(&set, SIGIO);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* Whether this thread has pending signals, which are taken before those of the process. */
static bool are_pending(void)
{
	FILE *status = fopen("/proc/thread-self/status", "re");
	uint64_t set = 0;
	char line[256];

	while (status && fgets(line, sizeof(line), status)) {
		if (sscanf(line, "SigPnd: %" SCNx64, &set) == 1)
			break;
	}
	if (status)
		fclose(status);
	return set & (UINT64_C(1) << (LEASE_SIGNAL - 1) | UINT64_C(1) << (SIGIO - 1));
}

bool file_lease_take_signals(int signals)
{
	struct signalfd_siginfo info;
	bool any = false;

	while (are_pending() && read(signals, &info, sizeof(info)) == sizeof(info))
		any = true;
	return any;
}

/* There EAGAIN says that the server would have to grant it, and may say so for good. */
static bool is_remote(int fd)
{
	static const uint32_t remote[] = {NFS_SUPER_MAGIC,  CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC,
					  SMB_SUPER_MAGIC,  CEPH_SUPER_MAGIC, AFS_SUPER_MAGIC,
					  CODA_SUPER_MAGIC, V9FS_MAGIC,       FUSE_SUPER_MAGIC};
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return false;
	for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++) {
		if ((uint32_t)fs.f_type == remote[i])
			return true;
	}
	return false;
}

int file_lease_take(int fd)
{
	const struct f_owner_ex owner = {F_OWNER_TID, (pid_t)syscall(SYS_gettid)};
	int err;

	if (!fcntl(fd, F_SETOWN_EX, &owner) && !fcntl(fd, F_SETSIG, LEASE_SIGNAL) &&
	    !fcntl(fd, F_SETLEASE, F_RDLCK))
		return 0;
	err = errno;
	return err == EAGAIN && is_remote(fd) ? -EOPNOTSUPP : -err;
}

void file_lease_give_back(int fd)
{
	fcntl(fd, F_SETLEASE, F_UNLCK);
}

bool file_lease_is_wanted_back(int fd)
{
	return fcntl(fd, F_GETLEASE) != F_RDLCK;
}
