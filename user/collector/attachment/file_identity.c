// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/file_identity.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

int file_identity_read(int fd, struct file_identity *identity)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) || fstatfs(fd, &fs))
		return -errno;
	/*
	 * A file seen through two overlay mounts has two devices but one real inode, on which the
	 * kernel would put the probe twice. And when it is written to, it becomes another real
	 * inode under the same number.
	 */
	*identity = (struct file_identity){
		.device = fs.f_type == OVERLAYFS_SUPER_MAGIC ? 0 : st.st_dev,
		.inode = st.st_ino,
		.size = st.st_size,
		.changed_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec};
	return 0;
}

struct file_identity file_identity_held(const struct file_identity *identity)
{
	struct file_identity held = *identity;

	if (held.device) {
		held.size = 0;
		held.changed_ns = 0;
	}
	return held;
}
