/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens exactly the file behind a mapping. */
#ifndef FLIGHTREC_MAPPING_OPEN_H
#define FLIGHTREC_MAPPING_OPEN_H

#include <sys/types.h>

struct mapped_file;
struct mappings;

/*
 * Opens, for reading and close-on-exec, the regular file behind @file's first range in process
 * @pid, even if it was deleted or renamed, or is in another mount namespace. Never opens a device
 * or a FIFO.
 *
 * /proc/PID/map_files needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE. Without it, and for a file
 * whose range is gone, the path is tried, and device and inode are compared. On file systems with
 * devices of their own (overlayfs, btrfs) stat() and the mapping disagree about the device, so
 * there the inode number alone decides.
 *
 * Returns a descriptor; -ENOENT if the file cannot be reached; -EMFILE, -ENFILE or -ENOMEM.
 */
int mapping_open(pid_t pid, const struct mappings *mappings, const struct mapped_file *file);

#endif /* FLIGHTREC_MAPPING_OPEN_H */
