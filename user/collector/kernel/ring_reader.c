// SPDX-License-Identifier: BSD-2-Clause
#include "collector/kernel/ring_reader.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/bpf.h>

/* Give room back each time this part of the ring was taken. */
#define PUBLISH_PARTS 16

int ring_reader_open(struct ring_reader *r, int fd, uint64_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory;

	*r = (struct ring_reader){.fd = fd, .size = size};
	memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	r->consumer = memory;
	memory = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (memory == MAP_FAILED) {
		int err = -errno;

		ring_reader_close(r);
		return err;
	}
	r->producer = memory;
	r->data = (const unsigned char *)memory + page;
	r->position = r->published = __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE);
	return 0;
}

void ring_reader_close(struct ring_reader *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (r->consumer)
		munmap(r->consumer, page);
	if (r->producer)
		munmap((void *)r->producer, page + 2 * r->size);
	memset(r, 0, sizeof(*r));
}

uint64_t ring_reader_end(const struct ring_reader *r)
{
	return __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
}

uint64_t ring_reader_bytes(size_t size)
{
	return (size + BPF_RINGBUF_HDR_SZ + 7) & ~(uint64_t)7;
}

void ring_reader_publish(struct ring_reader *r)
{
	if (r->published == r->position)
		return;
	r->published = r->position;
	__atomic_store_n(r->consumer, r->position, __ATOMIC_RELEASE);
}

void ring_reader_take(struct ring_reader *r, size_t size)
{
	r->position += ring_reader_bytes(size);
	if (r->position - r->published >= r->size / PUBLISH_PARTS)
		ring_reader_publish(r);
}

const void *ring_reader_peek(struct ring_reader *r, uint64_t end, size_t *size)
{
	while (r->position < end) {
		const unsigned char *header = r->data + (r->position & (r->size - 1));
		uint32_t word = __atomic_load_n((const uint32_t *)header, __ATOMIC_ACQUIRE);

		if (word & BPF_RINGBUF_BUSY_BIT)
			return NULL;
		*size = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		if (!(word & BPF_RINGBUF_DISCARD_BIT))
			return header + BPF_RINGBUF_HDR_SZ;
		ring_reader_take(r, *size);
	}
	return NULL;
}
