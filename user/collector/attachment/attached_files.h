/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that were looked at: those that are attached to, and those that have nothing to attach
 * to, so that they need not be looked through again. Not thread-safe.
 */
#ifndef FLIGHTREC_ATTACHED_FILES_H
#define FLIGHTREC_ATTACHED_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <uthash.h>

#include "collector/attachment/file_identity.h"
#include "collector/kernel/uprobes.h"
#include "collector/target/elf_probes.h"

/* Files without probes that are remembered: as soon as there are more, all are forgotten. */
#define ATTACHED_FILES_PLAIN_MAX 4096

/* One file may be attached to for each of several processes, and in two ways for the same. */
struct attached_key {
	struct file_identity file;
	int64_t pid; /* attached for this process alone; 0: for all */
	int64_t all_probes;
};

struct attached_file {
	struct attached_key key;
	struct elf_probes *probes; /* NULL: it has none, or they could not be attached to */
	struct uprobe_links links;
	bool is_linker; /* attached to as the dynamic linker, if it lets itself be */
	bool held;      /* by links: see attached_files_hold() */
	UT_hash_handle hh;
};

/* Zeroed: empty. */
struct attached_files {
	struct attached_file *table;
	size_t plain; /* those that are not held */
};

/* The file of @key, which is as file_identity_read() has it; or NULL. */
struct attached_file *attached_files_find(const struct attached_files *files,
					  const struct attached_key *key);

/* Adds a file that has nothing yet. NULL: no memory. */
struct attached_file *attached_files_add(struct attached_files *files,
					 const struct attached_key *key);

/* It has links now: it is found whatever becomes of it. */
void attached_files_hold(struct attached_files *files, struct attached_file *file);

/* Its links must be somebody else's by now. */
void attached_files_remove(struct attached_files *files, struct attached_file *file);

/* The first file, or the one after @file; NULL: no more. @file may be removed after that. */
struct attached_file *attached_files_next(const struct attached_files *files,
					  const struct attached_file *file);

#endif /* FLIGHTREC_ATTACHED_FILES_H */
