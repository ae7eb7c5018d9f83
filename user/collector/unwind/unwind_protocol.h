/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the collector asks its unwinding helper, and what that answers. The helper reads files of
 * observed processes, so it may be in their hands: whoever takes its answers checks all of them.
 *
 * One request at a time: its answer, or the question for a file of debugging information, comes
 * before the next.
 */
#ifndef FLIGHTREC_UNWIND_PROTOCOL_H
#define FLIGHTREC_UNWIND_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

/* The argument that our program becomes such a helper by. */
#define UNWIND_WORD "unwinding-helper"

/* Processes whose files it keeps open. */
#define UNWIND_PROCESSES 8
#define UNWIND_FILES_MAX 240
#define UNWIND_MODULES_MAX 4096
#define UNWIND_STACK_MAX (256u << 10)
#define UNWIND_VDSO_MAX (64u << 10)
#define UNWIND_REGISTERS 33
/* Frames of a reply, with inlined ones. What is dropped at the outer end is among them. */
#define UNWIND_FRAMES_MAX 48
#define UNWIND_STRINGS_MAX 32768
#define UNWIND_BUILD_ID_MAX 20

enum unwind_type {
	UNWIND_REQUEST = 1,
	UNWIND_FILE,      /* the answer to UNWIND_WANT_FILE: with a descriptor, or without */
	UNWIND_REPLY,     /* of the helper */
	UNWIND_WANT_FILE, /* of the helper */
	UNWIND_READY,     /* of the helper, once: it has given up its privileges */
};

/*
 * To the helper. A request's first descriptor has a struct unwind_payload and what follows it; the
 * others are files of modules.
 */
struct unwind_message {
	uint32_t type;
	uint32_t place; /* of the process, below UNWIND_PROCESSES */
	uint32_t anew;  /* what the helper knows of that place is of another process, or is old */
	uint32_t n_files;
	uint64_t number; /* of the request */
	uint16_t module[UNWIND_FILES_MAX];
};

/* A file that a process has mapped, from its first mapping to the end of its last. */
struct unwind_module {
	uint64_t start;
	uint64_t end;
};

/* Followed by the modules, by address; the stack; the vdso. */
struct unwind_payload {
	uint64_t pc;
	uint64_t sp;
	uint64_t reg[UNWIND_REGISTERS]; /* by DWARF number */
	uint64_t stack_start;
	uint64_t vdso_start;
	uint32_t stack_size;
	uint32_t vdso_size;
	uint32_t n_modules;
	uint32_t running; /* 0: it was in a system call, at its pc */
};

#define UNWIND_NO_MODULE UINT32_MAX
#define UNWIND_NO_STRING UINT32_MAX

struct unwind_frame {
	uint64_t pc;
	uint64_t offset;   /* in the function, or if that is not known in the file */
	uint32_t module;   /* or UNWIND_NO_MODULE */
	uint32_t function; /* where it begins among the strings; or UNWIND_NO_STRING */
	uint32_t file;     /* of the source, likewise */
	uint32_t line;
	uint32_t times; /* that it stands there, one after the other, alone or with those around */
	uint8_t inlined;
	uint8_t build_id_size;
	uint8_t build_id[UNWIND_BUILD_ID_MAX];
};

enum unwind_end {
	UNWIND_COMPLETE,
	UNWIND_TOO_DEEP,    /* more frames than are looked at */
	UNWIND_BEYOND_COPY, /* more stack than was copied */
	UNWIND_NO_INFO,     /* the file does not say how to go on, or is not to be had */
	UNWIND_IMPOSSIBLE,  /* none at all */
	UNWIND_ENDS,
};

/* Of the helper; UNWIND_WANT_FILE has n_frames 1, of which the build id is meant; UNWIND_READY
 * none. */
struct unwind_reply {
	uint32_t type;
	uint32_t end; /* enum unwind_end */
	uint64_t number;
	uint32_t total; /* frames that were found, whatever is left of them */
	uint32_t n_frames;
	uint32_t strings_size; /* each ends with a NUL */
	struct unwind_frame frame[UNWIND_FRAMES_MAX];
	char strings[UNWIND_STRINGS_MAX];
};

/* Runs as the helper until the collector is gone. Returns the exit status. */
int unwind_serve(int socket);

#endif /* FLIGHTREC_UNWIND_PROTOCOL_H */
