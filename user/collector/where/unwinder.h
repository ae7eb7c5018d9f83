/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Has stacks unwound by a helper without privileges, which reads the files of observed processes.
 * Never waits for it. If it ends, or works on one stack for too long, it is killed, and the process
 * that this was about is not looked at any more; the next request starts another one. Not
 * thread-safe.
 */
#ifndef FLIGHTREC_UNWINDER_H
#define FLIGHTREC_UNWINDER_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/where/thread_look.h"

struct unwinder;
struct where;

/* Starts a helper; if not @now, when it is needed. Returns NULL, with errno set, if it cannot. */
struct unwinder *unwinder_new(bool now);
/* NULL is allowed. */
void unwinder_free(struct unwinder *unwinder);

/* Becomes readable when there is something to take. */
int unwinder_fd(const struct unwinder *unwinder);
/* When it must be called even so (CLOCK_MONOTONIC); UINT64_MAX: it need not be. */
uint64_t unwinder_next(const struct unwinder *unwinder);

bool unwinder_is_busy(const struct unwinder *unwinder);

/*
 * Asks for the frames of a look, which is not needed afterwards. What comes of it goes to @where,
 * which must exist until unwinder_work() returns it. Returns 0; or a negative errno. In any case
 * thread.stack_end is set, to why there is no stack, as long as there is none.
 */
int unwinder_ask(struct unwinder *unwinder, const struct thread_look *look, struct where *where);

/* Returns the request that was answered, or came to nothing; or NULL: not yet. */
struct where *unwinder_work(struct unwinder *unwinder);

#endif /* FLIGHTREC_UNWINDER_H */
