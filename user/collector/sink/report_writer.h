/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes reports to a file, a terminal or a pipe, in batches: what becomes due in the same moment
 * leaves in few write(2) calls, each of whole reports, so that nothing that others write to the
 * same place gets in between the lines of one. Those that could not be written are counted one by
 * one.
 *
 * Nothing here waits for whoever reads: a thread does (write_queue.h). If the reader does not keep
 * up, reports beyond 16 MiB are lost, and where they are missing a line says how many. Not
 * thread-safe.
 */
#ifndef FLIGHTREC_REPORT_WRITER_H
#define FLIGHTREC_REPORT_WRITER_H

#include "collector/base/write_queue.h"
#include "collector/report/report_forms.h"

struct report_writer {
	struct write_queue *queue;
	const struct report_form *form;
	struct report_form_state form_state;
	uint64_t missing; /* for want of room, and not yet told of where they are */
	/* As of the last call but report_writer_add(). */
	uint64_t lost; /* reports that were not written, or not whole */
	int error;     /* of the last one of these, a negative errno; 0: none was lost */
};

/* @fd stays the caller's, and open until the writer is freed. Returns 0 or a negative errno. */
int report_writer_init(struct report_writer *writer, int fd, const struct report_form *form);
/* Does not write what is pending. Zeroed, or freed already: does nothing. */
void report_writer_free(struct report_writer *writer);

/* Takes a report. */
void report_writer_add(struct report_writer *writer, const struct report *report);
/* Hands over what was taken: before anything is waited for. */
void report_writer_flush(struct report_writer *writer);
/*
 * Lets what was taken be written, as long as some of it is at least every @patience_ms. What is not
 * is lost, and so is what comes later.
 */
void report_writer_finish(struct report_writer *writer, unsigned int patience_ms);

/* Becomes readable, for an edge-triggered epoll, when it wants to be flushed. */
int report_writer_event_fd(const struct report_writer *writer);

#endif /* FLIGHTREC_REPORT_WRITER_H */
