/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers of bpf/, compiled for the host: maps are arrays in the test, the test sets the time, and
 * notices go to the test. One thread, one CPU.
 */
#ifndef BPF_ON_HOST_H
#define BPF_ON_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/bpf.h>

#include "bpf/record.h"

/* Programs are found by their section. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#define SEC(name)
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name
#define __array(name, value) typeof(value) *name[]
#undef __always_inline
#define __always_inline inline __attribute__((unused))
#define __noinline static __attribute__((unused))
#define READ_ONCE(x) (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile typeof(x) *)&(x) = (value))

/* Provided by the test: an element of a map, or NULL; the time; what becomes of a notice. */
static void *host_element(const void *map, uint32_t index);
static uint64_t host_now_ns;
static uint64_t host_timer_ns = UINT64_MAX; /* when the timer fires; UINT64_MAX: never */
static void host_notice(const struct notice *notice);

static struct notice host_record;

/* Also by the test, for hash maps: the value of @key, or NULL; @make: created if need be. */
static void *host_value(const void *map, const void *key, bool make);
static void host_delete(const void *map, const void *key);

static inline void *bpf_map_lookup_elem(const void *map, const void *key)
{
	void *value = host_value(map, key, false);

	return value ? value : host_element(map, *(const uint32_t *)key);
}

#define bpf_map_update_elem(map, key, value, flags)                                                \
	host_update(map, key, value, sizeof(*(value)), flags)

static inline long host_update(const void *map, const void *key, const void *value, size_t size,
			       uint64_t flags)
{
	void *to = host_value(map, key, false);

	if (to && flags == BPF_NOEXIST)
		return -1;
	to = to ? to : host_value(map, key, true);
	if (!to)
		return -1;
	memcpy(to, value, size);
	return 0;
}

static inline long bpf_map_delete_elem(const void *map, const void *key)
{
	host_delete(map, key);
	return 0;
}

static inline long bpf_get_current_comm(void *to, uint32_t size)
{
	memset(to, 0, size);
	return 0;
}

static inline uint64_t bpf_get_current_uid_gid(void)
{
	return 0;
}

static inline long bpf_probe_read_user(void *to, uint32_t size, const void *from)
{
	memcpy(to, from, size);
	return 0;
}

static inline uint64_t bpf_ktime_get_ns(void)
{
	return host_now_ns;
}

static inline uint32_t bpf_get_smp_processor_id(void)
{
	return 0;
}

static inline void *bpf_ringbuf_reserve(const void *map, uint64_t size, uint64_t flags)
{
	host_record.type = 0;
	return &host_record;
}

static inline void bpf_ringbuf_submit(void *record, uint64_t flags)
{
	host_notice(record);
}

static inline void bpf_ringbuf_discard(void *record, uint64_t flags)
{
}

static inline long bpf_timer_init(struct bpf_timer *timer, const void *map, uint64_t flags)
{
	return 0;
}

static inline long bpf_timer_set_callback(struct bpf_timer *timer, const void *callback)
{
	return 0;
}

static inline long bpf_timer_start(struct bpf_timer *timer, uint64_t after_ns, uint64_t flags)
{
	host_timer_ns = host_now_ns + after_ns;
	return 0;
}

#endif /* BPF_ON_HOST_H */
