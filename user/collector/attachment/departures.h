/* SPDX-License-Identifier: BSD-2-Clause */
/* How probes leave a file, and what follows. */
#ifndef FLIGHTREC_DEPARTURES_H
#define FLIGHTREC_DEPARTURES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct attached_file;
struct attachments;

/* The file is detached from; who maps it is scanned again then. */
void departures_leave(struct attachments *attachments, struct attached_file *file);

/* A file without probes for which somebody holds them up, by having it open for writing. */
void departures_wait(struct attachments *attachments, struct attached_file *file);

/* A file that waits was met: is it still being written to? */
void departures_retry(struct attachments *attachments, struct attached_file *file);

/* Somebody wants to write to a file that is attached to. */
void departures_wanted(struct attachments *attachments);
/* A file's probes are taken out. */
void departures_done(struct attachments *attachments, struct attached_file *file);
/*
 * Does what is due at @now_ns, and sets next_ns. While scans are pending, nobody is known to be
 * without users.
 */
void departures_due(struct attachments *attachments, uint64_t now_ns, bool scans_pending);

/* The process will be scanned again at that time. */
void departures_scan_later(struct attachments *attachments, pid_t pid, uint64_t at_ns);

#endif /* FLIGHTREC_DEPARTURES_H */
