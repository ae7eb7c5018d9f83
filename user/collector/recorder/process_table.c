// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/process_table.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uthash.h>

#include "collector/base/clock.h"
#include "collector/target/target_memory.h"

/* Call sites are static objects: a process with more than this is making them up. */
#define SITES_MAX 16384

struct call_site {
	uint64_t address;
	unsigned int line;
	char *format;
	char *file;
	char *function;
	UT_hash_handle hh;
};

int process_table_init(struct process_table *table, struct tracker *tracker)
{
	table->tracker = tracker;
	table->process = calloc(tracker_limits(tracker).processes, sizeof(table->process[0]));
	return table->process ? 0 : -ENOMEM;
}

static void free_site(struct call_site *site)
{
	free(site->format);
	free(site->file);
	free(site->function);
	free(site);
}

static void free_process(struct observed_process *process)
{
	struct call_site *site, *next;

	if (!process)
		return;
	HASH_ITER(hh, process->sites, site, next)
	{
		HASH_DEL(process->sites, site);
		free_site(site);
	}
	free(process->exe);
	free(process);
}

void process_table_free(struct process_table *table)
{
	if (!table->process)
		return;
	for (uint32_t i = 0; i < tracker_limits(table->tracker).processes; i++)
		free_process(table->process[i]);
	free(table->process);
	table->process = NULL;
}

static char *read_exe(uint32_t pid)
{
	char link[32], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	length = readlink(link, path, sizeof(path) - 1);
	if (length <= 0)
		return NULL;
	path[length] = '\0';
	return strdup(path);
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
	free_process(process);
	process = table->process[index] = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->generation = generation;
	process->seen_ns = clock_ns(CLOCK_MONOTONIC);
	if (tracker_process_copy(table->tracker, index, &slot)) {
		process->pid = slot.key.pid;
		memcpy(process->comm, slot.comm, FR_COMM_SIZE);
	}
	process->exe = read_exe(process->pid);
	return process;
}

void process_table_drop(struct process_table *table, uint32_t index)
{
	if (index >= tracker_limits(table->tracker).processes)
		return;
	free_process(table->process[index]);
	table->process[index] = NULL;
}

/* @size counts the NUL, as bpf_probe_read_user_str() does; 0: it could not be read. */
static char *copy_string(const char *from, size_t size, size_t max)
{
	return size && size <= max ? strndup(from, size - 1) : NULL;
}

static struct call_site *new_site(struct observed_process *process, uint64_t address)
{
	struct call_site *site;

	HASH_FIND(hh, process->sites, &address, sizeof(address), site);
	if (site) {
		HASH_DEL(process->sites, site);
		process->n_sites--;
		free_site(site);
	}
	if (process->n_sites >= SITES_MAX)
		return NULL;
	site = calloc(1, sizeof(*site));
	if (site)
		site->address = address;
	return site;
}

static void keep_site(struct observed_process *process, struct call_site *site)
{
	HASH_ADD(hh, process->sites, address, sizeof(site->address), site);
	process->n_sites++;
}

void process_table_site(struct process_table *table, const struct site_record *record)
{
	struct observed_process *process = process_table_get(table, record->process);
	struct call_site *site;

	if (!process || !record->format_size)
		return;
	site = new_site(process, record->site);
	if (!site)
		return;
	site->line = record->line;
	site->format = copy_string(record->format, record->format_size, FR_SITE_FORMAT_MAX);
	site->file = copy_string(record->file, record->file_size, FR_SITE_FILE_MAX);
	site->function = copy_string(record->function, record->function_size, FR_SITE_FUNCTION_MAX);
	if (!site->format) {
		free_site(site);
		return;
	}
	keep_site(process, site);
}

static char *read_string(struct target *target, const char *address, size_t max)
{
	char buffer[FR_SITE_FORMAT_MAX];

	if (!address ||
	    target_read_string(target, (uint64_t)(uintptr_t)address, buffer, max, NULL) < 0)
		return NULL;
	return strdup(buffer);
}

static struct call_site *read_site(struct observed_process *process, uint64_t address)
{
	struct flightrec_site raw;
	struct target target;
	struct call_site *site = NULL;

	target_init(&target, (pid_t)process->pid);
	if (target_read(&target, address, &raw, sizeof(raw)) == 0 &&
	    (site = new_site(process, address))) {
		site->line = raw.line;
		site->format = read_string(&target, raw.format, FR_SITE_FORMAT_MAX);
		site->file = read_string(&target, raw.file, FR_SITE_FILE_MAX);
		site->function = read_string(&target, raw.function, FR_SITE_FUNCTION_MAX);
		if (site->format) {
			keep_site(process, site);
		} else {
			free_site(site);
			site = NULL;
		}
	}
	target_close(&target);
	return site;
}

int process_table_find_site(struct observed_process *process, uint64_t address,
			    struct call_site_info *info)
{
	struct call_site *site;

	*info = (struct call_site_info){0};
	HASH_FIND(hh, process->sites, &address, sizeof(address), site);
	if (!site)
		site = read_site(process, address);
	if (!site)
		return -ENOENT;
	info->format = site->format;
	info->format_size = strlen(site->format);
	info->file = site->file;
	info->function = site->function;
	info->line = site->line;
	return 0;
}
