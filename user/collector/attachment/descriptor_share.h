/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each file that is attached to takes descriptors, and anybody can start programs without end. A
 * user gets half of those that nobody else has taken.
 */
#ifndef FLIGHTREC_DESCRIPTOR_SHARE_H
#define FLIGHTREC_DESCRIPTOR_SHARE_H

#include <stdbool.h>
#include <sys/types.h>

struct attached_files;

/* Whose process @pid is; 0: of no process, or of one that is gone. */
uid_t descriptor_share_user(pid_t pid);
/* Whether one more file may be attached to for this user. */
bool descriptor_share_left(const struct attached_files *files, uid_t uid);

#endif /* FLIGHTREC_DESCRIPTOR_SHARE_H */
