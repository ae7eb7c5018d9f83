/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes to a descriptor from a thread of its own, so that who has something to say never waits
 * for who is to read it: a pager, a terminal stopped by Ctrl-S, a disk that does not answer.
 *
 * What is written comes in pieces, such as reports: text is appended to write_queue_text(), and
 * write_queue_end_piece() makes a piece of it. write_queue_flush() hands the pieces over; so many
 * of them leave in one write(2). A bounded number of bytes waits; pieces beyond it are refused, and
 * counted, as are those that could not be written.
 *
 * All functions are for one thread, the owner's. The descriptor may be shared with others, and
 * blocking or not: its flags are left alone.
 */
#ifndef FLIGHTREC_WRITE_QUEUE_H
#define FLIGHTREC_WRITE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/text_buffer.h"

struct write_queue;

struct write_queue_state {
	uint64_t lost;    /* pieces that were not written, or not whole */
	uint64_t refused; /* of these, pieces for which there was no room */
	int error;        /* of the last one lost: a negative errno; 0: none was lost */
	bool broken;      /* a write failed with EPIPE: nobody reads any more */
};

/*
 * @fd stays the caller's; it may be made another file (dup2) meanwhile. At most @limit bytes wait,
 * or one lot if it is larger. Returns 0 or a negative errno.
 */
int write_queue_open(struct write_queue **queue, int fd, size_t limit);

/*
 * Does not write what is pending, and does not wait: a thread that is stuck in a write is left
 * alone, with what it holds, until the process ends. Returns false in that case: the descriptor is
 * still in use. NULL: nothing.
 */
bool write_queue_close(struct write_queue *queue);

/* To append to; what is behind the last piece is yours to cut. NULL: there is no memory. */
struct text_buffer *write_queue_text(struct write_queue *queue);
/* Makes a piece of what was appended since the last one. Returns 0, or -ENOMEM: it is taken away.
 */
int write_queue_end_piece(struct write_queue *queue);
/* Counts a piece as lost that could not even be made. */
void write_queue_lose(struct write_queue *queue, int error);
/* Bytes that are appended, and not handed over. */
size_t write_queue_gathered(const struct write_queue *queue);

/* Hands over what is there. Returns false if there was no room for it: it is lost, and counted. */
bool write_queue_flush(struct write_queue *queue);
/* Whether what waits has shrunk to half of what may: the time to say what is missing. */
bool write_queue_has_room(struct write_queue *queue);

void write_queue_state(struct write_queue *queue, struct write_queue_state *state);
/* Becomes readable, for an edge-triggered epoll, when the state changes or there is room again. */
int write_queue_event_fd(const struct write_queue *queue);

/*
 * Waits until all is written, as long as something is taken at least every @patience_ms. Returns
 * whether it is; else what is left is counted as lost, and nothing more is taken.
 */
bool write_queue_finish(struct write_queue *queue, unsigned int patience_ms);

#endif /* FLIGHTREC_WRITE_QUEUE_H */
