// SPDX-License-Identifier: BSD-2-Clause
/* No unit test: every function asks the kernel, and tests/e2e/cases/where.sh goes through them. */
#include "collector/kernel/threads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "collector/kernel/libbpf_message.h"
#include "thread.skel.h"

struct threads {
	struct thread_bpf *skeleton;
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
	const struct bpf_program *program = t->skeleton->progs.read_thread;
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (!bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		fn(bpf_program__name(program), info.verified_insns);
}

/* The kernel makes an iterator for one thread; before Linux 6.1 it cannot. */
static int open_iterator(struct threads *t, pid_t tid)
{
	union bpf_iter_link_info info = {.task.tid = (uint32_t)tid};
	LIBBPF_OPTS(bpf_link_create_opts, options, .iter_info = &info,
		    .iter_info_len = sizeof(info));
	int program = bpf_program__fd(t->skeleton->progs.read_thread);
	int link = bpf_link_create(program, 0, BPF_TRACE_ITER, &options);
	int fd;

	if (link < 0)
		return -errno;
	fd = bpf_iter_create(link);
	if (fd < 0)
		fd = -errno;
	close(link);
	return fd;
}

int threads_read(struct threads *t, pid_t tid, struct thread_record *record)
{
	int fd = open_iterator(t, tid);
	ssize_t got;

	if (fd < 0)
		return fd;
	do
		got = read(fd, record, sizeof(*record));
	while (got < 0 && (errno == EAGAIN || errno == EINTR));
	if (got < 0)
		got = -errno;
	close(fd);
	if (got < 0)
		return (int)got;
	return got == sizeof(*record) && (pid_t)record->tid == tid ? 0 : -ESRCH;
}
