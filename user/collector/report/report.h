/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A report: what the collector says about a recorder, ready to be written in any form. Times are in
 * nanoseconds since the Epoch (CLOCK_REALTIME), durations in nanoseconds. Strings come from an
 * observed process and may contain any bytes; forms escape them. Everything is borrowed for the
 * duration of the call that takes the report.
 */
#ifndef FLIGHTREC_REPORT_H
#define FLIGHTREC_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum report_event {
	REPORT_TIMEOUT,   /* a recorder timed out: all its entries */
	REPORT_REPLAY,    /* the program, or a person, asked for a replay */
	REPORT_ENTRY,     /* one entry, logged after its recorder timed out or to none */
	REPORT_FINISHED,  /* a recorder that had timed out was closed */
	REPORT_DIED,      /* the process of an open recorder ended */
	REPORT_HELD_BACK, /* a process logged more than it may: entries that were not written */
	REPORT_LOST,      /* reports are missing before this one */
	REPORT_END,       /* the end of the run: totals */
};

/* From here on a timeout, some 36 years, is as good as none. */
#define REPORT_NO_TIMEOUT_NS (1ULL << 60)

struct report_context {
	const char *key;
	const char *value;
};

struct report_recorder {
	uint64_t id;        /* from 1 */
	uint64_t parent_id; /* or 0 */
	const char *name;
	const char *comm;
	const char *exe; /* or NULL: unknown */
	pid_t pid;
	pid_t tid;
	uint64_t started_ns;
	uint64_t timeout_ns;
	uint64_t extended_ns;      /* from its opening to where its timeout counts from; or 0 */
	uint64_t age_ns;           /* from its opening to this report or its closing */
	bool adopted;              /* opened before it was watched */
	bool closed;               /* no longer open */
	bool has_history;          /* if adopted: its earlier entries are known */
	uint64_t opened_before_ns; /* if adopted: for how long it had been open; 0: unknown */
	const struct report_context *context;
	size_t n_context;
	/* Of a span; or NULL: what its statement is called, and what began it. */
	const char *span;
	const char *source;
};

struct report_entry {
	uint64_t time_ns;
	uint64_t offset_ns; /* from the recorder's opening */
	int severity;       /* enum flightrec_severity */
	pid_t tid;
	unsigned int line;
	const char *message;
	const char *file;     /* or NULL */
	const char *function; /* or NULL */
};

/* Losses by cause. */
struct report_losses {
	uint64_t ring;       /* the ring was full */
	uint64_t share;      /* the process had used its share of the ring */
	uint64_t unreadable; /* the process's memory could not be read */
	uint64_t untracked;  /* of recorders for which there was no room */
	uint64_t buffer;     /* of replayed recorders, beyond what the collector keeps */
};

struct report_totals {
	uint64_t opened;
	uint64_t timed_out;
	uint64_t entries;
	uint64_t lost; /* the sum of losses */
	struct report_losses losses;
	uint64_t untracked;    /* recorders for which there was no room */
	uint64_t reports_lost; /* reports that could not be written */
};

/* A place that a thread is in; the first is the innermost. */
struct report_frame {
	uint64_t pc;
	const char *function; /* or NULL */
	uint64_t offset;      /* in the function; in the module, if there is none */
	const char *file;     /* of the source, or NULL */
	unsigned int line;
	const char *module;   /* path of the program or library, or NULL */
	const char *build_id; /* hexadecimal, or NULL */
	bool inlined;
	unsigned int times; /* that it stands there, one after the other: recursion */
};

struct report_holder {
	pid_t pid;
	pid_t tid;
	const char *comm;
};

/* What a thread waits for. */
struct report_waits {
	const char *kind;                 /* "mutex", ...: the schema has all of them */
	const char *text;                 /* for people; may contain what processes chose */
	uint64_t address;                 /* of what it waits for, in its memory; or 0 */
	int fd;                           /* or -1 */
	const char *object;               /* that the descriptor is, or NULL */
	const struct report_holder *peer; /* who is at the other end, or NULL */
	const struct report_holder *held_by;
	size_t n_held_by;
	const pid_t *deadlock; /* threads that wait for one another */
	size_t n_deadlock;
};

/* A system call that a thread is in. */
struct report_syscall {
	const char *name;
	const char *const *arg;
	size_t n_args;
};

/* The thread that opened the recorder, as it is at the time of the report. */
struct report_thread {
	pid_t tid;
	const char *state;                    /* a word such as "sleeping", or NULL */
	const struct report_syscall *syscall; /* or NULL */
	const struct report_waits *waits;     /* or NULL: it is not known */
	const struct report_frame *frame;
	size_t n_frames;
	const char *stack_end; /* "complete", or why there is no more of it */
	const char *const *kernel_stack;
	size_t n_kernel_stack;
};

struct report {
	enum report_event event;
	uint64_t time_ns;
	bool has_recorder; /* false for REPORT_LOST and REPORT_END, and for what belongs to none */
	struct report_recorder recorder;
	/* ENTRY and HELD_BACK without a recorder: the process. */
	pid_t pid;
	const char *comm;
	/*
	 * TIMEOUT and REPLAY: the entries that are left. ENTRY: one. They are fetched one by one,
	 * in order, so that thousands of them need no memory of their own: what entry() fills in is
	 * valid until the next call.
	 */
	void (*entry)(const struct report *report, size_t index, struct report_entry *entry);
	void *entries; /* for entry() */
	size_t n_entries;
	uint64_t entries_total; /* emitted, including those lost */
	uint64_t entries_lost;
	size_t gap_at; /* where entries from the middle are missing: before entries[gap_at] ... */
	uint64_t gap_lost; /* ... this many; 0: none */
	const char *state; /* TIMEOUT: something about the present, such as "stopped"; or NULL */
	const struct report_thread *thread; /* TIMEOUT and REPLAY; or NULL */
	uint64_t late_ns;                   /* FINISHED: how far past its deadline it was closed */
	int wait_status;                    /* DIED: as from wait(2); -1: it called execve() */
	bool in_time;       /* DIED: it had not timed out: its entries are here, as of a REPLAY */
	uint64_t held_back; /* HELD_BACK: entries, one or more */
	uint64_t lines_per_second;   /* HELD_BACK: how many a process may log outside of a replay */
	uint64_t reports_lost;       /* LOST: one or more */
	struct report_totals totals; /* END */
};

#endif /* FLIGHTREC_REPORT_H */
