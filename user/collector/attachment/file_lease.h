/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read leases. If somebody wants to open the file for writing, or truncates it, they have to wait
 * until we give back the lease, for at most 45 seconds (/proc/sys/fs/lease-break-time), and we get
 * a signal. So we can undo what we did to a file before its contents change. Reading, executing,
 * renaming and unlinking it are not affected.
 *
 * Not every file can have a lease: CAP_LEASE is needed for other users' files, some file systems
 * have no leases, and nobody may have the file open for writing.
 */
#ifndef FLIGHTREC_FILE_LEASE_H
#define FLIGHTREC_FILE_LEASE_H

#include <stdbool.h>

/*
 * The calling thread gets the signals, and is the one that must call these functions. Returns a
 * descriptor for epoll, edge-triggered; or a negative errno.
 */
int file_lease_signals(void);
/*
 * Takes the signals that have come. Signals of the same number that were sent to the process are
 * left alone. Returns whether there were any.
 */
bool file_lease_take_signals(int signals);

/*
 * Takes a lease on the file that @fd is open on for reading, until @fd is closed. Returns 0;
 * -EAGAIN: somebody has the file open for writing; or another negative errno: it cannot have a
 * lease.
 */
int file_lease_take(int fd);
/* Any thread may do this. */
void file_lease_give_back(int fd);
/* Whether somebody is waiting for it to be given back, or it is gone already. */
bool file_lease_is_wanted_back(int fd);

#endif /* FLIGHTREC_FILE_LEASE_H */
