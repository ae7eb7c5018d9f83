/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read leases: whoever opens the file for writing, or cuts it, waits until the lease is given back,
 * for 45 seconds at most (/proc/sys/fs/lease-break-time), and we get a signal. So what we did with
 * a file can be undone before its contents change. Reading, executing, renaming and unlinking it
 * are free.
 *
 * Not every file can have one: another user's needs CAP_LEASE, some file systems have none, and
 * nobody may have it open for writing.
 */
#ifndef FLIGHTREC_FILE_LEASE_H
#define FLIGHTREC_FILE_LEASE_H

#include <stdbool.h>

/*
 * The signals come to the calling thread, which is the one to call these functions. Returns a
 * descriptor for epoll, edge-triggered; or a negative errno.
 */
int file_lease_signals(void);
/*
 * Takes those that came. Others of the same number, which were sent to the process, are left to
 * whom they are for. Returns whether there were any.
 */
bool file_lease_take_signals(int signals);

/*
 * On the file that @fd is open on for reading, until it is closed. Returns 0; -EAGAIN: somebody has
 * it open for writing; or another negative errno: it cannot have one.
 */
int file_lease_take(int fd);
/* Any thread may do this. */
void file_lease_give_back(int fd);
/* Whether somebody waits for it to be given back, or it is over. */
bool file_lease_is_wanted_back(int fd);

#endif /* FLIGHTREC_FILE_LEASE_H */
