/* SPDX-License-Identifier: BSD-2-Clause */
/* One process that is watched by memory: what is due there, and when. Of looks.c alone. */
#ifndef FLIGHTREC_LOOKED_PROCESS_H
#define FLIGHTREC_LOOKED_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <uthash.h>

#include "collector/kernel/tracker.h"
#include "collector/recorder/log_watch.h"

struct late_recorder {
	uint32_t log;
	uint32_t slot;
};

/*
 * A process is known from its first notice on, which costs little; its logs are opened when it has
 * its turn. Once it has ended it is no longer found by its pid, which another process may have by
 * then, and stays until all is said. It holds that
 *
 *   - look_ns <= asked_ns: a notice that comes during a look, which may be past its recorder
 *     already, is not forgotten when the look ends;
 *   - poll_ns is UINT64_MAX unless recorders that timed out are still open;
 *   - it is due at once if recorders closed late, else at the earlier of look_ns and poll_ns, but
 *     not before not_before_ns;
 *   - of a process that has left all times are UINT64_MAX.
 */
struct looked_process {
	pid_t pid;
	uint32_t number;         /* in looks.turns */
	struct log_watch *watch; /* NULL: it is not opened yet, or is watched by other means */
	bool left;               /* by other means */
	bool find_more;          /* it may have more logs than are known */
	bool interrupted;        /* the last look is to be continued */
	bool unasked;            /* looked at regularly, see looks_unasked() */
	uint64_t look_ns;        /* when something of it is due */
	uint64_t asked_ns;       /* the earliest time asked for since the last look began */
	uint64_t poll_ns;        /* when those that timed out are looked at again */
	uint64_t looked_ns;
	uint64_t not_before_ns;
	struct late_recorder *late; /* that are to be looked at; NULL: there were none so far */
	unsigned int n_late;
	struct process_slot *ended; /* NULL: not yet */
	UT_hash_handle hh;
};

/* NULL: no memory. */
struct looked_process *looked_process_new(pid_t pid);
/* After its watch was closed. */
void looked_process_free(struct looked_process *process);

/* When it wants a turn; UINT64_MAX: it wants none. */
uint64_t looked_process_due(const struct looked_process *process);

/* It is to be looked at by @at_ns. */
void looked_process_want(struct looked_process *process, uint64_t at_ns);
/* One of its recorders closed late. */
void looked_process_add_late(struct looked_process *process, struct late_recorder late);
/* Some may have been found to hang: they are looked at again. */
void looked_process_poll_soon(struct looked_process *process);

/*
 * Its turn, which takes about a millisecond. @err: of opening its logs. Returns false if it need
 * not be known any more.
 */
bool looked_process_have_turn(struct looked_process *process, uint64_t now_ns, int err);
/* The last look at it. Returns whether it came to its end by @until_ns. */
bool looked_process_finish(struct looked_process *process, uint64_t until_ns);

#endif /* FLIGHTREC_LOOKED_PROCESS_H */
