/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the BPF programs and the collector share: records in rings, slots in maps.
 *
 * State is kept in maps, which the collector reads through mmap. Rings carry entries, and notices
 * that say where in the maps to look. So a full ring may cost an entry, which is reported, but
 * never a timeout.
 *
 * Macros in this header and in limits.h begin with FR_, enumerators with the name of their enum.
 */
#ifndef FLIGHTREC_RECORD_H
#define FLIGHTREC_RECORD_H

#include "limits.h"

#ifndef __VMLINUX_H__
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
#endif

#define FR_NONE 0xffffffffu
#define FR_REFUSED 0xfffffffeu

#define FR_NAME_SIZE 64
#define FR_COMM_SIZE 16
#define FR_CONTEXT_MAX 256
#define FR_ENTRY_DATA_MAX 1024

/* ---- entry rings: one for each group of CPUs ---- */

enum record_type {
	RECORD_ENTRY = 1,
	RECORD_CONTEXT,
	RECORD_SITE,
};

/*
 * Kept small: together with the ring's own header, an entry of two integers is one cache line, and
 * the observed process waits for each line that it brings into the ring.
 */
struct entry_record {
	u8 type; /* RECORD_ENTRY; or RECORD_CONTEXT, where data is the whole context */
	u8 reserved;
	u16 size;           /* bytes of data */
	u16 severity_flags; /* severity and FLIGHTREC_HOW_*; 0 for a context */
	u16 process;        /* index of its process slot */
	u32 slot;           /* the recorder's; FR_NONE if it is not open */
	u32 generation;     /* of the slot */
	u32 sequence;       /* numbers the recorder's entries from 1, modulo 2^32 */
	u32 tid;
	u64 time_ns; /* CLOCK_MONOTONIC */
	u64 site;    /* address of the call site in its process, or 0 */
	u8 data[];
};

#define FR_SITE_FORMAT_MAX 1024
#define FR_SITE_FILE_MAX 256
#define FR_SITE_FUNCTION_MAX 128

/*
 * A call site not seen before. The sizes of strings include the NUL; 0 means it could not be read.
 */
struct site_record {
	u8 type;
	u8 reserved[3];
	u32 process;
	u64 site;
	u64 from_ns; /* CLOCK_MONOTONIC; before that, something else may have been at this address
		      */
	u32 line;
	u16 format_size;
	u16 file_size;
	u16 function_size;
	u16 reserved2[3];
	char format[FR_SITE_FORMAT_MAX];
	char file[FR_SITE_FILE_MAX];
	char function[FR_SITE_FUNCTION_MAX];
};

/* ---- notices: one ring for what a person, or a deadline, is waiting for ---- */

enum notice_type {
	NOTICE_RECORDER = 1, /* the slot's state changed to one the collector must see */
	NOTICE_REPLAY,       /* flightrec_replay() was called; generation says for which */
	NOTICE_PROCESS,      /* a process slot came into use, or its process ended */
	NOTICE_REARM,        /* something is due before the timer will fire */
	NOTICE_MAPPINGS,     /* pid's mappings changed: look for probes */
	NOTICE_FULL,         /* a ring refuses entries: drain it */
	NOTICE_REFUSED,  /* process `index` (a pid) has a recorder without a slot, due at time_ns */
	NOTICE_UNQUEUED, /* the wheel cannot look at a slot at time_ns: visit it then */
	/* Of watching by memory; `index` is a pid, and `log` which of its logs is meant. */
	NOTICE_ARM,   /* look at the log by time_ns; log 0: a recorder of this process is in none */
	NOTICE_LATE,  /* the recorder in slot `detail` of the log was closed late */
	NOTICE_ASKED, /* a replay is asked for: the one in slot `detail` whose id ends in `log` */
	/* A function that begins a span was called by `index` (a pid) from where it is to return
	   to `time_ns`, an address: look at that for its end. `detail`: the event. */
	NOTICE_RETURN,
};

struct notice {
	u32 type;
	u32 index; /* of the slot; for NOTICE_MAPPINGS and NOTICE_REFUSED, the pid */
	union {
		u32 generation;
		u32 log; /* the low bits of the page number where it begins */
	};
	u32 detail;
	u64 time_ns;
};

/* ---- recorder slots ---- */

