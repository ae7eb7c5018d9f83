/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a span needs of one file: where its events are there, and what BPF has to know of each. Not
 * thread-safe.
 */
#ifndef FLIGHTREC_SPAN_FILE_H
#define FLIGHTREC_SPAN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/span/span_place.h"
#include "collector/target/elf_file.h"
#include "collector/target/elf_frames.h"

/* Where to attach, and as what. */
struct span_site {
	uint64_t offset;         /* in the file */
	uint64_t ref_ctr_offset; /* or 0 */
	bool returns;            /* at the function's return: a uretprobe */
	struct span_place place;
};

/* Zeroed: none. */
struct span_sites {
	struct span_site *site;
	size_t count;
	size_t room;
};

struct span_file {
	int fd;
	const char *path; /* as the process has it, for messages */
	struct elf_frames frames;
	bool frames_read;
};

/* Whether @path, as the kernel shows it, is what a statement calls @library. */
bool span_file_is(const char *library, const char *path);

/*
 * Adds where event @number is in the file. Returns 0; -ENOENT, -ENOTSUP and the like, with
 * @problem: it is not there, or cannot be attached to; -ENOMEM.
 */
int span_file_find(struct span_file *file, const struct span_set *set, size_t number,
		   struct span_sites *sites, struct span_problem *problem);

/* Whether a span has an event in the file of that path. */
bool span_file_wanted(const struct span *span, const char *path);

struct span_problems {
	struct span_problem *problem; /* why it is not possible */
	struct span_problem *missing; /* what it does without: the last of such events; or "" */
};

/* Adds all events that span @i has in the file. Returns the same. */
int span_file_all(struct span_file *file, const struct span_set *set, size_t i,
		  struct span_sites *sites, const struct span_problems *problems);

#endif /* FLIGHTREC_SPAN_FILE_H */
