// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/process_table.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "collector/base/clock.h"
#include "collector/base/message.h"
#include "collector/target/proc_names.h"
#include "collector/target/target_memory.h"

/* Bytes kept for the call sites of all processes. */
#define SITES_MEMORY (16u << 20)

int process_table_init(struct process_table *table, struct tracker *tracker)
{
	*table = (struct process_table){.tracker = tracker, .site_budget.limit = SITES_MEMORY};
	table->process = calloc(tracker_limits(tracker).processes, sizeof(table->process[0]));
	table->read = calloc(1, sizeof(*table->read));
	if (table->process && table->read)
		return 0;
	process_table_free(table);
	return -ENOMEM;
}

static void free_process(struct process_table *table, struct observed_process *process)
{
	if (!process)
		return;
	call_sites_clear(&process->sites, &table->site_budget);
	free(process->exe);
	free(process);
}

void process_table_free(struct process_table *table)
{
	for (uint32_t i = 0; table->process && i < tracker_limits(table->tracker).processes; i++)
		free_process(table, table->process[i]);
	free(table->process);
	free(table->read);
	table->process = NULL;
	table->read = NULL;
}

static char *read_exe(pid_t pid)
{
	char path[PATH_MAX];

	return proc_exe(pid, path, sizeof(path)) ? strdup(path) : NULL;
}

struct observed_process *process_table_get(struct process_table *table, uint32_t index)
{
	struct process_slot slot;
	struct observed_process *process;
	uint32_t generation;

	if (index >= tracker_limits(table->tracker).processes)
		return NULL;
	generation = FR_WORD_GENERATION(tracker_process_word(table->tracker, index));
	process = table->process[index];
	if (process && process->generation == generation)
		return process;
	free_process(table, process);
	process = table->process[index] = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->generation = generation;
	process->table = table;
	process->index = index;
	process->lines = process_lines();
	process->seen_ns = clock_ns(CLOCK_MONOTONIC);
	if (tracker_process_copy(table->tracker, index, &slot)) {
		process->pid = slot.key.pid;
		memcpy(process->comm, slot.comm, FR_COMM_SIZE);
	}
	process->exe = read_exe((pid_t)process->pid);
	return process;
}

void process_table_drop(struct process_table *table, uint32_t index)
{
	if (index >= tracker_limits(table->tracker).processes)
		return;
	free_process(table, table->process[index]);
	table->process[index] = NULL;
}

static void keep_site(struct observed_process *process, const struct site_record *record)
{
	if (call_sites_add(&process->sites, &process->table->site_budget, record) != -ENOSPC ||
	    process->sites_refused)
		return;
	process->sites_refused = true;
	message("process %u (%s) has more call sites than there is room for: those of its other "
		"entries are looked up when they are replayed",
		process->pid, process->comm);
}

void process_table_site(struct process_table *table, const struct site_record *record)
{
	struct observed_process *process = process_table_get(table, record->process);

	if (process)
		keep_site(process, record);
}

/* Returns the size of the string including its NUL; 0 if it could not be read. */
static uint16_t read_string(struct target *target, const char *address, char *to, size_t max)
{
	ssize_t length;

	if (!address)
		return 0;
	length = target_read_string(target, (uint64_t)(uintptr_t)address, to, max, NULL);
	return length < 0 ? 0 : (uint16_t)(length + 1);
}

static int read_site(const struct observed_process *process, uint64_t address,
		     struct site_record *record)
{
	struct flightrec_site raw;
	struct target target;
	int err;

	target_init(&target, (pid_t)process->pid);
	err = target_read(&target, address, &raw, sizeof(raw));
	if (!err) {
		record->site = address;
		record->line = raw.line;
		record->format_size =
			read_string(&target, raw.format, record->format, FR_SITE_FORMAT_MAX);
		record->file_size = read_string(&target, raw.file, record->file, FR_SITE_FILE_MAX);
		record->function_size =
			read_string(&target, raw.function, record->function, FR_SITE_FUNCTION_MAX);
	}
	target_close(&target);
	return !err && record->format_size ? 0 : -ENOENT;
}

int process_table_find_site(struct observed_process *process, uint64_t address, uint64_t time_ns,
			    struct call_site_info *info)
{
	struct process_table *table = process->table;
	struct process_slot slot;

	if (call_sites_find(&process->sites, address, time_ns, info) == 0)
		return 0;
	if (!tracker_process_copy(table->tracker, process->index, &slot) ||
	    FR_WORD_GENERATION(slot.word) != process->generation)
		return -ENOENT;
	if (slot.mapped_ns > time_ns)
		return -ESTALE;
	if (read_site(process, address, table->read))
		return -ENOENT;
	table->read->from_ns = slot.mapped_ns;
	keep_site(process, table->read);
	call_site_describe(table->read, info);
	return 0;
}
