/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread at one moment: its registers and a copy of its stack, taken without stopping it. That
 * they belong together is proven: it was not on a CPU, and has not run in between.
 */
#ifndef FLIGHTREC_THREAD_LOOK_H
#define FLIGHTREC_THREAD_LOOK_H

#include <stdbool.h>
#include <sys/types.h>

#include "bpf/thread.h"
#include "collector/target/modules.h"

struct threads;

struct thread_look {
	struct thread_record record;
	struct modules modules;
	unsigned char *stack; /* from record.sp on */
	size_t stack_size;
	unsigned char *vdso;
	size_t vdso_size;
	const char *problem; /* why there is no stack; or NULL */
	bool untouchable;    /* to read its memory could take for ever */
};

/*
 * Looks at a thread. If @known is not NULL, and the thread has not run since then, that is all that
 * is found out: returns 1. Otherwise returns 0, with @look filled in, at least as far as `problem`;
 * or -ESRCH. Free it in any case.
 */
int thread_look_take(struct thread_look *look, struct threads *threads, pid_t tid,
		     const struct thread_record *known);
/* Adds modules and vdso to one that has a stack. Returns 0 or a negative errno. */
int thread_look_add_files(struct thread_look *look);
void thread_look_free(struct thread_look *look);

#endif /* FLIGHTREC_THREAD_LOOK_H */
