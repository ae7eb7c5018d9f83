// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/descriptor_share.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "collector/attachment/attached_files.h"
#include "collector/target/proc_names.h"

uid_t descriptor_share_user(pid_t pid)
{
	return pid ? proc_user(pid) : 0;
}

/* Numbers are given out from the lowest one on. */
static size_t free_descriptors(void)
{
	int next = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	struct rlimit limit;

	if (next < 0)
		return 0;
	close(next);
	return getrlimit(RLIMIT_NOFILE, &limit) ? 0 : limit.rlim_cur - (rlim_t)next;
}

bool descriptor_share_left(const struct attached_files *files, uid_t uid)
{
	struct attached_file *file = NULL;
	size_t taken = 0;

	while ((file = attached_files_next(files, file))) {
		if (file->uid == uid)
			taken += file->links.count + (file->lease >= 0);
	}
	return taken < free_descriptors();
}
