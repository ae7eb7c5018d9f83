/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that are in one system call, or do not run for another reason, for longer than they
 * should: found by looking at them again and again, without any probe. Not thread-safe.
 */
#ifndef FLIGHTREC_BLOCKED_H
#define FLIGHTREC_BLOCKED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/report/report.h"

struct blocked;

struct blocked_options {
	uint64_t limit_ns; /* how long they may */
	bool idle;         /* also those that may just have nothing to do */
	/* Takes each report, which is borrowed: of the first kind that counts as one asked for. */
	void (*emit)(void *arg, const struct report *report);
	void *arg;
};

/* Returns NULL if there is no memory. */
struct blocked *blocked_new(const struct blocked_options *options);
/* NULL is allowed. */
void blocked_free(struct blocked *blocked);

/* When to look next, CLOCK_MONOTONIC. */
uint64_t blocked_next(const struct blocked *blocked);

/* A look: begin, then each process that is watched, then end. */
void blocked_begin(struct blocked *blocked);
void blocked_look(struct blocked *blocked, pid_t pid);
void blocked_end(struct blocked *blocked);

#endif /* FLIGHTREC_BLOCKED_H */
