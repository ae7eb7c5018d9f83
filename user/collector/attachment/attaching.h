/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaches to the files that a process maps. */
#ifndef FLIGHTREC_ATTACHING_H
#define FLIGHTREC_ATTACHING_H

#include <stdbool.h>
#include <sys/types.h>

struct attached_file;
struct attachments;

/* A file that was found, and where. */
struct attaching {
	int fd;           /* of the file, opened for reading and only for this */
	pid_t pid;        /* of the process that maps it; 0: unknown */
	const char *path; /* for messages; NULL: any that it maps */
	bool usual;       /* attach to it even if nobody maps it */
	bool linker;      /* it is the dynamic linker of that process */
};

/*
 * Looks through the file and attaches to it, unless that was done before. Returns what is known of
 * it; NULL: that was not possible.
 */
struct attached_file *attaching_file(struct attachments *attachments, const struct attaching *met);

/* Says that a process is not watched in full, and why, and remembers that as the problem. */
void attaching_problem(struct attachments *attachments, const struct attaching *met,
		       const char *why);

#endif /* FLIGHTREC_ATTACHING_H */
