/* SPDX-License-Identifier: BSD-2-Clause */
/* How a file comes to be attached to. */
#ifndef FLIGHTREC_ATTACHING_H
#define FLIGHTREC_ATTACHING_H

#include <stdbool.h>
#include <sys/types.h>

struct attached_file;
struct attachments;

/* A file that is met, and where. */
struct attaching {
	int fd;           /* of that file, opened for reading and for this alone */
	pid_t pid;        /* of the process that maps it; 0: none that is known */
	const char *path; /* for messages; NULL: any that it maps */
	bool usual;       /* it is to be attached to, although nobody need map it */
	bool linker;      /* it is the dynamic linker of that process */
};

/*
 * What the file is, after having looked through it and attached to it if that was not done before.
 * NULL if that is not possible.
 */
struct attached_file *attaching_file(struct attachments *attachments, const struct attaching *met);

/* Says, and keeps as the problem, that a process is not watched in full, and why. */
void attaching_problem(struct attachments *attachments, const struct attaching *met,
		       const char *why);

#endif /* FLIGHTREC_ATTACHING_H */
