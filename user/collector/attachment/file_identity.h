/* SPDX-License-Identifier: BSD-2-Clause */
/* What tells one file from another, whatever its name, and however it was opened. */
#ifndef FLIGHTREC_FILE_IDENTITY_H
#define FLIGHTREC_FILE_IDENTITY_H

#include <stdint.h>
#include <sys/types.h>

/*
 * For a file that we attached to, the inode number is enough: the probes hold the inode, so no
 * other file gets the number, whatever happens to name, mode or contents. Nothing holds a file
 * without probes. Its inode number may be used again, or its new contents may have probes: its size
 * or its time of change tells.
 */
struct file_identity {
	uint64_t device; /* 0: of a file system that shows one inode under several */
	uint64_t inode;
	int64_t size; /* this and the next: 0 if it is held */
	int64_t changed_ns;
};

/* Reads the identity of the file that @fd is open on. Returns 0 or a negative errno. */
int file_identity_read(int fd, struct file_identity *identity);

/* The identity of the same file when its inode is held. */
struct file_identity file_identity_held(const struct file_identity *identity);

#endif /* FLIGHTREC_FILE_IDENTITY_H */
