/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which files the probes are attached to. A uprobe belongs to a file, not to a process: one
 * attachment for each copy of the library serves all processes that map it, later ones too, or,
 * where only some processes are to pay for it, one for each of these.
 *
 * The kernel writes breakpoints to the pages of whoever maps the file, whatever is in it by then.
 * So probes leave a file that nobody maps any more; and before anybody writes to it, who has to
 * wait for that (file_lease.h). Not thread-safe.
 */
#ifndef FLIGHTREC_ATTACHMENTS_H
#define FLIGHTREC_ATTACHMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/attachment/attached_files.h"
#include "collector/attachment/file_users.h"
#include "collector/base/message.h"

struct detacher;
struct tracker;

struct attachments_options {
	struct tracker *tracker;
	bool each_process; /* attach for each process by itself, not for all that map the file */
	bool by_memory;    /* to the probes of that, where a copy has them */
	/* Called for a process that is to be scanned again, soon. All of these may be NULL. */
	void (*rescan)(void *arg, pid_t pid);
	/* The process does not see, in one of its copies of the library, that it is watched. */
	void (*blind)(void *arg, pid_t pid);
	/* For a while the probes that tell everything were not in a file that the process maps. */
	void (*missed)(void *arg, pid_t pid);
	void *arg;
};

/* A process that is to be scanned again. */
struct attachments_later {
	pid_t pid;
	uint64_t at_ns;
};

struct attachments {
	struct attachments_options options;
	struct attached_files files;
	struct file_users users;
	struct detacher *detacher;
	int epoll_fd; /* the ends of processes, leases that are wanted back, what is detached */
	int lease_signals;
	bool all_probes;   /* by_memory does not hold while this process is scanned */
	bool closed;       /* nothing is attached to any more */
	bool tell;         /* what cannot be attached to is said at once */
	bool stripped;     /* a file was met that has probes, but no notes of them */
	bool usual_again;  /* the usual files are to be looked for */
	size_t copies;     /* of the library, attached to */
	char problem[256]; /* why the last file with probes was not attached to; or "" */
	uint64_t next_ns;  /* when something is to be done; UINT64_MAX: no need to */
	struct attachments_later *later;
	size_t laters;
	size_t later_room;
	uint64_t attached_again_ns; /* the last time because of a semaphore */
	struct message_limit not_attached;
	struct message_limit not_seen;
};

/* Called for each copy of the library that a process maps; @state: its struct flightrec_state. */
typedef void (*attachments_copy_fn)(void *arg, pid_t pid, uint64_t state);

/* By the thread that calls all the others. Returns 0 or a negative errno; free it in either case.
 */
int attachments_init(struct attachments *attachments, const struct attachments_options *options);
/* Detaches from everything, for good. May be called again. */
void attachments_free(struct attachments *attachments);

/* Becomes readable when there is something to do. */
int attachments_fd(const struct attachments *attachments);
/*
 * Detaches from files that nobody maps, and before others write to them; attaches again afterwards.
 * @scans_pending: not all of the processes were scanned yet that were to be.
 */
void attachments_work(struct attachments *attachments, bool scans_pending);
/* When it must be called in any case, CLOCK_MONOTONIC; UINT64_MAX: no need to. */
uint64_t attachments_next(const struct attachments *attachments);

/*
 * Attaches to what process @pid maps: copies of the library, and its dynamic linker, which tells
 * of those to come. What is attached already is left alone. @fn is called for every copy.
 * Returns the number of copies; -ESRCH: no such process; -EACCES, -EPERM: not allowed.
 */
int attachments_scan(struct attachments *attachments, pid_t pid, attachments_copy_fn fn, void *arg);

/*
 * Likewise, for one process that cannot be watched by memory: to the probes that tell everything,
 * of it alone.
 */
int attachments_scan_by_probes(struct attachments *attachments, pid_t pid, attachments_copy_fn fn,
			       void *arg);

/*
 * Attaches, for all processes, to the usual copies of the shared library. A program that loads it
 * later, or starts another that does, then finds the probes live; other copies are found when the
 * kernel tells of their loading.
 */
void attachments_add_usual(struct attachments *attachments);

#endif /* FLIGHTREC_ATTACHMENTS_H */
