/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a thread waits for, who holds that, and what the holder does. All of it is read from
 * outside; what cannot be proven is not said.
 */
#ifndef FLIGHTREC_WAITS_H
#define FLIGHTREC_WAITS_H

#include "collector/base/text_buffer.h"
#include "collector/target/target_memory.h"
#include "collector/where/where.h"

struct threads;

/* A search for what a thread waits for. */
struct waits {
	struct threads *threads;
	struct where *where; /* what is found goes there */
	struct report_waits *found;
	pid_t pid;
	struct target memory;
	struct text_buffer text; /* that of the line */
};

/* Fills in where->thread, of which the stack must be known already, as far as it ever will be. */
void waits_find(struct where *where, struct threads *threads);

/* ---- parts of it ---- */

/* Appends formatted text. */
__attribute__((format(printf, 2, 3))) void waits_say(struct waits *waits, const char *format, ...);

/* "thread 7 (cache)" or "process 7 (cache)"; also among held_by, if @holds. */
void waits_say_thread(struct waits *waits, pid_t tid, bool holds);
void waits_say_process(struct waits *waits, pid_t pid, bool holds);
/* Somebody at the other end, and what that does. */
void waits_say_peer(struct waits *waits, pid_t pid);
/* ", which is in read(3)" and the like; nothing if it is not known. */
void waits_say_doing(struct waits *waits, pid_t tid);

/* Whether one of the innermost frames is in a function whose name has @part in it. */
bool waits_is_in(const struct waits *waits, const char *part);

/* In futex(). Returns false if it is not known what for. */
bool waits_for_futex(struct waits *waits);
/* In a call that is about a descriptor: says what that is. */
void waits_for_file(struct waits *waits, int fd);
/* Who is at the other end of a pipe: whoever may write to it, or read from it. "pipe:[123]". */
void waits_for_pipe(struct waits *waits, const char *name);
/* Who is at the other end of a socket, if that is on this machine. "socket:[123]". */
void waits_for_socket(struct waits *waits, const char *name);
/* In flock() or fcntl(): says who has the lock. */
void waits_for_lock(struct waits *waits, int fd);

#endif /* FLIGHTREC_WAITS_H */
