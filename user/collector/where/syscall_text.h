/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that a thread can wait in: their names, and what their arguments mean. */
#ifndef FLIGHTREC_SYSCALL_TEXT_H
#define FLIGHTREC_SYSCALL_TEXT_H

#include "bpf/thread.h"
#include "collector/base/text_buffer.h"

enum syscall_wait {
	SYSCALL_OTHER, /* whatever it may be */
	SYSCALL_FILE,  /* its first argument is a descriptor */
	SYSCALL_EPOLL,
	SYSCALL_POLL,
	SYSCALL_FUTEX,
	SYSCALL_LOCK, /* of a file */
	SYSCALL_CHILD,
	SYSCALL_TIME,
	SYSCALL_SIGNAL,
};

struct syscall_text {
	const char *name; /* or NULL: it is in none that is known */
	enum syscall_wait wait;
	unsigned int args; /* how many it has */
};

struct syscall_text syscall_text(const struct thread_record *record);

/* Appends an argument as it is written in C: a descriptor, the name of an operation, a number. */
void syscall_text_arg(struct text_buffer *to, const struct syscall_text *call,
		      const struct thread_record *record, unsigned int arg);

/* Appends "read(3)": the name, and the descriptor if it has one. */
void syscall_text_put(struct text_buffer *to, const struct thread_record *record);

#endif /* FLIGHTREC_SYSCALL_TEXT_H */
