/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel side: loads the BPF programs, maps what they write, and runs the programs that only
 * the collector runs. Knows nothing about reports. Not thread-safe.
 */
#ifndef FLIGHTREC_TRACKER_H
#define FLIGHTREC_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/limits.h"
#include "bpf/record.h"
#include "flightrec/probes.h"

/* How many processes with recorders can be watched at once. */
#define TRACKER_PROCESSES_MAX 16384

struct tracker_options {
	uint64_t ring_bytes;    /* of all entry rings together */
	uint64_t timeout_ns;    /* instead of each recorder's own; 0: each its own */
	uint32_t max_recorders; /* of one process; there is room for others besides it */
	int min_severity;
	bool watch_all;
	bool follow_children;
	bool by_memory; /* entries and deadlines are read from the processes' logs */
	bool spans;     /* tracker_spans.h */
};

/*
 * Called while draining, for each record of an entry ring and each record of the ring of notices.
 */
struct tracker_callbacks {
	void (*record)(void *arg, uint32_t ring, const void *data, size_t size);
	void (*notice)(void *arg, const void *data, size_t size);
	void *arg;
};

struct tracker;

/* How many entry rings there will be, and of what size, if @wanted bytes are asked for in all. */
void tracker_ring_layout(uint64_t wanted, uint32_t *rings, uint32_t *ring_bytes);

/*
 * Loads the programs and starts the deadline timer, but attaches none of the probes. @callbacks may
 * be NULL if nothing will be drained. Returns 0; or a negative errno, with one line at @error that
 * says what failed.
 */
int tracker_open(struct tracker **tracker, const struct tracker_options *options,
		 const struct tracker_callbacks *callbacks, char *error, size_t error_size);
/* NULL is allowed. */
void tracker_close(struct tracker *tracker);

/*
 * Descriptors of programs: for the library's probes, each attached with its enum flightrec_probe as
 * cookie; and for the function that the dynamic linker calls after changing the mappings.
 */
int tracker_probes_program(const struct tracker *tracker);
int tracker_mappings_program(const struct tracker *tracker);
/* Whether they were loaded so that they can be attached to many places at once; see uprobes.h. */
bool tracker_has_multi(const struct tracker *tracker);
/* From now on probes have no effect, except for the ends of recorders. */
void tracker_see_ends_only(struct tracker *tracker);

/* Starts or stops watching a process. Returns 0 or a negative errno. */
int tracker_watch(struct tracker *tracker, pid_t pid);
void tracker_unwatch(struct tracker *tracker, pid_t pid);

/* Passes each running watched process to @fn. Returns 0 or a negative errno. */
int tracker_processes(struct tracker *tracker,
		      void (*fn)(void *arg, const struct process_found *found), void *arg);

/*
 * Drain the ring of notices; or all entry rings, merged by time. They take everything that was
 * there when they were called and a limited number of records more, but start no record after
 * @max_ns. They return whether more may be left.
 */
bool tracker_drain_notices(struct tracker *tracker, uint64_t max_ns);
bool tracker_drain_entries(struct tracker *tracker, uint64_t max_ns);

/*
 * How often everything that had been in the entry rings at one time was taken; and what that count
 * will be once everything that is there now is taken.
 */
uint64_t tracker_drained(const struct tracker *tracker);
uint64_t tracker_drained_next(const struct tracker *tracker);

/*
 * A record of @size bytes was taken from an entry ring: its process may put that much into it
 * again.
 */
void tracker_consumed(struct tracker *tracker, uint32_t ring, uint32_t process, size_t size);

/* Frees recorder slots, and then a process slot unless @process is FR_NONE. */
void tracker_release(struct tracker *tracker, const uint32_t *slots, const uint32_t *generations,
		     size_t count, uint32_t process);
void tracker_rearm(struct tracker *tracker);
/* Makes BPF look at slots whose time has come and for which the wheel has no node. */
void tracker_visit(struct tracker *tracker, const uint32_t *slots, size_t count);
/*
 * Tracks a recorder found in a process's memory. Returns its slot; FR_NONE if it is tracked
 * already; FR_REFUSED if there is no room for it.
 */
