/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that runs cannot be looked at while it does. But when the kernel interrupts it anyway,
 * it can write down registers and stack: one sample, as perf(1) takes them. Not thread-safe.
 */
#ifndef FLIGHTREC_THREAD_SAMPLE_H
#define FLIGHTREC_THREAD_SAMPLE_H

#include <stddef.h>
#include <sys/types.h>

#include "bpf/thread.h"

struct thread_sample {
	int fd; /* becomes readable when there is one */
	void *pages;
};

/* Returns 0 or a negative errno. */
int thread_sample_open(struct thread_sample *sample, pid_t tid);
void thread_sample_close(struct thread_sample *sample);

/*
 * Puts the registers into @record, and a copy of the stack from sp on into *@stack, which is the
 * caller's then. Returns 0; -EAGAIN: there is none yet; or -ENOMEM.
 */
int thread_sample_take(struct thread_sample *sample, struct thread_record *record,
		       unsigned char **stack, size_t *stack_size);

#endif /* FLIGHTREC_THREAD_SAMPLE_H */
