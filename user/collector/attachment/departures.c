// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/departures.h"

#include <errno.h>

#include "collector/attachment/attachments.h"
#include "collector/attachment/detacher.h"
#include "collector/attachment/file_lease.h"
#include "collector/base/array.h"
#include "collector/base/clock.h"
#include "collector/kernel/tracker.h"

#define MS UINT64_C(1000000)
/* A file with a lease is kept for so long after its last user: a program may be started again. */
#define UNUSED_NS (1000 * MS)
/* When to look again, if not all was known of the processes. */
#define SCANS_NS (20 * MS)
/* How long to wait before looking whether a file is still being written to, at first and at most.
 */
#define RETRY_FIRST_NS (10 * MS)
#define RETRY_MAX_NS (500 * MS)

static void want(struct attachments *a, uint64_t at_ns)
{
	if (at_ns < a->next_ns)
		a->next_ns = at_ns;
}

static void rescan(void *attachments, pid_t pid)
{
	struct attachments *a = attachments;

	if (a->options.rescan)
		a->options.rescan(a->options.arg, pid);
}

static void missed(void *attachments, pid_t pid)
{
	struct attachments *a = attachments;

	if (a->options.missed)
		a->options.missed(a->options.arg, pid);
}

void departures_scan_later(struct attachments *a, pid_t pid, uint64_t at_ns)
{
	if (array_reserve(a->later, a->later_room, a->laters + 1))
		return;
	a->later[a->laters++] = (struct attachments_later){pid, at_ns};
	want(a, at_ns);
}

/* Nothing is left of it but that its users are scanned again. */
static void forget(struct attachments *a, struct attached_file *file)
{
	a->usual_again = a->usual_again || file->usual;
	file_users_leave(&a->users, file, rescan, a);
	attached_files_remove(&a->files, file);
	want(a, 1);
}

void departures_wait(struct attachments *a, struct attached_file *file)
{
	file->state = FILE_WAITING;
	file->retry_apart_ns = RETRY_FIRST_NS;
	file->retry_ns = clock_ns(CLOCK_MONOTONIC) + RETRY_FIRST_NS;
	want(a, file->retry_ns);
}

void departures_leave(struct attachments *a, struct attached_file *file)
{
	if (file->state != FILE_ATTACHED)
		return;
	file->state = FILE_LEAVING;
	if (file->probes)
		a->copies -= file->probes->copies;
	file->detached =
		!detacher_add(a->detacher, &file->links, file->to_write ? file->lease : -1, file);
	if (file->detached)
		want(a, 1);
}

void departures_done(struct attachments *a, struct attached_file *file)
{
	bool by_memory = a->options.by_memory && !file->key.all_probes;

	/* What was opened may have been closed unseen. */
	if (file->probes && !by_memory)
		file_users_each(&a->users, file, missed, a);
	if (!file->to_write) {
		forget(a, file);
		return;
	}
	departures_wait(a, file);
}

void departures_retry(struct attachments *a, struct attached_file *file)
{
	file->retry_ns = 1;
	want(a, 1);
}

void departures_wanted(struct attachments *a)
{
	struct attached_file *file = NULL;

	while ((file = attached_files_next(&a->files, file))) {
		/* If it is leaving already, its lease goes with it. */
		if (file->state != FILE_ATTACHED || file->lease < 0 ||
		    !file_lease_is_wanted_back(file->lease))
			continue;
		file->to_write = true;
		departures_leave(a, file);
	}
}

static void retry(struct attachments *a, struct attached_file *file, uint64_t now_ns)
{
	if (file->retry_ns > now_ns) {
		want(a, file->retry_ns);
		return;
	}
	if ((!file->users && !file->usual) || file_lease_take(file->lease) != -EAGAIN) {
		forget(a, file);
		return;
	}
	if (file->retry_apart_ns < RETRY_MAX_NS)
		file->retry_apart_ns *= 2;
	file->retry_ns = now_ns + file->retry_apart_ns;
	want(a, file->retry_ns);
}

static bool is_unused(const struct attached_file *file)
{
	return file->held && file->state == FILE_ATTACHED && !file->users &&
	       !(file->usual && file->lease >= 0);
}

static uint64_t unused_until(const struct attached_file *file)
{
	return file->unused_ns + (file->lease >= 0 ? UNUSED_NS : 0);
}

static void list_process(void *attachments, const struct process_found *found)
{
	struct attachments *a = attachments;

	if (!file_users_list(&a->users, (pid_t)found->key.pid))
		rescan(a, (pid_t)found->key.pid);
}

/*
 * Children that were forked, and did not execute anything, map what their parent did, and nobody
 * told of them: before a file is left, those not known yet are scanned.
 */
static void list_processes(struct attachments *a)
{
	file_users_begin_listing(&a->users);
	if (tracker_processes(a->options.tracker, list_process, a) == 0)
		file_users_end_listing(&a->users);
	want(a, 1);
}

static void leave_unused(struct attachments *a, uint64_t now_ns)
{
	struct attached_file *file = NULL;
	bool list = false;

	while ((file = attached_files_next(&a->files, file))) {
		if (!is_unused(file)) {
			file->listed = false;
		} else if (unused_until(file) > now_ns) {
			file->listed = false;
			want(a, unused_until(file));
		} else if (file->listed || file->key.pid) {
			departures_leave(a, file);
		} else {
			file->listed = true;
			list = true;
		}
	}
	if (list)
		list_processes(a);
}

static void scan_due(struct attachments *a, uint64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->laters; i++) {
		struct attachments_later later = a->later[i];

		if (later.at_ns > now_ns) {
			a->later[kept++] = later;
			want(a, later.at_ns);
		} else {
			rescan(a, later.pid);
		}
	}
	a->laters = kept;
}

void departures_due(struct attachments *a, uint64_t now_ns, bool scans_pending)
{
	struct attached_file *file, *next;

	if (a->users.left)
		want(a, 1);
	a->users.left = false;
	if (a->next_ns > now_ns)
		return;
	a->next_ns = UINT64_MAX;
	scan_due(a, now_ns);
	for (file = attached_files_next(&a->files, NULL); file; file = next) {
		next = attached_files_next(&a->files, file);
		if (file->state == FILE_WAITING)
			retry(a, file, now_ns);
		else if (file->detached)
			departures_done(a, file);
	}
	if (scans_pending)
		want(a, now_ns + SCANS_NS);
	else
		leave_unused(a, now_ns);
}