uint32_t tracker_adopt(struct tracker *tracker, struct adopt_args *args);

/*
 * Called before looking at the memory of process @pid, of which NOTICE_REFUSED told: from now on
 * each recorder of it that is refused causes another notice. Returns 0 and what is known about the
 * process; or -ENOENT if nothing was refused to it.
 */
int tracker_refused_look(struct tracker *tracker, pid_t pid, struct refusal *refusal);
/* Called after the look: there is no need for another one before @look_ns. */
void tracker_refused_until(struct tracker *tracker, pid_t pid, uint64_t look_ns);
/* Called when the process has ended. */
void tracker_refused_end(struct tracker *tracker, pid_t pid);
/* Passes each process to which something was refused to @fn, in case notices were lost. */
void tracker_refused_each(struct tracker *tracker,
			  void (*fn)(void *arg, pid_t pid, uint64_t look_ns), void *arg);

/*
 * Passes the number of instructions that the verifier processed for each program to @fn; 0 if
 * unknown.
 */
void tracker_verified(struct tracker *tracker, void (*fn)(const char *program, uint32_t count));

/*
 * How many calls of execve() and ends of threads our programs missed, because they were already
 * running on that CPU. Any process counts, watched or not. Other means make up for them.
 */
void tracker_missed(const struct tracker *tracker, uint64_t *execs, uint64_t *exits);

/* ---- what the BPF programs wrote; indexes must be below the limits ---- */

struct tracker_limits {
	uint32_t recorders; /* of one process */
	uint32_t slots;     /* of recorders, of all processes */
	uint32_t processes; /* process slots */
	uint32_t rings;
	uint32_t ring_bytes; /* of each */
};

struct tracker_limits tracker_limits(const struct tracker *tracker);

/* The generation and state of a recorder slot: see FR_WORD_GENERATION() and FR_WORD_STATE(). */
uint64_t tracker_slot_word(const struct tracker *tracker, uint32_t index);
/* Some members of a slot that can be read without copying it. They may change at any time. */
uint32_t tracker_slot_process(const struct tracker *tracker, uint32_t index);
uint32_t tracker_slot_replays(const struct tracker *tracker, uint32_t index);
/* Whether no entry of it is in a ring or on its way to one, given that @received were taken out. */
bool tracker_slot_arrived(const struct tracker *tracker, uint32_t index, uint64_t received);
/* When the wheel, or the collector, will look at it; see FR_IS_QUEUED_BY_COLLECTOR(). */
uint64_t tracker_slot_queued(const struct tracker *tracker, uint32_t index);
/* The first slot from @from on that may belong to the process; past the last if there is none. */
uint32_t tracker_next_slot_of(const struct tracker *tracker, uint32_t process, uint32_t from);
/*
 * Copies a slot consistently, with its strings NUL-terminated. Returns false if it kept changing:
 * then it belongs to another recorder by now.
 */
bool tracker_slot_copy(const struct tracker *tracker, uint32_t index, struct recorder_slot *copy);

/* The same for process slots. */
uint64_t tracker_process_word(const struct tracker *tracker, uint32_t index);
uint32_t tracker_process_uid(const struct tracker *tracker, uint32_t index);
bool tracker_process_copy(const struct tracker *tracker, uint32_t index, struct process_slot *copy);

/*
 * Adds what wakes the collector to an epoll set, with @token as data. Returns 0 or a negative
 * errno.
 */
int tracker_add_to_epoll(const struct tracker *tracker, int epoll_fd, uint64_t token);

/* The slots that were ever in use are those below this number. */
uint32_t tracker_slots_used(const struct tracker *tracker);
/* Whether a notice was refused since the last call; then all slots must be looked at. */
bool tracker_must_scan(struct tracker *tracker);
/*
 * What is wrong with the maps, as far as that can be seen while they are being written; NULL:
 * nothing.
 */
const char *tracker_check(const struct tracker *tracker);
void tracker_count(const struct tracker *tracker, uint64_t count[FR_COUNTERS]);

#endif /* FLIGHTREC_TRACKER_H */
