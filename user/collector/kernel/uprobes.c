// SPDX-License-Identifier: BSD-2-Clause
#include "collector/kernel/uprobes.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "collector/base/array.h"

/* Each takes the kernel tens of milliseconds, but hardly any CPU time: so one thread for each. */
#define DETACH_THREADS 128
#define DETACH_STACK (64 * 1024)

#define MULTI_RETURN 1 /* BPF_F_UPROBE_MULTI_RETURN */
#define PERF_RETURN 1  /* format/retprobe of the perf event */

/* The arguments of BPF_LINK_CREATE. The headers used for a build may be older. */
struct multi_attr {
	uint32_t program;
	uint32_t target;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t ref_ctr_offsets;
	uint64_t cookies;
	uint32_t count;
	uint32_t multi_flags;
	uint32_t pid;
	uint32_t reserved;
};

static int link_multi(struct multi_attr *attr)
{
	int fd;

	attr->attach_type = UPROBES_MULTI_TYPE;
	fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, attr, sizeof(*attr));
	return fd < 0 ? -errno : fd;
}

/*
 * The first kernels with such links mistook a process's id for a thread's. The others can be told
 * because they refuse an impossible id before they look at the path.
 */
bool uprobes_multi_possible(void)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = UPROBES_MULTI_TYPE);
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	const uint64_t offset = 0;
	struct multi_attr attr = {.path = (uintptr_t) "/",
				  .offsets = (uintptr_t)&offset,
				  .count = 1,
				  .pid = UINT32_MAX};
	int program, err;

	program = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "fr_multi", "Dual BSD/GPL", nothing, 2,
				&options);
	if (program < 0)
		return false;
	attr.program = (uint32_t)program;
	err = link_multi(&attr);
	if (err == -EINVAL) {
		attr.pid = 0;
		err = link_multi(&attr);
		close(program);
		return err == -EBADF; /* since it is not a file */
	}
	close(program);
	return false;
}

static int add_link(struct uprobe_links *links, int fd)
{
	if (fd < 0)
		return fd;
	if (array_reserve(links->fd, links->room, links->count + 1)) {
		close(fd);
		return -ENOMEM;
	}
	links->fd[links->count++] = fd;
	return 0;
}

static int attach_multi(const struct uprobes_request *r, const char *path,
			struct uprobe_links *links)
{
	uint64_t offsets[UPROBES_MAX], ref_ctr_offsets[UPROBES_MAX], cookies[UPROBES_MAX];
	struct multi_attr attr = {.program = (uint32_t)r->program,
				  .path = (uintptr_t)path,
				  .offsets = (uintptr_t)offsets,
				  .ref_ctr_offsets = (uintptr_t)ref_ctr_offsets,
				  .cookies = (uintptr_t)cookies,
				  .count = (uint32_t)r->count,
				  .multi_flags = r->returns ? MULTI_RETURN : 0,
				  .pid = (uint32_t)r->pid};

	for (size_t i = 0; i < r->count; i++) {
		offsets[i] = r->uprobe[i].offset;
		ref_ctr_offsets[i] = r->uprobe[i].ref_ctr_offset;
		cookies[i] = r->uprobe[i].cookie;
	}
	return add_link(links, link_multi(&attr));
}

/* ---- a perf event for each place ---- */

/* The number that the kernel gave to uprobes among the types of events. */
static int perf_type(uint32_t *type)
{
	FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	bool got;

	if (!file)
		return -errno;
	got = fscanf(file, "%u", type) == 1;
	fclose(file);
	return got ? 0 : -EINVAL;
}

static int open_event(const struct uprobes_request *r, const struct uprobe *uprobe,
		      const char *path)
{
	pid_t pid = r->pid;
	struct perf_event_attr attr = {.size = sizeof(attr),
				       .config = uprobe->ref_ctr_offset << 32 |
						 (r->returns ? PERF_RETURN : 0),
				       .uprobe_path = (uintptr_t)path,
				       .probe_offset = uprobe->offset};
	int err = perf_type(&attr.type), fd;

	if (err)
		return err;
	fd = (int)syscall(SYS_perf_event_open, &attr, pid ? pid : -1, pid ? -1 : 0, -1,
			  PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int attach_event(const struct uprobes_request *r, const struct uprobe *uprobe,
			const char *path)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .perf_event.bpf_cookie = uprobe->cookie);
	int event = open_event(r, uprobe, path), link;

	if (event < 0)
		return event;
	link = bpf_link_create(r->program, event, BPF_PERF_EVENT, &options);
	if (link < 0)
		link = -errno;
	else
		ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
	/* The link holds the event. */
	close(event);
	return link;
}

static int attach_events(const struct uprobes_request *r, const char *path,
			 struct uprobe_links *links)
{
	for (size_t i = 0; i < r->count; i++) {
		int err = add_link(links, attach_event(r, &r->uprobe[i], path));

		if (err)
			return err;
	}
	return 0;
}

int uprobes_attach(const struct uprobes_request *r, struct uprobe_links *links)
{
	struct uprobe_links made = {0};
	char path[64];
	int err;

	if (r->count > UPROBES_MAX)
		return -E2BIG;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", r->file);
	err = r->multi ? attach_multi(r, path, &made) : attach_events(r, path, &made);
	if (!err)
		err = array_reserve(links->fd, links->room, links->count + made.count);
	if (err)
		uprobe_links_detach(&made);
	else
		uprobe_links_move(links, &made);
	return err;
}

void uprobe_links_move(struct uprobe_links *to, struct uprobe_links *from)
{
	if (array_reserve(to->fd, to->room, to->count + from->count)) {
		uprobe_links_detach(from);
		return;
	}
	for (size_t i = 0; i < from->count; i++)
		to->fd[to->count++] = from->fd[i];
	free(from->fd);
	*from = (struct uprobe_links){0};
}

/* ---- removing them ---- */

struct detaching {
	const struct uprobe_links *links;
	size_t next;
};

static void *detach_some(void *arg)
{
	struct detaching *d = arg;

	for (;;) {
		size_t i = __atomic_fetch_add(&d->next, 1, __ATOMIC_RELAXED);

		if (i >= d->links->count)
			return NULL;
		close(d->links->fd[i]);
	}
}

/*
 * Closing a link waits until no CPU can be inside the probe any more. Closing all of them at the
 * same time takes no longer than closing one.
 */
void uprobe_links_detach(struct uprobe_links *links)
{
	struct detaching d = {.links = links};
	pthread_t threads[DETACH_THREADS];
	pthread_attr_t attr;
	size_t started = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, DETACH_STACK);
	while (started < DETACH_THREADS && started + 1 < links->count &&
	       pthread_create(&threads[started], &attr, detach_some, &d) == 0)
		started++;
	pthread_attr_destroy(&attr);
	detach_some(&d);
	while (started)
		pthread_join(threads[--started], NULL);
	free(links->fd);
	*links = (struct uprobe_links){0};
}
