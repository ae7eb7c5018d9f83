/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is done about copies of the library that do not see that they are watched (semaphores.h).
 * First the process is scanned again, as it may just be mapping the rest. Then the file is attached
 * to anew, once for each process. Finally a message says so.
 */
#ifndef FLIGHTREC_LIVENESS_H
#define FLIGHTREC_LIVENESS_H

#include <stdbool.h>
#include <stddef.h>

struct attached_file;
struct attachments;
struct file_user;

/* What a scan of a process found. */
struct liveness {
	struct attached_file *file; /* of which a copy is blind; NULL: there is none */
	char path[256];             /* of it */
	bool twice;                 /* mapped more than once, of which the kernel marks one */
};

void liveness_found(struct attachments *attachments, struct file_user *user,
		    const struct liveness *found);

#endif /* FLIGHTREC_LIVENESS_H */
