// SPDX-License-Identifier: BSD-2-Clause
/* No unit test: every function asks the kernel, and tests/e2e/cases/where.sh goes through them. */
#include "collector/kernel/threads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "collector/base/clock.h"
#include "collector/kernel/libbpf_message.h"
#include "thread.skel.h"

/* One search takes so much of the time until the next; a short one is always possible. */
#define SEARCH_SHARE 100
#define SEARCH_FREE_NS 1000000

/* Of one process. */
#define THREADS_MAX 4096

struct threads {
	struct thread_bpf *skeleton;
	uint64_t search_again_ns; /* CLOCK_MONOTONIC */
};

int threads_open(struct threads **threads, char *error, size_t error_size)
{
	struct threads *t = calloc(1, sizeof(*t));
	int err = t ? 0 : -ENOMEM;

	*threads = NULL;
	libbpf_message_keep();
	if (t) {
		t->skeleton = thread_bpf__open_and_load();
		err = t->skeleton ? 0 : -errno;
	}
	if (err) {
		const char *why = libbpf_message();

		snprintf(error, error_size, "%s", *why ? why : strerror(-err));
		free(t);
		return err;
	}
	*threads = t;
	return 0;
}

void threads_close(struct threads *t)
{
	if (t)
		thread_bpf__destroy(t->skeleton);
	free(t);
}

void threads_verified(struct threads *t, void (*fn)(const char *program, uint32_t count))
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, t->skeleton->obj)
	{
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);

		if (!bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			fn(bpf_program__name(program), info.verified_insns);
	}
}

static int open_iterator(struct bpf_program *program, const struct bpf_link_create_opts *options)
{
	int link = bpf_link_create(bpf_program__fd(program), 0, BPF_TRACE_ITER, options);
	int fd;

	if (link < 0)
		return -errno;
	fd = bpf_iter_create(link);
	if (fd < 0)
		fd = -errno;
	close(link);
	return fd;
}

static ssize_t read_iterator(int fd, void *to, size_t size)
{
	ssize_t got;

	do
		got = read(fd, to, size);
	while (got < 0 && (errno == EAGAIN || errno == EINTR));
	return got < 0 ? -errno : got;
}

int threads_read(struct threads *t, pid_t tid, struct thread_record *record)
{
	/* The kernel makes an iterator for one thread; before Linux 6.1 it cannot. */
	union bpf_iter_link_info info = {.task.tid = (uint32_t)tid};
	LIBBPF_OPTS(bpf_link_create_opts, options, .iter_info = &info,
		    .iter_info_len = sizeof(info));
	int fd = open_iterator(t->skeleton->progs.read_thread, &options);
	ssize_t got;

	if (fd < 0)
		return fd;
	got = read_iterator(fd, record, sizeof(*record));
	close(fd);
	if (got < 0)
		return (int)got;
	return got == sizeof(*record) && (pid_t)record->tid == tid ? 0 : -ESRCH;
}

int threads_any(struct threads *t, pid_t pid, bool (*fn)(const struct thread_record *record))
{
	union bpf_iter_link_info info = {.task.pid = (uint32_t)pid};
	LIBBPF_OPTS(bpf_link_create_opts, options, .iter_info = &info,
		    .iter_info_len = sizeof(info));
	int fd = open_iterator(t->skeleton->progs.read_thread, &options);
	struct thread_record record;
	ssize_t got = 0;
	bool found = false;

	if (fd < 0)
		return fd;
	for (int i = 0; i < THREADS_MAX && !found; i++) {
		got = read_iterator(fd, &record, sizeof(record));
		if (got != sizeof(record))
			break;
		found = fn(&record);
	}
	close(fd);
	return got < 0 ? (int)got : found;
}

int threads_find_file(struct threads *t, uint64_t device, uint64_t inode, struct thread_file *files,
		      size_t most)
{
	size_t got = 0, size = most * sizeof(*files);
	uint64_t began_ns = clock_ns(CLOCK_MONOTONIC), took_ns;
	ssize_t n = 1;
	int fd;

	if (began_ns < t->search_again_ns)
		return -EAGAIN;
	fd = open_iterator(t->skeleton->progs.find_file, NULL);
	if (fd < 0)
		return fd;
	/* It begins when it is read. */
	t->skeleton->bss->wanted_inode = inode;
	t->skeleton->bss->wanted_device = (major(device) << 20) | minor(device);
	while (got < size && n > 0) {
		n = read_iterator(fd, (char *)files + got, size - got);
		got += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	took_ns = clock_ns(CLOCK_MONOTONIC) - began_ns;
	if (took_ns > SEARCH_FREE_NS)
		t->search_again_ns = began_ns + took_ns * SEARCH_SHARE;
	return n < 0 ? (int)n : (int)(got / sizeof(*files));
}
