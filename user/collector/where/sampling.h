/* SPDX-License-Identifier: BSD-2-Clause */
/* A look at a thread that is running, which takes some milliseconds of its time on a CPU. */
#ifndef FLIGHTREC_SAMPLING_H
#define FLIGHTREC_SAMPLING_H

#include <stdbool.h>

#include "collector/kernel/thread_sample.h"
#include "collector/where/thread_look.h"

/* Zeroed, there is none. */
struct sampling {
	bool active;
	struct thread_look look; /* of a thread that ran */
	struct thread_sample sample;
	uint64_t until_ns;
};

/*
 * Begins, and has @epoll_fd become readable when there is something. Returns whether that is
 * possible.
 */
bool sampling_start(struct sampling *sampling, const struct thread_record *record, int epoll_fd);
/*
 * Returns whether it is over: then it is no longer active, and sampling->look has a stack, or says
 * why there is none. Free the look.
 */
bool sampling_work(struct sampling *sampling);
void sampling_end(struct sampling *sampling);

#endif /* FLIGHTREC_SAMPLING_H */
