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

/*
 *	ATTACHED -> WAITING	it is met while somebody has it open for writing
 *	ATTACHED -> LEAVING	nobody maps it, or somebody wants to write to it, or it is to be
 *				attached to anew: its probes are being taken out
 *	LEAVING -> removed	they are out
 *	LEAVING -> WAITING	the same, and somebody wants to write to it
 *	WAITING -> removed	nobody has it open for writing any more; the processes that map
 *				it are scanned again
 */
enum attached_state {
	FILE_ATTACHED, /* or there is nothing to attach to */
	FILE_LEAVING,
	FILE_WAITING,
};

struct attached_file {
	struct attached_key key;
	struct elf_probes *probes; /* NULL: it has none, or they could not be attached to */
	struct uprobe_links links;
	enum attached_state state;
	bool is_linker; /* attached to as the dynamic linker, if it lets itself be */
	bool held;      /* by links or a descriptor: see attached_files_hold() */
	bool usual;     /* attached to before anybody maps it */
	bool listed;    /* since it is unused, processes not known before were looked for */
	bool to_write;  /* it leaves because somebody wants to write to it */
	bool detached;  /* LEAVING, and its probes are out */
	int lease;      /* descriptor, with a read lease unless it is WAITING; -1: none */
	int lease_error;
	uid_t uid;          /* of the process for which it was attached to */
	size_t users;       /* processes; see file_users.h */
	uint64_t unused_ns; /* since when it has none */
	uint64_t retry_ns;  /* WAITING: when to look next, and how long to wait after that */
	uint64_t retry_apart_ns;
	UT_hash_handle hh;
};

/* Zeroed: empty. */
struct attached_files {
	struct attached_file *held;
	struct attached_file *plain;
};

/* The file of @key, which is as file_identity_read() has it; or NULL. */
struct attached_file *attached_files_find(const struct attached_files *files,
					  const struct attached_key *key);

/* Adds a file that has nothing yet. NULL: no memory. */
struct attached_file *attached_files_add(struct attached_files *files,
					 const struct attached_key *key);

/* It has links now, or waits for them: it is found whatever becomes of it. */
void attached_files_hold(struct attached_files *files, struct attached_file *file);

/* Its links must be somebody else's by now, and so must its users. Gives back its lease. */
void attached_files_remove(struct attached_files *files, struct attached_file *file);

/* The first file that is held, or the one after @file; NULL: no more. */
struct attached_file *attached_files_next(const struct attached_files *files,
					  const struct attached_file *file);

/* Forgets all that are not held. */
void attached_files_forget_plain(struct attached_files *files);

#endif /* FLIGHTREC_ATTACHED_FILES_H */
