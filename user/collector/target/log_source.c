// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/log_source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/target/core_file.h"
#include "collector/target/mappings.h"
#include "collector/target/target_memory.h"
#include "collector/target/time_namespace.h"

/* What the kernel calls shared anonymous memory in /proc/PID/maps. */
#define SHARED_MEMORY "/dev/zero (deleted)"

struct found_log {
	struct memory_log log;
	struct log_source *source;
	uint64_t address;
	int fd; /* of the mapping, which survives the process; -1: cannot be had */
};

struct log_source {
	struct log_source_process process;
	struct core_file *core; /* NULL: a process */
	bool held;
	struct target target;
	struct found_log *logs[LOG_SOURCE_LOGS_MAX];
	size_t n_logs;
};

static int read_source(struct log_source *source, uint64_t address, void *to, size_t size)
{
	return source->core ? core_file_read(source->core, address, to, size)
			    : target_read(&source->target, address, to, size);
}

static int read_region(void *arg, uint64_t offset, void *to, size_t size)
{
	const struct found_log *log = arg;

	if (log->fd >= 0) {
		ssize_t n = offset > INT64_MAX ? -1 : pread(log->fd, to, size, (off_t)offset);

		return n == (ssize_t)size ? 0 : -EFAULT;
	}
	if (offset > UINT64_MAX - log->address)
		return -EFAULT;
	return read_source(log->source, log->address + offset, to, size);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/*
 * Opens the mapping itself, which can still be read when its process is gone. It is read, never
 * mapped, since the process may pass off a file as its log and cut it short. According to proc(5),
 * this takes CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE in the initial user namespace.
 */
static int hold(const struct log_source *source, const struct mapping *mapping)
{
	char path[96];

	if (mapping->offset)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, source->process.pid,
		 mapping->start, mapping->end);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static void close_log(struct found_log *log)
{
	close_fd(log->fd);
	free(log);
}

static bool is_known(const struct log_source *source, uint64_t address)
{
	for (size_t i = 0; i < source->n_logs; i++) {
		if (source->logs[i]->address == address)
			return true;
	}
	return false;
}

/* Adds the log at @address if there is one. Returns 0, or an error from reading there. */
static int try_address(struct log_source *source, uint64_t address, int fd)
{
	struct found_log *log;
	int err;

	if (source->n_logs == LOG_SOURCE_LOGS_MAX) {
		close_fd(fd);
		return 0;
	}
	log = calloc(1, sizeof(*log));
	if (!log) {
		close_fd(fd);
		return -ENOMEM;
	}
	log->source = source;
	log->address = address;
	log->fd = fd;
	err = memory_log_open(&log->log, read_region, log);
	if (!err)
		source->logs[source->n_logs++] = log;
	else
		close_log(log);
	return err == -EBADMSG || err == -EFAULT ? 0 : err;
}

static int find_in_process(struct log_source *source)
{
	char path[64], *line = NULL;
	size_t room = 0;
	struct mapping mapping;
	ssize_t length;
	FILE *maps;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", source->process.pid);
	maps = fopen(path, "re");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!err && (length = getline(&line, &room, maps)) > 0) {
		line[length - 1] = line[length - 1] == '\n' ? '\0' : line[length - 1];
		if (mapping_parse(line, &mapping) == 0 && !strcmp(mapping.path, SHARED_MEMORY) &&
		    !is_known(source, mapping.start))
			err = try_address(source, mapping.start,
					  source->held ? hold(source, &mapping) : -1);
	}
	/* The kernel checks permissions on each read. */
	if (!err && ferror(maps))
		err = errno ? -errno : -EIO;
	free(line);
	fclose(maps);
	return err;
}

static int open_process(struct log_source **opened, pid_t pid, bool held)
{
	struct log_source *source = calloc(1, sizeof(*source));
	int err;

	*opened = NULL;
	if (!source)
		return -ENOMEM;
	source->process.pid = pid;
	source->process.ahead_ns = time_namespace_ahead_ns(pid);
	source->held = held;
	target_init(&source->target, pid);
	err = find_in_process(source);
	if (err)
		log_source_close(source);
	else
		*opened = source;
	return err;
}

int log_source_open_process(struct log_source **opened, pid_t pid)
{
	return open_process(opened, pid, false);
}

int log_source_hold_process(struct log_source **opened, pid_t pid)
{
	return open_process(opened, pid, true);
}

int log_source_look_again(struct log_source *source)
{
	return find_in_process(source);
}

int log_source_open_core(struct log_source **opened, const char *path)
{
	struct log_source *source = calloc(1, sizeof(*source));
	int err;

	*opened = NULL;
	if (!source)
		return -ENOMEM;
	target_init(&source->target, 0);
	err = core_file_open(&source->core, path);
	for (size_t i = 0; !err && i < core_file_segments(source->core); i++)
		err = try_address(source, core_file_segment(source->core, i), -1);
	if (err) {
		log_source_close(source);
		return err;
	}
	source->process.pid = core_file_pid(source->core);
	source->process.time_ns = core_file_time_ns(source->core);
	memcpy(source->process.comm, core_file_comm(source->core), sizeof(source->process.comm));
	*opened = source;
	return 0;
}

void log_source_close(struct log_source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < source->n_logs; i++)
		close_log(source->logs[i]);
	core_file_close(source->core);
	target_close(&source->target);
	free(source);
}

size_t log_source_logs(const struct log_source *source)
{
	return source->n_logs;
}

struct memory_log *log_source_log(struct log_source *source, size_t index)
{
	return &source->logs[index]->log;
}

uint64_t log_source_address(const struct log_source *source, size_t index)
{
	return source->logs[index]->address;
}

const struct log_source_process *log_source_process(const struct log_source *source)
{
	return &source->process;
}