/*
 * The low byte of a slot's word, and what changes it. Every change is a compare-and-swap of the
 * whole word, so if two try, only one succeeds:
 *
 *	from                      event                     to         by
 *	FREE                      opened, or found open     OPEN       on_begin, on_entry, adopt
 *	OPEN                      closed in time            FREE       on_end
 *	OPEN                      same, replay asked for    REPLAYED   on_end
 *	OPEN                      deadline passed           TIMED_OUT  timer, visit, on_extend
 *	OPEN                      closed past deadline      LATE       on_end
 *	OPEN                      index bucket is full      FREE       on_begin, on_entry, adopt
 *	TIMED_OUT                 closed                    FINISHED   on_end
 *	REPLAYED, LATE, FINISHED  all is reported           FREE       release (settlement)
 *	OPEN, TIMED_OUT           its process ended         FREE       release (settlement)
 *
 * Opening raises the generation by 1. A NOTICE_RECORDER tells the collector of REPLAYED, TIMED_OUT,
 * LATE and FINISHED. So closing in time leaves no trace, and everything else leads to the collector
 * (settlement.h). A FREE slot is in the free list of its `home`, or about to be, or was never used
 * (it is at or above fresh_slots). An OPEN or TIMED_OUT slot is in the index, or about to be.
 */
enum recorder_state {
	RECORDER_FREE,
	RECORDER_OPEN,
	RECORDER_TIMED_OUT, /* past its deadline, not closed */
	RECORDER_LATE,      /* closed past its deadline, before the tick that would have noticed */
	RECORDER_FINISHED,  /* timed out, then closed */
	RECORDER_REPLAYED,  /* closed in time, but asked for a replay */
};

#define FR_WORD(generation, state) (((u64)(generation) << 8) | (state))
#define FR_WORD_STATE(word) ((u32)((word)&0xff))
#define FR_WORD_GENERATION(word) ((u32)((word) >> 8))

#define FR_SLOT_ADOPTED                                                                            \
	1u              /* found in memory rather than seen to open: earlier entries are unknown */
#define FR_SLOT_SPAN 2u /* of a span: see span.h */
/*
 * Marks a slot's queued_ns if the collector, not the wheel, will look at the slot at that time.
 * Times of the wheel are multiples of its narrowest bucket.
 */
#define FR_QUEUED_BY_COLLECTOR(ns) ((ns) | 1)
#define FR_IS_QUEUED_BY_COLLECTOR(queued_ns) (((queued_ns)&0xffff) == 1)

/*
 * Who writes what: fill_slot() writes everything while the slot is FREE and belongs to nobody else.
 * Later, `word` and `ended_ns` are changed as in the table above, `deadline_ns` and `timeout_ns` by
 * on_extend, queued_ns by everyone who queues (see wheel.bpf.h), and the counts by everyone who
 * counts, with atomic additions.
 *
 * entries = received + refused + in flight: what the collector took from the rings, what no ring
 * had room for, and what is in a ring or on its way to one.
 */
struct recorder_slot {
	u64 word;        /* FR_WORD(generation, enum recorder_state) */
	u64 deadline_ns; /* CLOCK_MONOTONIC, like all times here */
	u64 queued_ns;   /* the earliest time at which it will be looked at; all ones: never */
	u64 entries;     /* emitted so far */
	u64 refused;     /* of these, those that no ring had room for */
	u64 rec;         /* address, in its process */
	u64 id;
	u16 process;   /* index of its process's slot */
	u16 home;      /* free list it belongs to */
	u32 next_free; /* plus 1 */
	/* Closing in time touches nothing from here on, behind the first cache line. */
	u64 started_ns;
	u64 timeout_ns;
	u64 ended_ns;
	u64 parent_id;
	u32 tid; /* the thread that opened it */
	u32 flags;
	u32 context_refused;
	u32 replays; /* how often flightrec_replay() asked for one */
	char comm[FR_COMM_SIZE];
	char name[FR_NAME_SIZE];
};

/* ---- process slots ---- */

struct process_key {
	u32 pid;
	u32 exec_id;  /* counts the process's calls of execve() */
	u64 start_ns; /* CLOCK_BOOTTIME */
};

/*
 * The low byte of a process slot's word:
 *
 *	from           event                          to      by
 *	FREE           a recorder opens, or is found  ALIVE   on_begin, on_entry, adopt
 *	ALIVE          its last thread ended          ENDED   on_exit, on_exit_signal, on_free
 *	ALIVE          it called execve()             EXECED  on_exec, or see end_replaced()
 *	ENDED, EXECED  its recorders are settled      FREE    release
 *
 * Registering raises the generation by 1. A NOTICE_PROCESS tells the collector of ALIVE, ENDED and
 * EXECED. An ALIVE slot is in process_index, by its key. For a moment an index may lead to a slot
 * of an earlier generation, so its users compare.
 */
