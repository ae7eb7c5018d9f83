/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Uprobes: breakpoints that the kernel sets in every process that maps a file, or in one of them,
 * and at which it runs a BPF program.
 *
 * Since Linux 6.6 one link can cover many places ("multi"); before that, each place takes a link,
 * and with it a file descriptor. A program must be loaded for one or the other. Not thread-safe.
 */
#ifndef FLIGHTREC_UPROBES_H
#define FLIGHTREC_UPROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The expected_attach_type of a program for such links. */
#define UPROBES_MULTI_TYPE 48 /* BPF_TRACE_UPROBE_MULTI, which older headers lack */

/* More places than this at once are refused. */
#define UPROBES_MAX 64

struct uprobe {
	uint64_t offset;         /* in the file */
	uint64_t ref_ctr_offset; /* of a counter that the kernel keeps above 0 meanwhile; 0: none */
	uint64_t cookie;         /* for the program, see bpf_get_attach_cookie() */
};

/* Descriptors of links. Zeroed, there are none. */
struct uprobe_links {
	int *fd;
	size_t count;
	size_t room;
};

struct uprobes_request {
	int program;  /* descriptor */
	bool multi;   /* it was loaded for that */
	bool returns; /* of functions: the places are where these begin */
	int file;     /* descriptor of the file itself, whatever its name and mount namespace */
	pid_t pid;    /* 0: for all processes */
	const struct uprobe *uprobe;
	size_t count;
};

/* Whether this kernel has links that cover many places and can be limited to one process. */
bool uprobes_multi_possible(void);

/*
 * Attaches in the order given: to all places, adding to @links, or to none. Returns 0 or a negative
 * errno.
 */
int uprobes_attach(const struct uprobes_request *request, struct uprobe_links *links);

/* Moves all links of @from to @to. If there is no memory for that, removes the probes. */
void uprobe_links_move(struct uprobe_links *to, struct uprobe_links *from);

/*
 * Removes the probes, all at once, and leaves @links empty. Returns when no CPU runs their program
 * any more.
 */
void uprobe_links_detach(struct uprobe_links *links);

#endif /* FLIGHTREC_UPROBES_H */
