/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Observed processes: what must be remembered when they are gone, and their call sites. Not
 * thread-safe.
 */
#ifndef FLIGHTREC_PROCESS_TABLE_H
#define FLIGHTREC_PROCESS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/message.h"
#include "collector/kernel/tracker.h"
#include "collector/recorder/call_sites.h"

/*
 * How many lines a process may log per second outside of replays. The rest are counted, and the
 * count is reported.
 */
#define PROCESS_LINES_PER_SECOND 5000

static inline struct message_limit process_lines(void)
{
	return (struct message_limit){.lines = PROCESS_LINES_PER_SECOND, .window_ns = 1000000000};
}

/*
 * Created when a process slot comes into use, or when anything of the process is first seen.
 * Dropped when all its recorders are settled, or when the slot has another process. Until then it
 * also serves for what the process has left behind: only call sites that were never described need
 * the process to be alive.
 */
struct observed_process {
	uint32_t generation; /* of its slot: a different one there is another process */
	uint32_t pid;
	char comm[FR_COMM_SIZE + 1];
	char *exe;        /* or NULL */
	uint64_t seen_ns; /* when it was first heard of, CLOCK_MONOTONIC */
	struct process_table *table;
	uint32_t index; /* of its slot */
	struct call_sites sites;
	bool sites_refused;         /* and this was reported */
	struct message_limit lines; /* limits what it may log outside of replays */
};

/*
 * process[i] is NULL or has index i and points back to this table, which owns it. site_budget.used
 * is the sum of their sites.bytes.
 */
struct process_table {
	struct tracker *tracker;           /* borrowed */
	struct observed_process **process; /* by slot, one for each process slot */
	struct call_site_budget site_budget;
	struct site_record *read; /* used for reading one from memory */
};

/* Returns 0 or -ENOMEM. */
int process_table_init(struct process_table *table, struct tracker *tracker);
void process_table_free(struct process_table *table);

/*
 * The process of a slot; created if the slot has a new one. NULL if there is no such slot, or no
 * memory.
 */
struct observed_process *process_table_get(struct process_table *table, uint32_t index);
void process_table_drop(struct process_table *table, uint32_t index);

/* Remembers a call site that BPF described. */
void process_table_site(struct process_table *table, const struct site_record *record);

/*
 * Looks up what was at an address at @time_ns (CLOCK_MONOTONIC); in the process's memory if BPF
 * could not describe it. Returns 0; -ENOENT if the process has ended or cannot be read there;
 * -ESTALE if it may have been unloaded since. In these cases @info is all NULL.
 */
int process_table_find_site(struct observed_process *process, uint64_t address, uint64_t time_ns,
			    struct call_site_info *info);

#endif /* FLIGHTREC_PROCESS_TABLE_H */
