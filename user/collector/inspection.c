// SPDX-License-Identifier: BSD-2-Clause
/* No unit test: it only connects other parts, and tests/e2e/cases/memory.sh goes through it. */
#include "collector/inspection.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/base/array.h"
#include "collector/base/clock.h"
#include "collector/recorder/log_replay.h"
#include "collector/target/log_source.h"
#include "collector/target/mappings.h"
#include "collector/target/proc_file.h"
#include "collector/target/proc_names.h"
#include "collector/target/proc_status.h"

/* For one log. A log of the default size has room for 131,072. */
#define SLOTS_MAX (1u << 20)
/* The length of a container's id. */
#define CONTAINER_ID 64

struct inspection {
	struct inspected_process process;
	struct log_source *source;
	struct log_replay *replay;
	bool running;
	char comm[PROC_COMM_SIZE];
	char exe[PATH_MAX];
	char container[CONTAINER_ID + 1];
};

struct recorder_list {
	struct log_recorder *recorder;
	size_t n, room;
};

/* Container runtimes name a control group by an id of 64 hexadecimal digits. */
static void find_container(struct inspection *inspection)
{
	char group[4096];
	size_t digits = 0;

	proc_file_read(inspection->process.pid, inspection->process.pid, "cgroup", group,
		       sizeof(group));
	group[strcspn(group, "\n")] = '\0';
	for (const char *at = group; *at; at++) {
		digits = isxdigit((unsigned char)*at) ? digits + 1 : 0;
		if (digits == CONTAINER_ID && !isxdigit((unsigned char)at[1])) {
			memcpy(inspection->container, at + 1 - CONTAINER_ID, CONTAINER_ID);
			inspection->process.container = inspection->container;
			return;
		}
	}
}

/* Whether the library's data is in a shared object rather than in the program. */
static bool is_shared(const struct inspection *inspection)
{
	uint64_t state = log_source_log(inspection->source, 0)->header.state;
	char path[64], *line = NULL;
	struct mapping mapping;
	bool shared = false;
	size_t room = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", inspection->process.pid);
	maps = fopen(path, "re");
	while (maps && getline(&line, &room, maps) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (mapping_parse(line, &mapping) || state < mapping.start || state >= mapping.end)
			continue;
		shared = strcmp(mapping.path, inspection->exe) != 0;
		break;
	}
	free(line);
	if (maps)
		fclose(maps);
	return shared;
}

static void describe_process(struct inspection *inspection)
{
	struct inspected_process *process = &inspection->process;

	proc_comm(process->pid, process->pid, inspection->comm);
	if (proc_exe(process->pid, inspection->exe, sizeof(inspection->exe)))
		process->exe = inspection->exe;
	process->uid = proc_user(process->pid);
	find_container(inspection);
	process->shared = is_shared(inspection);
}

static int begin(struct inspection *inspection)
{
	struct memory_log *log;

	if (!log_source_logs(inspection->source))
		return -ENOENT;
	inspection->replay = log_replay_new();
	if (!inspection->replay)
		return -ENOMEM;
	log = log_source_log(inspection->source, 0);
	log->header.library[sizeof(log->header.library) - 1] = '\0';
	inspection->process.library = log->header.library;
	return 0;
}

static struct inspection *new_inspection(void)
{
	struct inspection *inspection = calloc(1, sizeof(*inspection));

	if (inspection)
		inspection->process.comm = inspection->comm;
	return inspection;
}

int inspection_open(struct inspection **opened, pid_t pid)
{
	struct inspection *inspection = new_inspection();
	int err;

	*opened = NULL;
	if (!inspection)
		return -ENOMEM;
	inspection->running = true;
	inspection->process.pid = pid;
	err = log_source_open_process(&inspection->source, pid);
	if (!err)
		err = begin(inspection);
	if (err) {
		inspection_close(inspection);
		return err;
	}
	describe_process(inspection);
	*opened = inspection;
	return 0;
}

