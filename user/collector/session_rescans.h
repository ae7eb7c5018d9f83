/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that may have mapped a new program or library, and are to be scanned for probes.
 *
 * We get a notice when a process calls execve(). But the kernel skips our program while it is
 * already running on the same CPU, and only counts how often. So after each notice we look at this
 * count, and if it has changed, all watched processes are scanned.
 *
 * Not thread-safe.
 */
#ifndef FLIGHTREC_SESSION_RESCANS_H
#define FLIGHTREC_SESSION_RESCANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rescan;
struct tracker;

struct rescans {
	struct tracker *tracker; /* borrowed */
	struct rescan *queue;    /* hash table, in the order in which they came */
	uint64_t missed;         /* how many calls of execve() had been missed at the last look */
	uint64_t look_ns;        /* when to look again, CLOCK_MONOTONIC; UINT64_MAX: no need to */
	uint64_t found_ns;       /* when all were added; 0: never */
	bool want_all;
};

void rescans_init(struct rescans *rescans, struct tracker *tracker);
/* May be called on zeroed or freed rescans. */
void rescans_free(struct rescans *rescans);

/*
 * A process is to be scanned, once however often it is added. Without memory for that, it is not.
 */
void rescans_add(struct rescans *rescans, pid_t pid);
/* It is unknown which one: all watched processes are to be scanned, but not all the time. */
void rescans_want_all(struct rescans *rescans);
/* Takes the first one. Returns false if there is none. */
bool rescans_take(struct rescans *rescans, pid_t *pid);
bool rescans_pending(const struct rescans *rescans);

/* A process told that its mappings changed, so another one may have gone unnoticed. */
void rescans_expect_missed(struct rescans *rescans);
/* Adds all watched processes if that is wanted, or calls of execve() were missed. */
void rescans_look_for_missed(struct rescans *rescans);
/* When to call rescans_look_for_missed(), CLOCK_MONOTONIC; UINT64_MAX: no need to. */
uint64_t rescans_next(const struct rescans *rescans);

#endif /* FLIGHTREC_SESSION_RESCANS_H */
