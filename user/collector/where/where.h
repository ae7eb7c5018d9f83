/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a thread is: what reports say of it. Several may share one. */
#ifndef FLIGHTREC_WHERE_H
#define FLIGHTREC_WHERE_H

#include <stdbool.h>

#include "bpf/thread.h"
#include "collector/base/arena.h"
#include "collector/report/report.h"

struct unwind_reply;
struct modules;

struct where {
	unsigned int users;
	bool ready;       /* nothing is to come any more */
	bool untouchable; /* its memory is not to be read */
	struct arena arena;
	struct thread_record record;
	struct report_thread thread;
};

/* With one user. Returns NULL if there is no memory. */
struct where *where_new(const struct thread_record *record);
void where_put(struct where *where);

/* What a thread is doing, in a word such as "sleeping"; NULL: it has none. */
const char *where_state_word(const struct thread_record *record);

/* Frames of a report at most. */
#define WHERE_FRAMES_MAX 32

/*
 * Takes the helper's answer, which may be anything; @size is how much of it there is. @modules are
 * those it was asked with. Returns whether it can be one.
 */
bool where_take_reply(struct where *where, const struct unwind_reply *reply, size_t size,
		      const struct modules *modules);

#endif /* FLIGHTREC_WHERE_H */
