/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reading end of a BPF ring buffer. Unlike libbpf's it shows the next record before it is
 * taken, so that several rings can be merged by time; and it gives room back in large pieces, as
 * the kernel reads that position for every record that it reserves, on another CPU. The layout is
 * kernel ABI: kernel/bpf/ringbuf.c, Documentation/bpf/ringbuf.rst. Not thread-safe.
 */
#ifndef FLIGHTREC_RING_READER_H
#define FLIGHTREC_RING_READER_H

#include <stddef.h>
#include <stdint.h>

struct ring_reader {
	int fd;
	uint64_t size;             /* of the data area, a power of two */
	uint64_t position;         /* of the next record */
	uint64_t published;        /* what the kernel was told last */
	uint64_t *consumer;        /* the page that we write */
	const uint64_t *producer;  /* the page that the kernel writes */
	const unsigned char *data; /* mapped twice in a row: a record never wraps */
};

/* Maps the ring @fd of @size bytes; the descriptor is borrowed. Returns 0 or a negative errno. */
int ring_reader_open(struct ring_reader *reader, int fd, uint64_t size);
/* Zeroed, or closed already: does nothing. */
void ring_reader_close(struct ring_reader *reader);

/* The position up to which records are there, or on their way. */
uint64_t ring_reader_end(const struct ring_reader *reader);

/*
 * The next record before position @end and its size, or NULL: none, or it is still being written.
 * It stays valid until ring_reader_take(). Discarded records are passed over.
 */
const void *ring_reader_peek(struct ring_reader *reader, uint64_t end, size_t *size);

/* Goes on to the record after the one that was shown. */
void ring_reader_take(struct ring_reader *reader, size_t size);

/* Gives all the room of what was taken back to the kernel. */
void ring_reader_publish(struct ring_reader *reader);

/* Bytes that a record of @size bytes takes in a ring. */
uint64_t ring_reader_bytes(size_t size);

#endif /* FLIGHTREC_RING_READER_H */
