/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's side: loads the BPF programs, maps what they write, and runs the programs that
 * only the collector runs. Knows nothing of reports. Not thread-safe.
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

/* Processes with recorders that can be watched at once. */
#define TRACKER_PROCESSES_MAX 16384

struct tracker_options {
	uint64_t ring_bytes;    /* of all entry rings together */
	uint64_t timeout_ns;    /* in place of every recorder's own; 0: each its own */
	uint32_t max_recorders; /* of one process; there is room for others beside it */
	int min_severity;
	bool watch_all;
	bool follow_children;
	bool by_memory; /* entries and deadlines are read in the processes' logs */
};

/* Called while draining, for each record of an entry ring, and for each one of the notices' ring.
 */
struct tracker_callbacks {
	void (*record)(void *arg, uint32_t ring, const void *data, size_t size);
	void (*notice)(void *arg, const void *data, size_t size);
	void *arg;
};

struct tracker;

/* How many entry rings there are, and of which size, if @wanted bytes are asked for in all. */
void tracker_ring_layout(uint64_t wanted, uint32_t *rings, uint32_t *ring_bytes);

/*
 * Loads the programs and starts the deadline timer; attaches none of the probes.
 * @callbacks may be NULL if nothing will be drained.
 * Returns 0 or a negative errno, with one line at @error that says what failed.
 */
int tracker_open(struct tracker **tracker, const struct tracker_options *options,
		 const struct tracker_callbacks *callbacks, char *error, size_t error_size);
/* NULL: does nothing. */
void tracker_close(struct tracker *tracker);

/*
 * Descriptors of programs: of the probes of the library, each attached with its enum
 * flightrec_probe for a cookie; and of the function which the dynamic linker calls when it has
 * changed the mappings.
 */
int tracker_probes_program(const struct tracker *tracker);
int tracker_mappings_program(const struct tracker *tracker);
/* Whether they were loaded to be attached to many places at once, see uprobes.h. */
bool tracker_has_multi(const struct tracker *tracker);
/* From now on the probes are not seen but for the ends of recorders. */
void tracker_see_ends_only(struct tracker *tracker);

/* Watches a process, or no longer. Returns 0 or a negative errno. */
int tracker_watch(struct tracker *tracker, pid_t pid);
void tracker_unwatch(struct tracker *tracker, pid_t pid);

/* Hands each watched process that runs to @fn. Returns 0 or a negative errno. */
int tracker_processes(struct tracker *tracker,
		      void (*fn)(void *arg, const struct process_found *found), void *arg);

/*
 * Takes records out of the ring of notices, or of all entry rings, these merged by time: all that
 * were there when it was called, and a bounded number more; but no new one after @max_ns. Returns
 * whether more may be left.
 */
bool tracker_drain_notices(struct tracker *tracker, uint64_t max_ns);
bool tracker_drain_entries(struct tracker *tracker, uint64_t max_ns);

/*
 * Counts how often all was taken that had been in the entry rings at one time; and what the count
 * will be when all is taken that is there now.
 */
uint64_t tracker_drained(const struct tracker *tracker);
uint64_t tracker_drained_next(const struct tracker *tracker);

/* A record of @size bytes was taken out of an entry ring: its process may fill that much again. */
void tracker_consumed(struct tracker *tracker, uint32_t ring, uint32_t process, size_t size);

/* Frees recorder slots, and then a process slot unless @process is FR_NONE. */
void tracker_release(struct tracker *tracker, const uint32_t *slots, const uint32_t *generations,
		     size_t count, uint32_t process);
void tracker_rearm(struct tracker *tracker);
/* Has slots looked at that the wheel has no node for, as their time has come. */
void tracker_visit(struct tracker *tracker, const uint32_t *slots, size_t count);
/*
 * Tracks a recorder found in a process's memory. Returns its slot; FR_NONE: it is tracked already;
 * FR_REFUSED: there is no room for it.
 */
