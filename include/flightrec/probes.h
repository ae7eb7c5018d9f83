/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The USDT probes of provider `flightrec`, and the memory that their arguments point to. For
 * tools that read them: flightrec itself, bpftrace, bcc, SystemTap. Programs include
 * <flightrec.h>.
 *
 * All arguments are 64 bits wide and stand in the argument registers of the C calling convention
 * (x86-64: rdi, rsi, rdx, rcx, r8, r9; arm64: x0 to x5), as the probes' notes say. Those of begin,
 * entry and stray are followed by FLIGHTREC_PROBE_WORDS more (r10, r11, rax, rbx, r12; x6 to x10).
 *
 *	probe	arguments
 *	begin	rec, id, timeout_ns, name, parent_id, words of name
 *	entry	rec, id, site, how, data, size, words of data
 *	end	rec, id
 *	extend	rec, id, timeout_ns
 *	context	rec, id, data, size
 *	replay	rec, id
 *	arm	memory, timeout_ns
 *	late	memory, slot, id
 *	stray	site, how, data, size, words of data
 *	leave	memory, opened, entries
 *
 * The first six tell everything as it happens. The last four share one semaphore. They are for
 * watchers that read the process's memory log (see user/format/memory_log.h), and say when:
 *
 * arm		a recorder was opened or extended, and is due before the next look that was
 *		promised: look in timeout_ns. memory is the address of the log; 0: this recorder
 *		is in no log, and can only be watched by the other probes
 * late		the recorder in `slot` of the log was closed past its deadline, or close to it
 * stray	an entry of a recorder that is not open
 * leave	the process is about to exit: how many recorders it opened, and how many entries
 *		it logged to them, in all
 *
 * rec		address of the recorder, a struct flightrec
 * id		its number, counting the recorders that this process opened, from 1; 0: not open
 * timeout_ns	from now, in nanoseconds
 * name		its name: FLIGHTREC_NAME_MAX readable bytes, NUL-terminated
 * parent_id	id of the recorder that encloses it, or 0
 * site		address of the call site, a struct flightrec_site: three pointers to strings
 *		(format, file, function), then the line as uint32_t; 0 with FLIGHTREC_HOW_INLINE
 * how		enum flightrec_severity in the low 8 bits, FLIGHTREC_HOW_* above
 * data, size	packed arguments, see below; at most FLIGHTREC_ENTRY_MAX bytes
 * words	the first bytes of what name or data points to. If that is all of it, there is
 *		no need to read the program's memory, which is a tenth of the whole cost. Past
 *		the end of data they are undefined.
 *
 * Each probe has a semaphore, and is a plain nop of one byte (4 on arm64) in the library. It is
 * reached only while its semaphore is not 0.
 *
 * Packed arguments follow each other without padding, in native byte order, in the order of the
 * argument list (not of the conversions, which differ for "%2$s"). First of all the value of
 * errno as int32_t if the format has a %m anywhere. Then
 *
 *	int and narrower, %c, %lc, `*`	4 bytes
 *	long, wider, pointers, %p	8 bytes
 *	float, double			8 bytes, a double
 *	long double			16 bytes, as in memory
 *	%s, %ls				2 bytes, then the bytes of the string, without a NUL; %ls in
 *					UTF-8. The 2 bytes: FLIGHTREC_STRING_NULL for NULL, else
 *					the count of bytes, with FLIGHTREC_STRING_CUT if it was cut
 *
 * With FLIGHTREC_HOW_INLINE the format stands first, packed like a string. Context data is a
 * sequence of items, each: 2 bytes, the size of what follows; the key, packed like a string; the
 * format, packed like a string; the arguments.
 */
#ifndef FLIGHTREC_PROBES_H
#define FLIGHTREC_PROBES_H

#include <stdint.h>

/* An entry's `how`: its severity, and flags. */
#define FLIGHTREC_HOW_SEVERITY 0xffu   /* mask of the severity */
#define FLIGHTREC_HOW_CUT 0x100u       /* something did not fit and was cut */
#define FLIGHTREC_HOW_INLINE 0x200u    /* the format is in the data, there is no call site */
#define FLIGHTREC_HOW_REFUSED 0x400u   /* the format is refused: no arguments are packed */
#define FLIGHTREC_HOW_STEP_IN 0x800u   /* from FLIGHTREC_STEP: show a "+" in front */
#define FLIGHTREC_HOW_STEP_OUT 0x1000u /* likewise, a "-" */

#define FLIGHTREC_STRING_NULL 0xffffu
#define FLIGHTREC_STRING_CUT 0x8000u

/* At most this much of an inline format is copied. */
#define FLIGHTREC_INLINE_FORMAT_MAX 512

/* Argument registers, as a probe's note names them; index 0 is the first argument. */
#if defined(__x86_64__)
#define FLIGHTREC_PROBE_REGISTERS                                                                  \
	{                                                                                          \
		"%rdi", "%rsi", "%rdx", "%rcx", "%r8", "%r9"                                       \
	}
