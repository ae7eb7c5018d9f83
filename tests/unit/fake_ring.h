/* SPDX-License-Identifier: BSD-2-Clause */
/* A BPF ring buffer in plain memory, written the way the kernel does. */
#ifndef FAKE_RING_H
#define FAKE_RING_H

#include <stdint.h>
#include <string.h>

#include <linux/bpf.h>

#define FAKE_RING_BYTES 4096u

struct fake_ring {
	uint64_t consumer;
	uint64_t producer;
	/* Twice in a row; put_record() writes both halves. */
	_Alignas(8) unsigned char data[2 * FAKE_RING_BYTES];
};

static inline void fake_ring_write(struct fake_ring *ring, uint64_t position, const void *from,
				   size_t size)
{
	for (size_t i = 0; i < size; i++) {
		size_t at = (position + i) % FAKE_RING_BYTES;

		ring->data[at] = ring->data[at + FAKE_RING_BYTES] =
			((const unsigned char *)from)[i];
	}
}

/* Reserves a record and marks it as being written. Returns its position. */
static inline uint64_t fake_ring_reserve(struct fake_ring *ring, uint32_t size)
{
	uint64_t position = ring->producer;
	uint32_t word = size | BPF_RINGBUF_BUSY_BIT;

	fake_ring_write(ring, position, &word, sizeof(word));
	ring->producer += (size + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
	return position;
}

static inline void fake_ring_submit(struct fake_ring *ring, uint64_t position, const void *data,
				    uint32_t size)
{
	fake_ring_write(ring, position + BPF_RINGBUF_HDR_SZ, data, size);
	fake_ring_write(ring, position, &size, sizeof(size));
}

static inline void fake_ring_discard(struct fake_ring *ring, uint64_t position, uint32_t size)
{
	uint32_t word = size | BPF_RINGBUF_DISCARD_BIT;

	fake_ring_write(ring, position, &word, sizeof(word));
}

static inline void fake_ring_put(struct fake_ring *ring, const void *data, uint32_t size)
{
	fake_ring_submit(ring, fake_ring_reserve(ring, size), data, size);
}

#endif /* FAKE_RING_H */