int inspection_open_core(struct inspection **opened, const char *path)
{
	struct inspection *inspection = new_inspection();
	const struct log_source_process *process;
	int err;

	*opened = NULL;
	if (!inspection)
		return -ENOMEM;
	err = log_source_open_core(&inspection->source, path);
	if (!err)
		err = begin(inspection);
	if (err) {
		inspection_close(inspection);
		return err;
	}
	process = log_source_process(inspection->source);
	inspection->process.pid = process->pid;
	memcpy(inspection->comm, process->comm, sizeof(inspection->comm));
	*opened = inspection;
	return 0;
}

void inspection_close(struct inspection *inspection)
{
	if (!inspection)
		return;
	log_source_close(inspection->source);
	log_replay_free(inspection->replay);
	free(inspection);
}

const struct inspected_process *inspection_process(const struct inspection *inspection)
{
	return &inspection->process;
}

static int note_slot(void *arg, uint32_t slot, const struct memory_slot *copy)
{
	struct recorder_list *list = arg;

	if (list->n == SLOTS_MAX)
		return 0;
	if (array_reserve(list->recorder, list->room, list->n + 1))
		return -ENOMEM;
	list->recorder[list->n++] = (struct log_recorder){slot, *copy};
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct log_recorder *x = a, *y = b;

	return (x->copy.id > y->copy.id) - (x->copy.id < y->copy.id);
}

static struct log_owner make_owner(struct inspection *inspection, struct memory_log *log)
{
	struct log_owner owner = {.pid = inspection->process.pid,
				  .comm = inspection->process.comm,
				  .exe = inspection->process.exe,
				  .running = inspection->running};

	if (inspection->running) {
		owner.now_ns = clock_ns(CLOCK_REALTIME);
		tick_clock_now(&owner.clock, &log->header,
			       log_source_process(inspection->source)->ahead_ns);
	} else {
		owner.now_ns = log_source_process(inspection->source)->time_ns;
		tick_clock_stored(&owner.clock, &log->header);
	}
	return owner;
}

static int replay_log(struct inspection *inspection, struct memory_log *log, bool closed,
		      int (*emit)(void *arg, const struct report *report), void *arg)
{
	struct recorder_list list = {0};
	struct log_owner owner = make_owner(inspection, log);
	int err = memory_log_slots(log, closed, note_slot, &list);

	if (!err && list.n)
		qsort(list.recorder, list.n, sizeof(*list.recorder), by_id);
	for (size_t i = 0; !err && i < list.n; i++) {
		struct report *report;

		err = log_replay_make(inspection->replay, log, &list.recorder[i], &owner, &report);
		if (!err)
			err = emit(arg, report);
		else if (err == -ESTALE)
			err = 0; /* closed while we looked at others, with nothing left of it */
	}
	free(list.recorder);
	return err;
}

/* Its memory goes before the process does, and reading there then fails in various ways. */
static bool has_no_memory(pid_t pid)
{
	char size[32];

	return !proc_status_read(pid, pid, "VmSize:", size, sizeof(size));
}

int inspection_replay(struct inspection *inspection, bool closed,
		      int (*emit)(void *arg, const struct report *report), void *arg)
{
	int err = 0;

	for (size_t i = 0; !err && i < log_source_logs(inspection->source); i++)
		err = replay_log(inspection, log_source_log(inspection->source, i), closed, emit,
				 arg);
	return err && inspection->running && has_no_memory(inspection->process.pid) ? -ESRCH : err;
}

int inspection_each(int (*fn)(void *arg, struct inspection *inspection), void *arg)
{
	DIR *proc = opendir("/proc");
	struct inspection *inspection;
	struct dirent *entry;
	int err = 0;

	if (!proc)
		return -errno;
	while (!err && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0 || inspection_open(&inspection, pid))
			continue;
		err = fn(arg, inspection);
		inspection_close(inspection);
	}
	closedir(proc);
	return err;
}
