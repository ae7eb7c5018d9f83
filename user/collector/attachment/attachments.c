// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/attachments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "collector/attachment/attaching.h"
#include "collector/attachment/departures.h"
#include "collector/attachment/detacher.h"
#include "collector/attachment/file_lease.h"
#include "collector/attachment/liveness.h"
#include "collector/attachment/probe_placement.h"
#include "collector/attachment/semaphores.h"
#include "collector/attachment/usual_files.h"
#include "collector/base/array.h"
#include "collector/base/clock.h"
#include "collector/target/elf_places.h"
#include "collector/target/mapping_open.h"
#include "collector/target/mappings.h"

/* In epoll events, beside numbers of processes. */
#define TOKEN_LEASES UINT64_MAX
#define TOKEN_DETACHED (UINT64_MAX - 1)

/* Mappings of one file in one process that are told apart. */
#define PLACES_MAX 16

static int add_to_epoll(const struct attachments *a, int fd, uint32_t events, uint64_t token)
{
	struct epoll_event event = {.events = events, .data.u64 = token};

	return epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int attachments_init(struct attachments *a, const struct attachments_options *options)
{
	int err;

	*a = (struct attachments){.options = *options,
				  .next_ns = UINT64_MAX,
				  .not_attached = {.lines = 3, .window_ns = 1000000000},
				  .not_seen = {.lines = 3, .window_ns = 1000000000},
				  .detacher = detacher_new(),
				  .lease_signals = -1,
				  .epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
	if (a->epoll_fd < 0)
		return -errno;
	a->users.epoll_fd = a->epoll_fd;
	if (!a->detacher)
		return -ENOMEM;
	a->lease_signals = file_lease_signals();
	if (a->lease_signals < 0)
		return a->lease_signals;
	err = add_to_epoll(a, detacher_fd(a->detacher), EPOLLIN, TOKEN_DETACHED);
	return err ? err : add_to_epoll(a, a->lease_signals, EPOLLIN | EPOLLET, TOKEN_LEASES);
}

static void close_descriptor(int *fd)
{
	if (*fd > 0)
		close(*fd);
	*fd = -1;
}

void attachments_free(struct attachments *a)
{
	struct attached_file *file = NULL;
	struct uprobe_links all = {0};

	a->closed = true;
	/* Waits for those that are being taken out. */
	detacher_free(a->detacher);
	a->detacher = NULL;
	while ((file = attached_files_next(&a->files, file)))
		uprobe_links_move(&all, &file->links);
	uprobe_links_detach(&all);
	file_users_drop_all(&a->users);
	/* And gives back the leases: now others may write. */
	while ((file = attached_files_next(&a->files, NULL)))
		attached_files_remove(&a->files, file);
	attached_files_forget_plain(&a->files);
	close_descriptor(&a->lease_signals);
	close_descriptor(&a->epoll_fd);
	free(a->later);
	a->later = NULL;
	a->laters = a->later_room = 0;
	a->next_ns = UINT64_MAX;
}

/* ---- what comes later ---- */

int attachments_fd(const struct attachments *a)
{
	return a->epoll_fd;
}

uint64_t attachments_next(const struct attachments *a)
{
	return a->users.left || a->usual_again ? 1 : a->next_ns;
}

static void on_event(struct attachments *a, uint64_t token)
{
	struct attached_file *file;
	struct file_user *user;

	if (token == TOKEN_LEASES) {
		if (file_lease_take_signals(a->lease_signals))
			departures_wanted(a);
	} else if (token == TOKEN_DETACHED) {
		while ((file = detacher_done(a->detacher)))
			departures_done(a, file);
	} else {
		user = file_users_find(&a->users, (pid_t)token);
		if (user)
			file_users_drop(&a->users, user);
	}
}

void attachments_work(struct attachments *a, bool scans_pending)
{
	struct epoll_event events[64];
	int n;

	if (a->closed)
		return;
	do {
		n = epoll_wait(a->epoll_fd, events, 64, 0);
		for (int i = 0; i < n; i++)
			on_event(a, events[i].data.u64);
	} while (n == 64);
	departures_due(a, clock_ns(CLOCK_MONOTONIC), scans_pending);
	if (a->usual_again)
		attachments_add_usual(a);
}

/* ---- scanning a process ---- */

/* What is done with the files that a process maps. */
struct scan {
	struct attachments *attachments;
	struct mappings mappings;
	attachments_copy_fn fn;
	void *arg;
	struct file_user_scan used;
	struct liveness blind;
};

/* By its name: one that was started itself, with the program as its argument. */
static bool has_linker_name(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	return strncmp(name, "ld-", 3) == 0 || strncmp(name, "ld.so", 5) == 0 ||
	       strncmp(name, "ld64.so", 7) == 0 || strncmp(name, "libc.musl", 9) == 0;
}

static bool is_linker(const struct mappings *mappings, const struct mapped_file *mapped)
{
	return (size_t)(mapped - mappings->file) == mappings->linker ||
	       has_linker_name(mapped->path);
}

/* Where a file is mapped: what to add to its addresses. A library can be there more than once. */
static size_t places_of(const struct scan *scan, const struct mapped_file *mapped, int fd,
			uint64_t bias[PLACES_MAX])
{
	size_t places = 0, known;

	for (size_t i = mapped->range; i != MAPPINGS_NONE && places < PLACES_MAX;
	     i = scan->mappings.range[i].next) {
		const struct mapped_range *range = &scan->mappings.range[i];

		if (elf_load_bias(fd, range->start, range->offset, &bias[places]))
			continue;
		for (known = 0; known < places && bias[known] != bias[places]; known++)
			;
		places += known == places;
	}
	return places;
}

static void found_blind(struct scan *scan, struct attached_file *file,
			const struct mapped_file *mapped)
{
	scan->blind.file = file;
	scan->blind.twice = false;
	snprintf(scan->blind.path, sizeof(scan->blind.path), "%s", mapped->path);
}

/* Tells of the copies of the library in a file, and notes if one does not see that it is watched.
 */
static size_t tell_copies(struct scan *scan, struct attached_file *file,
			  const struct mapped_file *mapped, int fd)
{
	bool by_memory = scan->attachments->options.by_memory && !scan->used.all_probes;
	size_t copies = file->probes ? file->probes->copies : 0;
	uint64_t bias[PLACES_MAX];
	size_t places = copies ? places_of(scan, mapped, fd, bias) : 0;

	if (places && file->state != FILE_ATTACHED)
		found_blind(scan, file, mapped);
	for (size_t i = 0; i < places * copies && file->state == FILE_ATTACHED; i++) {
		const struct elf_probes_copy *copy = &file->probes->copy[i % copies];
		uint64_t state = copy->state + bias[i / copies];

		scan->fn(scan->arg, scan->used.pid, state);
		if (!semaphores_down(scan->used.pid, state, placement_wanted(copy, by_memory)))
			continue;
		found_blind(scan, file, mapped);
		scan->blind.twice = places > 1;
	}
	return places * copies;
}

static size_t scan_opened(struct scan *scan, const struct mapped_file *mapped, int fd)
{
	const struct attaching met = {.fd = fd,
				      .pid = scan->used.pid,
				      .path = mapped->path,
				      .linker = is_linker(&scan->mappings, mapped)};
	struct attached_file *file = attaching_file(scan->attachments, &met);

	if (!file)
		return 0;
	if (file->held && !array_reserve(scan->used.file, scan->used.room, scan->used.files + 1))
		scan->used.file[scan->used.files++] = file;
	return tell_copies(scan, file, mapped, fd);
}

/* Other errors are those of processes that are gone, or change. */
static void note_limit(const struct scan *scan, int err, const char *path)
{
	const struct attaching met = {.pid = scan->used.pid, .path = path};

	if (err == -EMFILE || err == -ENFILE)
		attaching_problem(scan->attachments, &met,
				  "too many open files: raise the limit (ulimit -n)");
}

static size_t scan_file(struct scan *scan, const struct mapped_file *mapped)
{
	int fd = mapping_open(scan->used.pid, &scan->mappings, mapped);
	size_t copies;

	if (fd < 0) {
		note_limit(scan, fd, mapped->path);
		return 0;
	}
	copies = scan_opened(scan, mapped, fd);
	close(fd);
	return copies;
}

/* What the process maps is known now. */
static void end_scan(struct scan *scan)
{
	struct attachments *a = scan->attachments;
	struct file_user *user = file_users_set(&a->users, &scan->used);

	if (user && user->files)
		liveness_found(a, user, &scan->blind);
}

int attachments_scan(struct attachments *a, pid_t pid, attachments_copy_fn fn, void *arg)
{
	struct scan scan = {.attachments = a,
			    .fn = fn,
			    .arg = arg,
			    .used = {.pid = pid, .all_probes = a->all_probes}};
	size_t copies = 0;
	int err;

	if (a->closed)
		return 0;
	err = mappings_read(pid, &scan.mappings);
	for (size_t i = 0; !err && i < scan.mappings.files; i++)
		copies += scan_file(&scan, &scan.mappings.file[i]);
	mappings_free(&scan.mappings);
	if (err)
		note_limit(&scan, err, NULL);
	else
		end_scan(&scan);
	free(scan.used.file);
	return err ? err : (int)copies;
}

int attachments_scan_by_probes(struct attachments *a, pid_t pid, attachments_copy_fn fn, void *arg)
{
	int copies;

	a->all_probes = true;
	copies = attachments_scan(a, pid, fn, arg);
	a->all_probes = false;
	return copies;
}

static void add_path(void *attachments, const char *path)
{
	struct attaching met = {
		.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), .usual = true};

	if (met.fd < 0)
		return;
	attaching_file(attachments, &met);
	close(met.fd);
}

void attachments_add_usual(struct attachments *a)
{
	a->usual_again = false;
	if (!a->closed)
		usual_files_each(add_path, a);
}