#elif defined(__aarch64__)
#define FLIGHTREC_PROBE_REGISTERS                                                                  \
	{                                                                                          \
		"x0", "x1", "x2", "x3", "x4", "x5"                                                 \
	}
#endif

/* Registers of the words, likewise. */
#define FLIGHTREC_PROBE_WORDS 5
#if defined(__x86_64__)
#define FLIGHTREC_PROBE_WORD_REGISTERS                                                             \
	{                                                                                          \
		"%r10", "%r11", "%rax", "%rbx", "%r12"                                             \
	}
#elif defined(__aarch64__)
#define FLIGHTREC_PROBE_WORD_REGISTERS                                                             \
	{                                                                                          \
		"x6", "x7", "x8", "x9", "x10"                                                      \
	}
#endif

/*
 * What a copy of the library shares with whoever watches it. It lies in the section .probes; the
 * semaphore named by each probe's note is a member, so that a note leads to it even in a stripped
 * program. Everything in it is only as good as the program that holds it: check before use.
 */
#define FLIGHTREC_STATE_MAGIC "flightrec state"
#define FLIGHTREC_STATE_VERSION 1

enum flightrec_probe {
	FLIGHTREC_PROBE_BEGIN,
	FLIGHTREC_PROBE_ENTRY,
	FLIGHTREC_PROBE_END,
	FLIGHTREC_PROBE_EXTEND,
	FLIGHTREC_PROBE_CONTEXT,
	FLIGHTREC_PROBE_REPLAY,
	FLIGHTREC_PROBE_ARM,
	FLIGHTREC_PROBE_LATE,
	FLIGHTREC_PROBE_STRAY,
	FLIGHTREC_PROBE_LEAVE,
	FLIGHTREC_PROBES
};

/* Index in semaphore[] below. Each probe has its own, but those of watching by memory share one. */
#define FLIGHTREC_SEMAPHORE(probe)                                                                 \
	((probe) < FLIGHTREC_PROBE_ARM ? (unsigned)(probe) : FLIGHTREC_PROBE_ARM)
#define FLIGHTREC_SEMAPHORES 8
/* Not a semaphore: 1 while the process keeps a memory log. */
#define FLIGHTREC_KEEPS_LOG 7

/*
 * The open recorders of a process: slots in chunks, chunk k (from 0) holding 512 << k of them.
 * A slot is in use while its id is not 0, and then names an open recorder. Slots at `used` and
 * above were never in use.
 */
struct flightrec_open {
	uint64_t id;
	uint64_t rec;           /* address of its struct flightrec */
	uint32_t next_;         /* private: next free slot, plus 1 */
	uint32_t reserved_[11]; /* a cache line each: threads write side by side */
};
#define FLIGHTREC_OPEN_CHUNK 512u
#define FLIGHTREC_OPEN_CHUNKS 20

/* Free slots that threads keep for themselves: the number of cache lines, and of slots in each. */
#define FLIGHTREC_SPARE_LINES 32u
#define FLIGHTREC_SPARES 4u

#define FLIGHTREC_NO_MEMORY 1 /* it has recorders, and no log */

/*
 * The process, as one copy of the library knows it. Another copy that is given a recorder of this
 * one finds it by the recorder's instance: the low 40 bits are the number of the page of 4 KiB.
 *
 * It lies in a page that the kernel empties in a child of fork(). What everybody reads, what each
 * opening writes, and the rest have separate cache lines.
 */
struct flightrec_process {
	uint64_t instance; /* no other process has the same; 0: nothing was opened yet */
	uint64_t memory;   /* address of its memory log; 0: none yet; or FLIGHTREC_NO_MEMORY */
	uint64_t layout_;  /* private: what another copy of the library finds here */
	uint64_t reserved1_[5];
	uint64_t opened; /* number of the recorder opened last; copies of the library share them */
	uint64_t reserved2_[7];
	uint64_t free_; /* private: head of the free slots */
	uint32_t used;  /* slots that were in use so far */
	uint32_t reserved3_[13];
	struct {
		uint32_t slot[FLIGHTREC_SPARES]; /* plus 1; 0: none */
		uint32_t reserved_[16 - FLIGHTREC_SPARES];
	} spare_[FLIGHTREC_SPARE_LINES];        /* private */
	uint64_t chunk_[FLIGHTREC_OPEN_CHUNKS]; /* private: as in struct flightrec_state */
};

struct flightrec_state {
	char magic[16];
	uint32_t version;
	uint32_t size;                            /* of this struct */
	uint16_t semaphore[FLIGHTREC_SEMAPHORES]; /* by FLIGHTREC_SEMAPHORE() */
	uint64_t process;                      /* address of the struct flightrec_process, or 0 */
	uint64_t chunk[FLIGHTREC_OPEN_CHUNKS]; /* addresses of arrays of struct flightrec_open */
};

#endif /* FLIGHTREC_PROBES_H */
