// SPDX-License-Identifier: BSD-2-Clause
#include "collector/where/thread_look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/kernel/threads.h"
#include "collector/span/syscall_names.h"
#include "collector/unwind/unwind_protocol.h"

/* A thread that sleeps stays where it is; one that does not is not waited for. */
#define TRIES 5
/* TASK_UNINTERRUPTIBLE of the kernel. */
#define UNINTERRUPTIBLE 2

/* Returns how much there is, up to the first page that cannot be read. */
static size_t read_memory(int fd, uint64_t start, unsigned char *to, size_t size)
{
	size_t all = 0;

	while (all < size) {
		ssize_t got = pread(fd, to + all, size - all, (off_t)(start + all));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		all += (size_t)got;
	}
	return all;
}

static unsigned char *copy_memory(int fd, uint64_t start, size_t size, size_t *copied)
{
	unsigned char *copy = malloc(size ? size : 1);

	*copied = copy ? read_memory(fd, start, copy, size) : 0;
	return copy;
}

static void copy_stack(struct thread_look *look, int fd)
{
	uint64_t sp = look->record.sp, end = look->modules.stack_end;
	size_t size = end > sp ? end - sp : 0;

	look->stack = copy_memory(fd, sp, size < UNWIND_STACK_MAX ? size : UNWIND_STACK_MAX,
				  &look->stack_size);
}

static void copy_vdso(struct thread_look *look, int fd)
{
	const struct modules *modules = &look->modules;
	uint64_t size = modules->vdso_end - modules->vdso_start;

	if (size && size <= UNWIND_VDSO_MAX)
		look->vdso = copy_memory(fd, modules->vdso_start, size, &look->vdso_size);
}

/* Returns a descriptor of its memory, or a negative errno. */
static int open_memory(struct thread_look *look)
{
	pid_t pid = (pid_t)look->record.pid;
	char path[64];
	int err = modules_read(pid, look->record.sp, &look->modules), fd;

	if (err)
		return err;
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int copy_once(struct thread_look *look)
{
	int fd;

	thread_look_free(look);
	fd = open_memory(look);
	if (fd < 0)
		return fd;
	copy_stack(look, fd);
	copy_vdso(look, fd);
	close(fd);
	return look->stack_size ? 0 : -EFAULT;
}

int thread_look_add_files(struct thread_look *look)
{
	int fd = open_memory(look);

	if (fd < 0)
		return fd;
	copy_vdso(look, fd);
	close(fd);
	return 0;
}

/* Whether a thread did not run between two readings. */
static bool stayed(const struct thread_record *before, const struct thread_record *after)
{
	return !before->on_cpu && !after->on_cpu && before->pid == after->pid &&
	       before->start_ns == after->start_ns &&
	       before->voluntary_switches == after->voluntary_switches &&
	       before->involuntary_switches == after->involuntary_switches &&
	       before->runtime_ns == after->runtime_ns && before->pc == after->pc &&
	       before->sp == after->sp && memcmp(before->reg, after->reg, sizeof(before->reg)) == 0;
}

/*
 * Whoever maps memory, or has a page brought in, may hold the lock of it all; and if it is stuck in
 * the kernel meanwhile, whoever reads that memory, or its list, is stuck as well: we would be.
 */
static bool may_hold_memory(const struct thread_record *record)
{
	static const char *const names[] = {"mmap",  "munmap", "mremap",     "mprotect", "madvise",
					    "brk",   "mlock",  "mlockall",   "munlock",  "fork",
					    "vfork", "clone",  "clone3",     "execve",   "execveat",
					    "msync", "shmat",  "move_pages", "mbind",    "shmdt"};
	const char *call = record->syscall < 0 || record->syscall > INT32_MAX
				   ? NULL
				   : syscall_name((int)record->syscall);

	if (!(record->state & UNINTERRUPTIBLE))
		return false;
	for (size_t i = 0; call && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(call, names[i]) == 0)
			return true;
	}
	return !call;
}

int thread_look_take(struct thread_look *look, struct threads *threads, pid_t tid,
		     const struct thread_record *known)
{
	struct thread_record after;
	int err = threads_read(threads, tid, &look->record);

	if (!err && !(known && stayed(known, &look->record)) &&
	    threads_any(threads, (pid_t)look->record.pid, may_hold_memory)) {
		look->problem =
			"a thread of its process is stuck in the kernel, and may hold its memory";
		look->untouchable = true;
		return 0;
	}
	for (int i = 0; !err && i < TRIES; i++) {
		if (!i && known && stayed(known, &look->record))
			return 1;
		if (!look->record.on_cpu && copy_once(look)) {
			look->problem = "its memory cannot be read";
			return 0;
		}
		err = threads_read(threads, tid, &after);
		if (!err && stayed(&look->record, &after))
			return 0;
		if (!err)
			look->record = after;
	}
	look->problem = "it is running";
	return err;
}

void thread_look_free(struct thread_look *look)
{
	modules_free(&look->modules);
	free(look->stack);
	free(look->vdso);
	look->stack = look->vdso = NULL;
	look->stack_size = look->vdso_size = 0;
}
