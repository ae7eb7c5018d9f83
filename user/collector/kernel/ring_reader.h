/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reading end of a BPF ring buffer. Unlike libbpf's it shows the next record before it is
 * taken, so that several rings can be merged by time; it gives room back in large pieces, as the
 * kernel reads that position for every record that it reserves, on another CPU; and a record that
 * is still being written does not hold up those behind it.
 *
 * That happens: a thread that loses its CPU between reserving a record and submitting it gets it
 * back when it pleases the scheduler, after seconds if it runs with SCHED_IDLE beside busy ones.
 * The record's size is known, so it is passed over and remembered, and shown as soon as it is
 * complete. Its room, and that of all behind it, goes back to the kernel only then.
 *
 * Positions count bytes from the beginning, as the kernel's do:
 *
 *	published <= passed[0] < ... < passed[n - 1] < position <= what the kernel has reserved
 *
 * The layout is kernel ABI: kernel/bpf/ringbuf.c, Documentation/bpf/ringbuf.rst. Not thread-safe.
 */
#ifndef FLIGHTREC_RING_READER_H
#define FLIGHTREC_RING_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Records being written that are passed over; behind one more of them nothing is shown. */
#define RING_READER_PASSED_MAX 64

struct ring_reader {
	int fd;
	uint64_t size;             /* of the data area, a power of two */
	uint64_t position;         /* of the next record that was not shown or passed over yet */
	uint64_t published;        /* what the kernel was told last */
	uint64_t *consumer;        /* the page that we write */
	const uint64_t *producer;  /* the page that the kernel writes */
	const unsigned char *data; /* mapped twice in a row: a record never wraps */
	uint64_t passed[RING_READER_PASSED_MAX]; /* positions, ascending */
	unsigned int n_passed;
	unsigned int shown; /* which of these was shown last; n_passed: that at position */
	bool mapped;
};

/* Maps the ring @fd of @size bytes; the descriptor is borrowed. Returns 0 or a negative errno. */
int ring_reader_open(struct ring_reader *reader, int fd, uint64_t size);
/*
 * The same for a ring in plain memory, which stays the caller's: @data is of twice @size bytes,
 * where what is in the first half is in the second one, too.
 */
void ring_reader_open_memory(struct ring_reader *reader, uint64_t *consumer,
			     const uint64_t *producer, const void *data, uint64_t size);
/* Zeroed, or closed already: does nothing. */
void ring_reader_close(struct ring_reader *reader);

/* The position up to which records are there, or on their way. */
uint64_t ring_reader_end(const struct ring_reader *reader);

/*
 * The next record before position @end and its size, or NULL: there is none that is complete.
 * It stays valid until ring_reader_take(). Discarded records are left out.
 */
const void *ring_reader_peek(struct ring_reader *reader, uint64_t end, size_t *size);

/* Goes on to the record after the one that was shown. */
void ring_reader_take(struct ring_reader *reader, size_t size);

/* Gives the room of what was taken back to the kernel, up to the first record being written. */
void ring_reader_publish(struct ring_reader *reader);

/* Bytes that a record of @size bytes takes in a ring. */
uint64_t ring_reader_bytes(size_t size);

/* Whether all is as it should be: for tests and debug builds. */
bool ring_reader_check(const struct ring_reader *reader);

#endif /* FLIGHTREC_RING_READER_H */
