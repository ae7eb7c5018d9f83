/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The layout of a process's memory log. The library writes it by plain stores, watched or not; the
 * collector reads it from outside: while the process runs, or out of its core file.
 *
 * Each process has one region of shared anonymous memory:
 *
 *	struct memory_header
 *	slots	struct memory_slot[header.slots] from header.slots_at; those at header.slots_used
 *		and above were never in use
 *	kept	uint32_t[header.slots / MEMORY_KEPT_PART], private: slots that are MEMORY_LATE
 *	units	header.units units of MEMORY_UNIT bytes from header.units_at; those at
 *		header.units_used and above were never given out. Unit 0 is unused: 0 means "none"
 *
 * A unit, or four in a row, is given out once and for one purpose: a thread's record, a chunk of
 * entries, or call sites. It never changes its purpose or its owner afterwards, so a slow reader
 * sees old data, never data of another kind.
 *
 * Who writes what
 *
 * A *slot* is one open recorder. Its number is that of the recorder in the table of open recorders
 * (struct flightrec_open), so exactly one thread at a time owns it: the one that opens the
 * recorder, and later the one that closes it. Its generation grows with each opening.
 *
 * A *chunk* belongs to one thread (struct memory_thread) and to one level of signal handlers in
 * that thread, for good; nobody else writes it. So an entry needs no lock and no locked
 * instruction, and a thread that is still logging while another closes the recorder writes where
 * nobody else does. The owner reuses a chunk once the recorder it was last used for is closed: it
 * makes `use` odd, resets the rest, and makes `use` even again. `used` is stored last, with
 * release order: the bytes below it are complete entries.
 *
 * What one thread logs to one recorder is a *strand*: a head chunk with the first entries, and up
 * to MEMORY_TAILS larger chunks, used in turn, with the last ones. A slot points to the strand of
 * the thread that opened the recorder; those of other threads and levels are chained behind it.
 *
 * How to read it
 *
 * Everything may be half changed, or a lie. A reader checks that each number is in range and that
 * a chunk names the slot and generation that led to it, and reads `use` again after copying a
 * chunk: if it is odd or has changed, the copy is worthless. Chains are followed for at most
 * MEMORY_STRANDS_MAX steps.
 */
#ifndef FLIGHTREC_MEMORY_LOG_H
#define FLIGHTREC_MEMORY_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "flightrec.h"

#define MEMORY_MAGIC "flightrec memory" /* 16 bytes, no NUL */
#define MEMORY_VERSION 1

#define MEMORY_SLOTS_MAX (1u << 22)
#define MEMORY_UNIT 512
/* So many of the slots may be those of recorders that closed late. */
#define MEMORY_KEPT_PART 2
#define MEMORY_TAIL_UNITS 4
#define MEMORY_TAILS 3
#define MEMORY_STRANDS_MAX 1024
/* Log calls interrupted by handlers that log; what is nested deeper is counted as lost. */
#define MEMORY_LEVELS 3

enum memory_state {
	MEMORY_FREE,
	MEMORY_OPENING,
	MEMORY_OPEN,
	MEMORY_LATE, /* closed past its deadline, or told of: not used again for a while */
};

/* A slot's word: generation, and a byte for enum memory_state. */
#define MEMORY_WORD(generation, state) ((uint64_t)(generation) << 8 | (uint64_t)(state))
#define MEMORY_WORD_STATE(word) ((unsigned int)((word)&0x7f))
/* Of that byte: a replay was asked for, so it becomes MEMORY_LATE when it is closed. */
#define MEMORY_TOLD 0x80u
#define MEMORY_WORD_GENERATION(word) ((uint64_t)(word) >> 8)

enum memory_clock {
	MEMORY_CLOCK_MONOTONIC, /* ticks are nanoseconds of CLOCK_MONOTONIC, as the process sees it
				 */
	MEMORY_CLOCK_COUNTER,   /* the processor's counter: TSC, or arm64's generic timer */
};

struct memory_header {
	char magic[16];
	uint32_t version;
	uint32_t header_size; /* of this struct */
	uint64_t size;        /* of the region */
	uint64_t instance;    /* that of struct flightrec_process */
	uint32_t pid;         /* as the process sees it */
	uint32_t clock;       /* enum memory_clock */
	uint64_t slots_at;    /* offsets in the region */
	uint64_t units_at;

	uint32_t slots;
	uint32_t units;
	uint64_t state;   /* address of the library's struct flightrec_state */
	char library[16]; /* its version, NUL-terminated */
	uint32_t tag;     /* private: tells this log from those of other copies, and of parents */
	uint32_t reserved0;
	uint64_t scale; /* private: nanoseconds a tick, roughly, times 2^32 */
	uint64_t reserved1[2];

	/*
	 * The same moment on each clock, when the region was made and again now and then: a reader
	 * of a core file has nothing else to convert ticks with. last_ns is 0 while the later
	 * moment is being written.
	 */
	uint64_t zero_ticks;
	uint64_t zero_ns;
	uint64_t last_ticks;
	uint64_t last_ns;
	uint64_t last_real_ns; /* on CLOCK_REALTIME */
	uint64_t reserved2[3];

