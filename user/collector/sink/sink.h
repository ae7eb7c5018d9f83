/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where reports go. Each kind of sink is an operations structure in a file of its own, which knows
 * no other kind, and a struct that begins with a struct sink; sinks.h finds it by name. No
 * operation waits for a reader. Not thread-safe.
 */
#ifndef FLIGHTREC_SINK_H
#define FLIGHTREC_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "collector/report/report_form.h"

struct report;
struct sink_ops;

struct sink {
	const struct sink_ops *ops;
	/* As of the last flush() or finish(). */
	uint64_t lost; /* reports not written, or only in part */
	int error;     /* of the last one lost, a negative errno; 0: none was lost */
};

struct sink_options {
	const struct report_form *form;  /* for those that write text */
	int fd;                          /* for those that write to one; the caller's */
	struct report_terminal terminal; /* that this is */
};

struct sink_ops {
	const char *name;
	/* Returns 0, or a negative errno with *@sink set to NULL. */
	int (*open)(struct sink **sink, const struct sink_options *options);
	/* Takes a report, which is borrowed. */
	void (*add)(struct sink *sink, const struct report *report);
	/* Passes on what it has taken. Called before waiting for anything. */
	void (*flush)(struct sink *sink);
	/*
	 * Waits until everything taken is written, as long as some of it is at least every
	 * @patience_ms. The rest is lost, and so is everything that comes later.
	 */
	void (*finish)(struct sink *sink, unsigned int patience_ms);
	/* Becomes readable, for an edge-triggered epoll, when it needs to be flushed; or -1. */
	int (*event_fd)(const struct sink *sink);
	/* Does not write what is pending. */
	void (*close)(struct sink *sink);
};

#endif /* FLIGHTREC_SINK_H */
