// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/liveness.h"

#include "collector/attachment/attachments.h"
#include "collector/attachment/departures.h"
#include "collector/base/clock.h"

#define MS UINT64_C(1000000)
/* By then a dynamic linker has mapped the rest of a library. */
#define LOOK_AGAIN_NS (50 * MS)
/* Others use the file, too: one process cannot have us attach to it again and again. */
#define ATTACH_APART_NS (1000 * MS)

/* How long a file may be open for writing before that is said. */
#define WRITTEN_NS (1000 * MS)

enum { NEW, LOOKED_AGAIN, ATTACHED_AGAIN, TOLD };

static bool may_attach_again(struct attachments *a, uint64_t now_ns)
{
	if (a->attached_again_ns && now_ns - a->attached_again_ns < ATTACH_APART_NS)
		return false;
	a->attached_again_ns = now_ns;
	return true;
}

static void tell(struct attachments *a, const struct file_user *user, const struct liveness *found)
{
	const char *then = a->options.by_memory ? "looked at every 0.1 s" : "not watched";

	if (found->file->state != FILE_ATTACHED)
		message_limited(&a->not_seen,
				"process %d is not watched in %s, which is open for writing: until "
				"that is over it is %s",
				user->pid, found->path, then);
	else if (found->twice)
		message_limited(&a->not_seen,
				"process %d has mapped %s more than once, and the kernel lets only "
				"one of these see that it is watched: the others are %s",
				user->pid, found->path, then);
	else
		message_limited(&a->not_seen,
				"process %d does not see that it is watched (a semaphore in %s is "
				"0): it is %s",
				user->pid, found->path, then);
}

/* It will not tell when it must be looked at. */
static void look_unasked(const struct attachments *a, const struct file_user *user)
{
	if (a->options.blind)
		a->options.blind(a->options.arg, user->pid);
}

static void look_again(struct attachments *a, struct file_user *user, unsigned char state,
		       uint64_t at_ns)
{
	user->blind = state;
	user->blind_ns = at_ns;
	departures_scan_later(a, user->pid, at_ns);
}

/* The next step for a process that is still blind. */
static void go_on(struct attachments *a, struct file_user *user, const struct liveness *found,
		  uint64_t now_ns)
{
	if (user->blind == LOOKED_AGAIN && found->file->state != FILE_ATTACHED) {
		/* Usually nobody writes for long. */
		look_again(a, user, ATTACHED_AGAIN, now_ns + WRITTEN_NS);
	} else if (user->blind == LOOKED_AGAIN && !found->twice && may_attach_again(a, now_ns)) {
		user->blind = ATTACHED_AGAIN;
		departures_leave(a, found->file);
	} else {
		user->blind = TOLD;
		tell(a, user, found);
	}
}

void liveness_found(struct attachments *a, struct file_user *user, const struct liveness *found)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	if (!found->file) {
		user->blind = NEW;
		return;
	}
	if (user->blind == NEW)
		look_again(a, user, LOOKED_AGAIN, now_ns + LOOK_AGAIN_NS);
	else if (user->blind != TOLD && now_ns >= user->blind_ns)
		go_on(a, user, found, now_ns);
	if (user->blind == TOLD || found->file->state != FILE_ATTACHED)
		look_unasked(a, user);
}
