/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Observed processes: what is to be remembered of them when they are gone, and their call sites.
 * Not thread-safe.
 */
#ifndef FLIGHTREC_PROCESS_TABLE_H
#define FLIGHTREC_PROCESS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/message.h"
#include "collector/kernel/tracker.h"
#include "collector/recorder/call_sites.h"

/* What a process may log outside of replays, in a second; what is beyond is counted and told. */
#define PROCESS_LINES_PER_SECOND 5000

/*
 * Made when a process slot comes into use, or when something of it is first seen; dropped when
 * all its recorders are settled, or when the slot has another process. Until then it is good also
 * for what the process has left behind: nothing in it needs the process to be alive but the call
 * sites that were never described.
 */
struct observed_process {
	uint32_t generation; /* of its slot: another one there is another process */
	uint32_t pid;
	char comm[FR_COMM_SIZE + 1];
	char *exe;        /* or NULL */
	uint64_t seen_ns; /* when it was first heard of, CLOCK_MONOTONIC */
	struct process_table *table;
	uint32_t index; /* of its slot */
	struct call_sites sites;
	bool sites_refused;         /* and that was told */
	struct message_limit lines; /* that it may log outside of replays */
};

/*
 * process[i] is NULL or has index i, and points back to this table; it is owned here.
 * site_budget.used is the sum of sites.bytes over all of them.
 */
struct process_table {
	struct tracker *tracker;           /* borrowed */
	struct observed_process **process; /* by slot, as many as there are process slots */
	struct call_site_budget site_budget;
	struct site_record *read; /* the last one read from memory */
};

/* Returns 0 or -ENOMEM. */
int process_table_init(struct process_table *table, struct tracker *tracker);
void process_table_free(struct process_table *table);

/* The process of a slot, new if the slot has a new one. NULL: no such slot, or no memory. */
struct observed_process *process_table_get(struct process_table *table, uint32_t index);
void process_table_drop(struct process_table *table, uint32_t index);

/* Remembers a call site as BPF described it. @size: bytes of the record. */
void process_table_site(struct process_table *table, const struct site_record *record);

/*
 * Looks up what stood at an address at @time_ns (CLOCK_MONOTONIC), in the process's memory if BPF
 * could not describe it. Returns 0; -ENOENT: the process ended, or it cannot be read there;
 * -ESTALE: it may have been unloaded since. Then @info is all NULL.
 */
int process_table_find_site(struct observed_process *process, uint64_t address, uint64_t time_ns,
			    struct call_site_info *info);

#endif /* FLIGHTREC_PROCESS_TABLE_H */
