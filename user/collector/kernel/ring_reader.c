// SPDX-License-Identifier: BSD-2-Clause
#include "collector/kernel/ring_reader.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/bpf.h>

/* Give room back whenever this fraction of the ring has been taken. */
#define PUBLISH_PARTS 16

int ring_reader_open(struct ring_reader *r, int fd, uint64_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory;

	*r = (struct ring_reader){.fd = fd, .size = size, .mapped = true};
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

void ring_reader_open_memory(struct ring_reader *r, uint64_t *consumer, const uint64_t *producer,
			     const void *data, uint64_t size)
{
	*r = (struct ring_reader){
		.fd = -1, .size = size, .consumer = consumer, .producer = producer, .data = data};
	r->position = r->published = *consumer;
}

void ring_reader_close(struct ring_reader *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (r->mapped && r->consumer)
		munmap(r->consumer, page);
	if (r->mapped && r->producer)
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
	uint64_t free = r->n_passed ? r->passed[0] : r->position;

	if (r->published == free)
		return;
	r->published = free;
	__atomic_store_n(r->consumer, free, __ATOMIC_RELEASE);
}

static void drop_passed(struct ring_reader *r, unsigned int which)
{
	r->n_passed--;
	memmove(&r->passed[which], &r->passed[which + 1],
		(r->n_passed - which) * sizeof(r->passed[0]));
}

void ring_reader_take(struct ring_reader *r, size_t size)
{
	if (r->shown < r->n_passed)
		drop_passed(r, r->shown);
	else
		r->position += ring_reader_bytes(size);
	if (r->position - r->published >= r->size / PUBLISH_PARTS)
		ring_reader_publish(r);
}

static uint32_t header_at(const struct ring_reader *r, uint64_t position)
{
	const void *header = r->data + (position & (r->size - 1));

	return __atomic_load_n((const uint32_t *)header, __ATOMIC_ACQUIRE);
}

static const void *record_at(const struct ring_reader *r, uint64_t position)
{
	return r->data + (position & (r->size - 1)) + BPF_RINGBUF_HDR_SZ;
}

/* Returns a record that was passed over and is complete by now. */
static const void *peek_passed(struct ring_reader *r, size_t *size)
{
	for (unsigned int i = 0; i < r->n_passed;) {
		uint64_t position = r->passed[i];
		uint32_t word = header_at(r, position);

		if (word & BPF_RINGBUF_BUSY_BIT) {
			i++;
			continue;
		}
		if (word & BPF_RINGBUF_DISCARD_BIT) {
			drop_passed(r, i);
			continue;
		}
		*size = word;
		r->shown = i;
		return record_at(r, position);
	}
	return NULL;
}

const void *ring_reader_peek(struct ring_reader *r, uint64_t end, size_t *size)
{
	const void *record = peek_passed(r, size);

	if (record)
		return record;
	while (r->position < end) {
		uint32_t word = header_at(r, r->position);

		r->shown = r->n_passed;
		*size = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		if (word & BPF_RINGBUF_BUSY_BIT) {
			if (r->n_passed == RING_READER_PASSED_MAX)
				return NULL;
			r->passed[r->n_passed++] = r->position;
			r->position += ring_reader_bytes(*size);
		} else if (word & BPF_RINGBUF_DISCARD_BIT) {
			ring_reader_take(r, *size);
		} else {
			return record_at(r, r->position);
		}
	}
	return NULL;
}

bool ring_reader_check(const struct ring_reader *r)
{
	uint64_t last = r->published;

	if (r->n_passed > RING_READER_PASSED_MAX || r->position > ring_reader_end(r))
		return false;
	for (unsigned int i = 0; i < r->n_passed; i++) {
		if (r->passed[i] < last || r->passed[i] >= r->position)
			return false;
		last = r->passed[i] + 1;
	}
	return r->published <= r->position && r->position - r->published <= r->size;
}
