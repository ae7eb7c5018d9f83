// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/liveness.h"

#include "collector/attachment/attachments.h"
#include "collector/attachment/departures.h"
#include "collector/base/clock.h"

#define MS UINT64_C(1000000)
/* A dynamic linker has mapped the rest of a library by then. */
#define LOOK_AGAIN_NS (50 * MS)
/* Others have that file too: a process cannot have it attached to without end. */
#define ATTACH_APART_NS (1000 * MS)

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

	if (found->twice)
		message_limited(&a->not_seen,
				"process %d has mapped %s more than once, and the kernel lets only "
				"one of these see that it is watched: the others are %s",
				user->pid, found->path, then);
	else
		message_limited(&a->not_seen,
				"process %d does not see that it is watched (a semaphore in %s is "
				"0): it is %s",
				user->pid, found->path, then);
	if (a->options.blind)
		a->options.blind(a->options.arg, user->pid);
}

void liveness_found(struct attachments *a, struct file_user *user, const struct liveness *found)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	if (!found->file) {
		user->dead = NEW;
		return;
	}
	if (user->dead == TOLD)
		return;
	if (user->dead == NEW) {
		user->dead = LOOKED_AGAIN;
		departures_scan_later(a, user->pid, now_ns + LOOK_AGAIN_NS);
	} else if (user->dead == LOOKED_AGAIN && !found->twice && may_attach_again(a, now_ns)) {
		user->dead = ATTACHED_AGAIN;
		departures_leave(a, found->file);
	} else {
		user->dead = TOLD;
		tell(a, user, found);
	}
}
