/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes reports to a file, a terminal or a pipe, in batches. What comes due at the same moment is
 * written by few write(2) calls, each of whole reports, so that output of others never gets between
 * the lines of one report. Each report that could not be written is counted.
 *
 * Nothing here waits for a reader: a thread does that (write_queue.h). If the reader does not keep
 * up, reports beyond 16 MiB are lost, and a line in their place says how many. Not thread-safe.
 */
#ifndef FLIGHTREC_REPORT_WRITER_H
#define FLIGHTREC_REPORT_WRITER_H

#include "collector/base/write_queue.h"
#include "collector/report/report_forms.h"

struct report_writer {
	struct write_queue *queue;
	const struct report_form *form;
	struct report_form_state form_state;
	uint64_t missing; /* lost for lack of room, and not yet reported */
	/* As of the last call other than report_writer_add(). */
	uint64_t lost; /* reports not written, or only in part */
	int error;     /* of the last one lost, a negative errno; 0: none was lost */
};

/*
 * @fd stays the caller's, and must stay open until the writer is freed. Returns 0 or a negative
 * errno.
 */
int report_writer_init(struct report_writer *writer, int fd, const struct report_form *form);
/* Does not write what is pending. May be called on a zeroed or freed writer. */
void report_writer_free(struct report_writer *writer);

/* Takes a report. */
void report_writer_add(struct report_writer *writer, const struct report *report);
/* Hands over what was taken. To be called before waiting for anything. */
void report_writer_flush(struct report_writer *writer);
/*
 * Waits until everything taken is written, as long as some of it is at least every @patience_ms.
 * The rest is lost, and so is everything that comes later.
 */
void report_writer_finish(struct report_writer *writer, unsigned int patience_ms);

/* Becomes readable, for an edge-triggered epoll, when it needs to be flushed. */
int report_writer_event_fd(const struct report_writer *writer);

#endif /* FLIGHTREC_REPORT_WRITER_H */
