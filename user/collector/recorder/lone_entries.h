/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries that are reported by themselves, outside of a replay. The number per second and process
 * is limited; the rest are held back and counted.
 */
#ifndef FLIGHTREC_LONE_ENTRIES_H
#define FLIGHTREC_LONE_ENTRIES_H

#include <stdbool.h>

struct entry_record;
struct observed_process;
struct recorders;

/* Reports an entry that belongs to no open recorder. */
void lone_entries_stray(struct recorders *recorders, const struct entry_record *record);
/* Reports an entry that came after its recorder's replay. */
void lone_entries_late(struct recorders *recorders, const struct entry_record *record);

/* Says how many were held back, of processes that are silent now, or with @force of all. */
void lone_entries_continue(struct recorders *recorders, bool force);
/* The same of a process that has ended. */
void lone_entries_end(struct recorders *recorders, struct observed_process *process);

#endif /* FLIGHTREC_LONE_ENTRIES_H */
