/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reading end of a BPF ring buffer. It differs from libbpf's in three ways. It shows the next
 * record before taking it, so that several rings can be merged by time. It gives room back in large
 * pieces, since the kernel, on another CPU, reads that position for every record that it reserves.
 * And a record that is still being written does not hold up those behind it.
 *
 * That does happen: a thread that loses its CPU between reserving and submitting a record gets it
 * back whenever the scheduler likes, which may take seconds with SCHED_IDLE next to busy threads.
 * The record's size is known, so it is passed over, remembered, and shown once it is complete. Only
 * then is its room, and that of everything behind it, given back to the kernel.
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

/* How many unfinished records can be passed over. Nothing behind the next one is shown. */
#define RING_READER_PASSED_MAX 64

struct ring_reader {
	int fd;
	uint64_t size;             /* of the data area, a power of two */
	uint64_t position;         /* of the next record that was neither shown nor passed over */
	uint64_t published;        /* the position last given to the kernel */
	uint64_t *consumer;        /* the page written by us */
	const uint64_t *producer;  /* the page written by the kernel */
	const unsigned char *data; /* mapped twice in a row, so that no record wraps */
	uint64_t passed[RING_READER_PASSED_MAX]; /* positions, ascending */
	unsigned int n_passed;
	unsigned int shown; /* which of these was shown last; n_passed: the one at position */
	bool mapped;
};

/* Maps ring @fd, which is borrowed and has @size bytes. Returns 0 or a negative errno. */
int ring_reader_open(struct ring_reader *reader, int fd, uint64_t size);
/*
 * The same for a ring in plain memory, which stays the caller's. @data has twice @size bytes; both
 * halves hold the same.
 */
void ring_reader_open_memory(struct ring_reader *reader, uint64_t *consumer,
			     const uint64_t *producer, const void *data, uint64_t size);
/* May be called on a zeroed or closed reader. */
void ring_reader_close(struct ring_reader *reader);

/* The position up to which records exist, finished or not. */
uint64_t ring_reader_end(const struct ring_reader *reader);

/*
 * The next complete record before position @end, and its size; or NULL if there is none. Valid
 * until ring_reader_take(). Discarded records are skipped.
 */
const void *ring_reader_peek(struct ring_reader *reader, uint64_t end, size_t *size);

/* Moves on past the record that was shown. */
void ring_reader_take(struct ring_reader *reader, size_t size);

/* Gives the room of what was taken back to the kernel, up to the first unfinished record. */
void ring_reader_publish(struct ring_reader *reader);

/* How many bytes a record of @size bytes takes up in a ring. */
uint64_t ring_reader_bytes(size_t size);

/* Whether everything is consistent: for tests and debug builds. */
bool ring_reader_check(const struct ring_reader *reader);

#endif /* FLIGHTREC_RING_READER_H */