uint32_t tracker_adopt(struct tracker *tracker, struct adopt_args *args);

/*
 * Begins a look at the memory of process @pid, of whom NOTICE_REFUSED told: from now on another
 * notice comes for each recorder of it that is refused. Returns 0 and what is known of the process;
 * -ENOENT: nothing was refused to it.
 */
int tracker_refused_look(struct tracker *tracker, pid_t pid, struct refusal *refusal);
/* The look found that it need not look again before @look_ns. */
void tracker_refused_until(struct tracker *tracker, pid_t pid, uint64_t look_ns);
/* The process is no more. */
void tracker_refused_end(struct tracker *tracker, pid_t pid);
/* Hands each process to @fn to which something was refused: notices were lost. */
void tracker_refused_each(struct tracker *tracker,
			  void (*fn)(void *arg, pid_t pid, uint64_t look_ns), void *arg);

/* Tells how many instructions the verifier walked through for each program; 0: it did not say. */
void tracker_verified(struct tracker *tracker, void (*fn)(const char *program, uint32_t count));

/*
 * How many calls of execve(), and ends of threads, the kernel did not run its program for, as it
 * was within that program already: of any process, watched or not. They are made good by other
 * means.
 */
void tracker_missed(const struct tracker *tracker, uint64_t *execs, uint64_t *exits);

/* ---- what the BPF programs wrote; indexes are below the limits ---- */

struct tracker_limits {
	uint32_t recorders; /* of one process */
	uint32_t slots;     /* of recorders, of all processes */
	uint32_t processes; /* process slots */
	uint32_t rings;
	uint32_t ring_bytes; /* of each */
};

struct tracker_limits tracker_limits(const struct tracker *tracker);

/* Generation and state of a recorder slot: FR_WORD_GENERATION(), FR_WORD_STATE(). */
uint64_t tracker_slot_word(const struct tracker *tracker, uint32_t index);
/* Two of a slot's members that are worth a look before it is copied; they may change any time. */
uint32_t tracker_slot_process(const struct tracker *tracker, uint32_t index);
uint32_t tracker_slot_replays(const struct tracker *tracker, uint32_t index);
/* Whether none of its entries is in a ring, or on its way to one, if @received came out. */
bool tracker_slot_arrived(const struct tracker *tracker, uint32_t index, uint64_t received);
/* When the wheel, or the collector, looks at it; see FR_IS_QUEUED_BY_COLLECTOR(). */
uint64_t tracker_slot_queued(const struct tracker *tracker, uint32_t index);
/* The first slot from @from on that may be of the process; one behind the last if there is none. */
uint32_t tracker_next_slot_of(const struct tracker *tracker, uint32_t process, uint32_t from);
/*
 * Copies a slot, so that it does not mix two states of it; its strings end with a NUL. Returns
 * false if it did not hold still: then another recorder has it by now.
 */
bool tracker_slot_copy(const struct tracker *tracker, uint32_t index, struct recorder_slot *copy);

/* Likewise, of a process slot. */
uint64_t tracker_process_word(const struct tracker *tracker, uint32_t index);
uint32_t tracker_process_uid(const struct tracker *tracker, uint32_t index);
bool tracker_process_copy(const struct tracker *tracker, uint32_t index, struct process_slot *copy);

/* Adds what wakes the collector to an epoll set, with @token as its data. Returns 0 or -errno. */
int tracker_add_to_epoll(const struct tracker *tracker, int epoll_fd, uint64_t token);

/* Slots that were ever in use are those below this number. */
uint32_t tracker_slots_used(const struct tracker *tracker);
/* Whether a notice was refused since the last call: then look at the slots. */
bool tracker_must_scan(struct tracker *tracker);
/* What is wrong with the maps, as far as it shows while they are written; NULL: nothing. */
const char *tracker_check(const struct tracker *tracker);
void tracker_count(const struct tracker *tracker, uint64_t count[FR_COUNTERS]);

#endif /* FLIGHTREC_TRACKER_H */
