/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of a span beyond what is known of any recorder: its name, what it is, its entries'
 * texts, and whether it is still open. Not thread-safe.
 */
#ifndef FLIGHTREC_SPAN_VIEW_H
#define FLIGHTREC_SPAN_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/span.h"
#include "collector/recorder/call_sites.h"
#include "collector/span/span_set.h"

#define SPAN_VIEW_NAME_MAX 512

/* A span, as a report has it. Strings are the set's, or @text. */
struct span_view {
	uint64_t id;        /* counts the process's spans from 1 */
	const char *name;   /* what its recorder is called */
	const char *span;   /* what its statement is called */
	const char *source; /* what began it */
	char text[SPAN_VIEW_NAME_MAX];
};

struct span_packed {
	const unsigned char *data;
	size_t size;
};

/* @packed: what stands in the slot in place of its name. */
void span_view_make(struct span_view *view, const struct span_set *set, pid_t pid,
		    const struct span_slot *span, const char *packed);

/* The description of event @site, as that of a call site. Returns 0 or -ENOENT. */
int span_view_site(const struct span_set *set, uint64_t site, struct call_site_info *info);

/*
 * Copies packed arguments of @format to @to (@room bytes). Strings that were not in memory when
 * they were packed are read now, if the process still has them. Returns their size.
 */
size_t span_view_read(pid_t pid, const char *format, const struct span_packed *from,
		      unsigned char *to, size_t room);

/*
 * Whether it is certain that the thread has left it, though nothing told that: the frame that
 * began it is not on its stack any more, or it is in another system call.
 */
bool span_view_is_gone(pid_t pid, pid_t tid, const struct span_slot *span);

#endif /* FLIGHTREC_SPAN_VIEW_H */
