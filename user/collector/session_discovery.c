// SPDX-License-Identifier: BSD-2-Clause
/* Finds what to attach to: named processes, all processes, and the usual files. */
#include "collector/session_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/message.h"
#include "collector/recorder/adoption.h"
#include "collector/recorder/looks.h"
#include "collector/target/elf_probes.h"
#include "collector/target/elf_stripped.h"
#include "collector/target/mapping_open.h"
#include "collector/target/mappings.h"
#include "collector/target/target_memory.h"

static void watch_by_probes(struct session *s, pid_t pid, const char *why)
{
	if (looks_leave(s->looks, pid))
		message_limited(&s->by_probes_told, "process %d has %s: it is watched by probes",
				pid, why);
	attachments_scan_by_probes(&s->attachments, pid, adoption_add, s->recorders);
	adoption_run(s->recorders);
}

void session_try_by_memory(void *session, pid_t pid, int err)
{
	struct session *s = session;

	switch (err) {
	case -ENOTSUP:
		watch_by_probes(s, pid,
				"recorders that are in no memory log (FLIGHTREC_MEMORY=0, or no "
				"memory)");
		break;
	case -ETIME:
		watch_by_probes(s, pid, "a memory log by another clock than the kernel's");
		break;
	case -EACCES:
	case -EPERM:
		watch_by_probes(s, pid, "a memory log that may not be read");
		break;
	}
}

/* Whether a process is to have recorders, but no log of them. */
static bool keeps_no_log(pid_t pid, uint64_t state)
{
	struct flightrec_state copy;
	struct flightrec_process process;
	struct target target;
	bool none;

	target_init(&target, pid);
	none = target_read(&target, state, &copy, sizeof(copy)) == 0 && copy.process &&
	       target_read(&target, copy.process, &process, sizeof(process)) == 0 &&
	       process.memory == FLIGHTREC_NO_MEMORY;
	target_close(&target);
	return none;
}

/* A copy of the library, whose open recorders are to be taken over. */
static void on_copy(void *arg, pid_t pid, uint64_t state)
{
	struct session *s = arg;

	if (!s->looks)
		adoption_add(s->recorders, pid, state);
	else if (keeps_no_log(pid, state) || looks_has_left(s->looks, pid))
		session_try_by_memory(s, pid, -ENOTSUP);
	else
		session_try_by_memory(s, pid, looks_add(s->looks, pid, s->watching_since_ns));
}

void session_forget_open(void *session, pid_t pid)
{
	struct session *s = session;

	adoption_forget(s->recorders, pid);
}

void session_look_unasked(void *session, pid_t pid)
{
	struct session *s = session;

	if (s->looks)
		looks_unasked(s->looks, pid);
}

int session_scan(struct session *s, pid_t pid)
{
	int copies = attachments_scan(&s->attachments, pid, on_copy, s);

	if (s->spans)
		spans_scan(s->spans, pid);
	s->library_seen = s->library_seen || copies > 0;
	return copies;
}

/*
 * Links of many places may be attached to anybody's process. But without the right to trace it, its
 * memory, and so what is open in it, stays unknown.
 */
static int may_trace(pid_t pid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES || errno == EPERM ? -errno : 0;
	close(fd);
	return 0;
}

int session_watch(struct session *s, pid_t pid)
{
	int err = may_trace(pid);

	err = err ? err : tracker_watch(s->tracker, pid);
	if (err)
		return err;
	s->watching_since_ns = clock_ns(CLOCK_MONOTONIC);
	err = session_scan(s, pid);
	s->watching_since_ns = 0;
	return err;
}

void session_unwatch(struct session *s, pid_t pid)
{
	tracker_unwatch(s->tracker, pid);
}

int session_watch_all(struct session *s, bool (*stop)(void *arg), void *arg)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int found = 0;

	if (!proc)
		return -errno;
	s->attachments.tell = true;
	s->watching_since_ns = clock_ns(CLOCK_MONOTONIC);
	while (!stop(arg) && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && pid != getpid() && session_scan(s, pid) > 0)
			found++;
	}
	s->watching_since_ns = 0;
	closedir(proc);
	return found;
}

const char *session_watch_usual(struct session *s)
{
	attachments_add_usual(&s->attachments);
	return s->attachments.copies ? NULL : session_problem(s);
}

size_t session_spans_of(struct session *s, pid_t pid)
{
	return s->spans ? spans_scan(s->spans, pid) : 0;
}

const char *session_span_problem(const struct session *s, size_t i)
{
	return spans_problem(s->spans, i);
}

bool session_spans_may_come(const struct session *s)
{
	return spans_may_come(s->spans);
}

const char *session_problem(const struct session *s)
{
	return s->attachments.problem[0] ? s->attachments.problem : NULL;
}

static void ignore_copy(void *arg, pid_t pid, uint64_t state)
{
	(void)arg;
	(void)pid;
	(void)state;
}

/* Whether @is returns true for a file that a process maps. */
static bool maps_file(pid_t pid, bool (*is)(int fd))
{
	struct mappings mappings;
	bool found = false;

	if (mappings_read(pid, &mappings) == 0) {
		for (size_t i = 0; i < mappings.files && !found; i++) {
			int fd = mapping_open(pid, &mappings, &mappings.file[i]);

			if (fd < 0)
				continue;
			found = is(fd);
			close(fd);
		}
	}
	mappings_free(&mappings);
	return found;
}

static bool has_probes(int fd)
{
	struct elf_probes probes;

	return elf_probes_find(fd, &probes) == 0;
}

bool session_uses_library(pid_t pid)
{
	return maps_file(pid, has_probes);
}

bool session_lost_notes(pid_t pid)
{
	return maps_file(pid, elf_stripped_of_notes);
}

int session_try(void (*verified)(const char *program, uint32_t count), char *error,
		size_t error_size)
{
	const struct tracker_options options = {
		.ring_bytes = 1 << 16, .max_recorders = 64, .spans = true};
	struct attachments_options attachments_options = {.each_process = true};
	struct attachments attachments;
	struct tracker *tracker;
	int err = tracker_open(&tracker, &options, NULL, error, error_size);

	if (err)
		return err;
	if (verified)
		tracker_verified(tracker, verified);
	attachments_options.tracker = tracker;
	err = attachments_init(&attachments, &attachments_options);
	if (err)
		snprintf(error, error_size, "cannot start: %s", strerror(-err));
	else
		attachments_scan(&attachments, getpid(), ignore_copy, NULL);
	if (!err && attachments.problem[0]) {
		snprintf(error, error_size, "%s", attachments.problem);
		err = -EPERM;
	}
	attachments_free(&attachments);
	tracker_close(tracker);
	return err;
}
