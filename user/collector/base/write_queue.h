/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes to a descriptor from a thread of its own, so that the owner never waits for a reader: a
 * pager, a terminal stopped by Ctrl-S, a disk that does not respond.
 *
 * The text consists of pieces, such as reports: append to write_queue_text(), then call
 * write_queue_end_piece(). write_queue_flush() hands the pieces over, and many of them are written
 * by one write(2). A limited number of bytes may wait. Pieces beyond the limit are refused and
 * counted, as are pieces that could not be written.
 *
 * All functions are for one thread, the owner. The descriptor may be shared with others, and may be
 * blocking or not: its flags are never changed.
 */
#ifndef FLIGHTREC_WRITE_QUEUE_H
#define FLIGHTREC_WRITE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/base/text_buffer.h"

struct write_queue;

struct write_queue_state {
	uint64_t lost;    /* pieces not written, or only in part */
	uint64_t refused; /* those of them for which there was no room */
	int error;        /* of the last one lost, a negative errno; 0: none was lost */
	bool broken;      /* a write failed with EPIPE: there is no reader any more */
};

/*
 * @fd stays the caller's, and may be made to refer to another file (dup2). At most @limit bytes
 * wait, or one batch if it is larger. Returns 0 or a negative errno.
 */
int write_queue_open(struct write_queue **queue, int fd, size_t limit);

/*
 * Neither writes what is pending nor waits. Returns false if the thread is stuck in a write: it is
 * left alone with its memory until the process ends, and the descriptor is still in use. NULL is
 * allowed.
 */
bool write_queue_close(struct write_queue *queue);

/*
 * The text to append to. The caller may cut what follows the last piece. NULL if there is no
 * memory.
 */
struct text_buffer *write_queue_text(struct write_queue *queue);
/* Makes a piece of what was appended since the last one. Returns 0; or -ENOMEM, and removes it. */
int write_queue_end_piece(struct write_queue *queue);
/* Counts a piece that could not even be made as lost. */
void write_queue_lose(struct write_queue *queue, int error);
/* Bytes that were appended but not yet handed over. */
size_t write_queue_gathered(const struct write_queue *queue);

/*
 * Hands over the pieces. Returns false if there was no room for them: they are lost, and counted.
 */
bool write_queue_flush(struct write_queue *queue);
/* Whether the waiting bytes have shrunk to half the limit: time to say what is missing. */
bool write_queue_has_room(struct write_queue *queue);

void write_queue_state(struct write_queue *queue, struct write_queue_state *state);
/* Becomes readable, for an edge-triggered epoll, when the state changes or there is room again. */
int write_queue_event_fd(const struct write_queue *queue);

/*
 * Waits until everything is written, as long as something is at least every @patience_ms. Returns
 * whether it was; if not, the rest counts as lost and nothing more is accepted.
 */
bool write_queue_finish(struct write_queue *queue, unsigned int patience_ms);

#endif /* FLIGHTREC_WRITE_QUEUE_H */