	/* Written by any thread that opens a recorder. */
	uint32_t slots_used;
	uint32_t units_used;
	uint32_t threads;     /* unit of the newest struct memory_thread */
	uint32_t sites_index; /* private: unit of the index of call sites, or 0 */
	uint32_t sites_units; /* private: units given out for call sites */
	uint32_t reserved3;
	uint64_t sites_room; /* private: what is free for call sites: end << 32 | start, in words */
	uint64_t lost_entries; /* those whose thread had no room for a strand */
	/*
	 * The deadline that was told last by the arm probe, CLOCK_MONOTONIC as the process sees it.
	 * Whoever watches has promised to look by then, if it is not past.
	 */
	uint64_t armed_ns;
	uint32_t kept_next; /* private: how many slots were MEMORY_LATE so far */
	uint32_t reserved5;
	uint64_t reserved4[1];
};

struct memory_slot {
	uint64_t word;
	uint64_t rec;        /* address of the struct flightrec */
	uint64_t started;    /* ticks */
	uint64_t ended;      /* ticks; while it is open: when it was extended last, or 0 */
	uint64_t id;         /* counts the recorders that this process opened, from 1 */
	uint64_t timeout_ns; /* from its opening; while it is open, and was extended: from then */
	uint32_t tid;        /* that opened it, as the process sees it */
	uint32_t parent;     /* its id minus that of its parent; 0: none */
	uint32_t strand;     /* unit of the head chunk of the opener's strand, or 0 */
	uint32_t context;    /* unit of a context chunk, or 0 */
	char name[FLIGHTREC_NAME_MAX];
};

enum memory_kind { MEMORY_HEAD = 1, MEMORY_TAIL, MEMORY_CONTEXT, MEMORY_THREAD, MEMORY_SITES };

struct memory_chunk {
	uint32_t kind;       /* enum memory_kind; kind and owner never change */
	uint32_t owner;      /* unit of its struct memory_thread << 2 | level */
	uint32_t own_next;   /* private: the owner's next chunk of this kind */
	uint32_t use;        /* odd while the chunk is being reset */
	uint32_t slot;       /* the recorder it was last used for ... */
	uint32_t generation; /* ... and the low bits of its generation */
	uint32_t used;       /* bytes of data that are complete entries */
	uint32_t count;      /* of these entries */
	/* A head chunk, for its strand: */
	uint64_t next;               /* generation << 32 | unit of another strand's head, or 0 */
	uint32_t tail[MEMORY_TAILS]; /* units of tail chunks */
	uint32_t tails;              /* begun so far: number k is tail[k % MEMORY_TAILS] */
	uint32_t lost;               /* entries that found no room */
	uint32_t tid;                /* of the thread, as the process sees it */
	/* A tail chunk: */
	uint32_t number; /* its number in the strand */
	uint32_t before; /* entries of the strand before its own */
	unsigned char data[];
};

/* What the timeout counts from, in ticks. */
static inline uint64_t memory_slot_from(const struct memory_slot *slot)
{
	return MEMORY_WORD_STATE(slot->word) == MEMORY_OPEN && slot->ended ? slot->ended
									   : slot->started;
}

#define MEMORY_HEAD_DATA (MEMORY_UNIT - sizeof(struct memory_chunk))
#define MEMORY_TAIL_DATA (MEMORY_UNIT * MEMORY_TAIL_UNITS - sizeof(struct memory_chunk))

/* Entries follow one another, each padded to 8 bytes. */
struct memory_entry {
	uint64_t ticks;
	uint32_t site; /* offset in the region of its struct memory_site, in words of 8 bytes; or 0
			*/
	uint16_t size; /* bytes of data, packed as <flightrec/probes.h> describes */
	uint16_t severity_flags; /* as the entry probe's argument of that name */
	unsigned char data[];
};

#define MEMORY_ENTRY_BYTES(size) ((sizeof(struct memory_entry) + (size) + 7) & ~(size_t)7)

/* A call site's texts: format, file and function, each with its NUL, one after the other. */
struct memory_site {
	uint32_t hash;
	uint32_t line;
	uint16_t format_size; /* with its NUL */
	uint16_t file_size;
	uint16_t function_size;
	uint16_t reserved;
	char text[];
};

/* An index of call sites by their hash, private to the library: units of the same. */
#define MEMORY_SITES_INDEX 1024u

#define MEMORY_FORMAT_MAX 512
#define MEMORY_FILE_MAX 256
#define MEMORY_FUNCTION_MAX 128

/*
 * A thread that logs by one copy of the library, in a unit of its own. It alone writes it, but for
 * the first members.
 */
struct memory_thread {
	uint32_t kind;
	uint32_t next; /* unit of the record made before; never changes */
	union {
		struct {
			uint32_t tid;
			uint32_t copy; /* private: 0 for the copy whose log it is */
		};
		uint64_t who; /* changes when a later thread takes the record over */
	};
	struct {
		uint64_t opened;  /* recorders */
		uint64_t entries; /* logged to open recorders, and not lost */
		uint32_t last[4]; /* by enum memory_kind: the chunk used last */
	} level[MEMORY_LEVELS];
};

_Static_assert(sizeof(struct memory_header) == 256, "cache lines");
_Static_assert(offsetof(struct memory_header, zero_ticks) == 128, "a line of its own");
_Static_assert(offsetof(struct memory_header, slots_used) == 192, "a line of its own");
_Static_assert(sizeof(struct memory_slot) == 128, "two cache lines");
_Static_assert(offsetof(struct memory_slot, name) == 64, "the first line is enough for a look");
_Static_assert(sizeof(struct memory_chunk) == 72, "no padding");
_Static_assert(sizeof(struct memory_entry) == 16, "no padding");
_Static_assert(sizeof(struct memory_thread) <= MEMORY_UNIT, "a unit");

#endif /* FLIGHTREC_MEMORY_LOG_H */
