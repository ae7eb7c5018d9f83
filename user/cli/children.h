/* SPDX-License-Identifier: BSD-2-Clause */
/* Descendants of a watched process that are not watched themselves, gathered for a message. */
#ifndef FLIGHTREC_CHILDREN_H
#define FLIGHTREC_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A list of processes to show: the first few by number. Zeroed, it is empty. */
#define CHILDREN_NAMED 8

struct children {
	size_t count;
	pid_t pid[CHILDREN_NAMED];
};

void children_add(struct children *children, pid_t pid);
/* "12, 13 and 14", "12, 13, ... and 5 more". */
void children_text(const struct children *children, char *text, size_t size);

/*
 * Passes the children of @pid, and theirs in turn, to @fn until it returns false, at most
 * CHILDREN_MAX of them.
 */
#define CHILDREN_MAX 1024

void children_find(pid_t pid, bool (*fn)(void *arg, pid_t child), void *arg);

#endif /* FLIGHTREC_CHILDREN_H */
