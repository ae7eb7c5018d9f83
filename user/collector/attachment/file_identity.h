/* SPDX-License-Identifier: BSD-2-Clause */
/* What tells one file from another, whatever its name, and however it was opened. */
#ifndef FLIGHTREC_FILE_IDENTITY_H
#define FLIGHTREC_FILE_IDENTITY_H

#include <stdint.h>
#include <sys/types.h>

/*
 * A file that is attached to needs no more than its inode: the probes hold that, so that its number
 * is nobody else's, whatever its name, mode or contents become. Of a file that has no probes
 * nothing is held. Its inode number may be used again, or probes come to be in it: then size or
 * time of change tell.
 */
struct file_identity {
	uint64_t device; /* 0: of a file system that shows one inode under several */
	uint64_t inode;
	int64_t size; /* this and the next: 0 if it is held */
	int64_t changed_ns;
};

/* Of the file @fd is open on. Returns 0 or a negative errno. */
int file_identity_read(int fd, struct file_identity *identity);

/* The same of a file whose inode is held. */
struct file_identity file_identity_held(const struct file_identity *identity);

#endif /* FLIGHTREC_FILE_IDENTITY_H */