enum process_state { PROCESS_FREE, PROCESS_ALIVE, PROCESS_ENDED, PROCESS_EXECED };

struct process_slot {
	u64 word; /* FR_WORD(generation, enum process_state) */
	struct process_key key;
	u64 ended_ns;
	u32 exit_code; /* as from wait(2) */
	u32 next_free;
	u32 uid;       /* the user whose share it counts for */
	u32 adopted;   /* some of its recorders were adopted */
	u64 mapped_ns; /* when its dynamic linker last changed its mappings; 0: not since it was
			  registered */
	u64 told_ns;   /* when it began to count `told` */
	/* What each opening and closing writes, in a cache line of its own. */
	s32 held; /* recorder slots; may be negative for a moment, which counts as 0 */
	u32 told; /* notices about its log in this period */
	char comm[FR_COMM_SIZE];
	/* What a process that kept a log said when it exited. */
	u64 opened;
	u64 entries;
	u32 spans; /* opened so far */
	u32 reserved2;
	u64 reserved3[2];
};

/* A process one of whose recorders could not be tracked. In map `refused`, by pid. */
struct refusal {
	struct process_key key;
	u64 look_ns; /* when the collector will look for it in memory; all ones: unknown yet */
	u64 count;   /* recorders counted as untracked */
	u32 uid;
	u32 reserved;
	char comm[FR_COMM_SIZE];
};

/* The processes of FR_OWNERS consecutive slots: index of the process slot, plus 1; 0: none yet. */
struct slot_owners {
	u16 process[FR_OWNERS];
};

/* Bytes that a process put into a ring, and bytes that the collector took out of it. */
struct ring_share {
	u64 produced;
	u64 consumed;
};

/* Written by the iterator `list_processes`. */
struct process_found {
	struct process_key key;
	u32 uid;
	u32 reserved;
	char comm[FR_COMM_SIZE];
};

/* ---- counters: one line for each CPU ---- */

enum counter {
	COUNT_OPENED,
	COUNT_TIMED_OUT,
	COUNT_ENTRIES,       /* emitted, whatever became of them */
	COUNT_REFUSED_RING,  /* entries refused: the ring was full */
	COUNT_REFUSED_SHARE, /* entries refused: the process had used up its share of the ring */
	COUNT_REFUSED_READ,  /* entries refused: their memory could not be read */
	COUNT_UNTRACKED,     /* recorders: no slot was free, or they could not be read */
	COUNT_UNTRACKED_ENTRIES, /* entries of such recorders */
	COUNT_CONTEXT_LOST,
	COUNT_NOTICES_LOST, /* harmless: the collector looks at all slots instead */
	COUNT_TICKS,        /* how often the deadline timer fired */
	COUNT_WAKEUPS,      /* how often BPF woke the collector */
	FR_COUNTERS = 16
};

struct counters {
	u64 count[FR_COUNTERS];
	s64 pool_taken; /* taken from the pool, and not yet added to pool_in_use */
	u64 reserved[7];
};

/* ---- arguments of the SEC("syscall") programs ---- */

#define FR_RELEASE_MAX 64

#define FR_VISIT_MAX 64

struct visit_args {
	u32 count;
	u32 slot[FR_VISIT_MAX];
};

struct release_args {
	u32 count;
	u32 process; /* if not FR_NONE, a process slot to free after the recorders */
	u32 slot[FR_RELEASE_MAX];
	u32 generation[FR_RELEASE_MAX];
};

struct adopt_args {
	struct process_key key;
	u64 rec;
	u64 id;
	u64 started_ns;
	u64 timeout_ns;
	u64 parent_id;
	u32 tid;
	u32 uid;
	u32 overdue; /* may use the reserve */
	u32 slot;    /* result; FR_NONE: tracked already; FR_REFUSED: no room */
	char comm[FR_COMM_SIZE];
	char name[FR_NAME_SIZE];
};

_Static_assert(sizeof(struct entry_record) == 40, "entry_record has no padding");
_Static_assert(sizeof(struct notice) == 24, "notice has no padding");
_Static_assert(sizeof(struct recorder_slot) == 192, "recorder_slot is three cache lines");
_Static_assert(__builtin_offsetof(struct recorder_slot, started_ns) == 64,
	       "the first of them is hot");
_Static_assert(sizeof(struct process_slot) == 128, "process_slot is two cache lines");
_Static_assert(__builtin_offsetof(struct process_slot, held) == 64, "the first is read mostly");
_Static_assert(sizeof(struct slot_owners) == 64, "slot_owners is a cache line");

#endif /* FLIGHTREC_RECORD_H */
