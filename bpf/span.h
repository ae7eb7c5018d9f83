/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Spans: recorders of programs that do not use the library. What their BPF programs and the
 * collector share. A place is where an event of a span is attached to in one file; the cookie of
 * the attachment is its number.
 */
#ifndef FLIGHTREC_SPAN_H
#define FLIGHTREC_SPAN_H

#include "record.h"

#define FR_SPAN_PLACES_MAX 4096 /* with number 0, which is none */
#define FR_SPAN_OPERANDS 8      /* of an entry */
#define FR_SPAN_NAME_OPERANDS 4
#define FR_SPAN_PREFIX_MAX 32
#define FR_SPAN_SYSCALLS 512
/* Call sites below this are no addresses, but numbers of events: nothing is ever mapped there. */
#define FR_SPAN_SITES 4096
/* So much of a string is copied. */
#define FR_SPAN_STRING_MAX 768
/* In place of a string's size: it was not in memory, and its address follows (8 bytes). */
#define FR_SPAN_STRING_UNREAD 0xfffeu

enum operand_place { OPERAND_NONE, OPERAND_CONSTANT, OPERAND_REGISTER, OPERAND_MEMORY };
enum operand_packed { OPERAND_STRING, OPERAND_INT32, OPERAND_INT64 };

#define FR_NO_REGISTER 0xffu
/* What the kernel saves of a thread's registers: this many words at most are of use. */
#define FR_SPAN_REGISTERS 34

/* Where an argument of an event is. */
struct span_operand {
	u8 place; /* enum operand_place */
	u8 size;  /* in bytes: 1, 2, 4 or 8 */
	u8 is_signed;
	u8 packed; /* enum operand_packed */
	u8 base;   /* a register: its number among the words of struct pt_regs */
	u8 index;  /* the same, or FR_NO_REGISTER; for memory */
	u8 scale;
	u8 reserved;
	u16 limit; /* of a string: so much is copied */
	u16 reserved2[3];
	s64 number; /* the constant; or added to the base */
};

enum span_compare {
	COMPARE_ALWAYS,
	COMPARE_EQUAL,
	COMPARE_UNEQUAL,
	COMPARE_LESS,
	COMPARE_LESS_EQUAL,
	COMPARE_GREATER,
	COMPARE_GREATER_EQUAL,
};

struct span_test {
	u32 compare; /* enum span_compare */
	u32 length;  /* of the string; 0: the number is compared */
	s64 number;
	struct span_operand operand;
	char string[FR_SPAN_PREFIX_MAX];
};

enum span_action { SPAN_OPENS, SPAN_CLOSES, SPAN_LOGS };

/* A frame of a function: the stack pointer tells it from others of the same function. */
#define FR_SPAN_FRAME 1u
/* The probe is behind the return: the stack pointer is beyond the return address. */
#define FR_SPAN_RETURNED 2u
/* A system call. */
#define FR_SPAN_SYSCALL 4u
/* Its return address is changed while it is open. */
#define FR_SPAN_HIJACKED 16u
/* Its name has arguments, which are packed where the slot's name is. */
#define FR_SPAN_NAMED 8u
/* A thread's, which ends with it. */
#define FR_SPAN_OF_THREAD 32u
/* Not all of the function's exits are known: its end is seen where it returns to. */
#define FR_SPAN_AT_CALLER 64u
#define FR_SPAN_CALLERS_MAX 4096

struct span_place {
	u32 span; /* from 1 */
	u32 site; /* the event's number */
	u32 action;
	u32 flags;
	u64 timeout_ns;
	u32 operands; /* of the entry */
	u32 name_operands;
	u32 has_entry;           /* opening it logs as well */
	u32 detail;              /* of a system call: its number */
	struct span_operand key; /* OPERAND_NONE: the thread */
	struct span_test test;
	struct span_operand name[FR_SPAN_NAME_OPERANDS];
	struct span_operand operand[FR_SPAN_OPERANDS];
};

/* Beside the recorder slot of the same index, if that is of a span. Written before it is OPEN. */
struct span_slot {
	u64 sp; /* of a frame: where its return address is; otherwise 0 */
	u64 return_address;
	u32 number; /* counts the process's spans from 1 */
	u32 flags;  /* of the place that opened it */
	u32 site;
	u32 name_size; /* bytes packed in the slot's name */
	u32 detail;    /* the place's */
	u32 reserved;
	u32 outer; /* the slot of the thread's span around it; FR_NONE */
	u32 outer_generation;
};

#define FR_SPAN_SCRATCHES 8 /* for each CPU: those that others preempted keep theirs */
#define FR_SPAN_DATA_ROOM 2048

/* Where a program has its thread's registers, and packs. */
struct span_scratch {
	u64 regs[FR_SPAN_REGISTERS];
	u32 busy;
	u32 size; /* packed */
	u32 cut;
	u32 reserved;
	char name[FR_NAME_SIZE];
	char string[FR_SPAN_PREFIX_MAX * 2];
	u8 data[FR_SPAN_DATA_ROOM];
};

#endif /* FLIGHTREC_SPAN_H */
