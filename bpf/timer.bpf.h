/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The timer that turns the wheel: armed for the wheel's next bucket, and not at all if it is empty.
 */
#ifndef FLIGHTREC_TIMER_BPF_H
#define FLIGHTREC_TIMER_BPF_H

#include "wheel_sweep.bpf.h"

#define CLOCK_MONOTONIC 1

/* Slots looked at, and buckets taken, in one run of the timer, which is a softirq. */
#define STEPS_MAX 256

/*
 * Tracing programs must not use a map with a bpf_timer ("tracing progs cannot use bpf_timer yet"),
 * so the collector starts the timer through a program of another type, and it re-arms itself.
 */
struct timer_holder {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct timer_holder);
} timers SEC(".maps");

static __always_inline void arm(struct bpf_timer *timer)
{
	/* Once more if something was queued for an earlier time meanwhile. */
	for (int i = 0; i < 3; i++) {
		u64 next_ns = wheel_next();
		u64 now_ns;

		__sync_lock_test_and_set(&armed_ns, next_ns);
		requested_ns = NEVER;
		if (next_ns != NEVER) {
			now_ns = bpf_ktime_get_ns();
			bpf_timer_start(timer, next_ns > now_ns ? next_ns - now_ns : 0, 0);
		}
		if (wheel_next() >= next_ns)
			return;
	}
}

static int on_timer(void *map, u32 *key, struct bpf_timer *timer)
{
	u64 now_ns = bpf_ktime_get_ns();

	count(COUNT_TICKS);
	armed_ns = 0;
	wheel_advance(now_ns);
	for (u32 i = 0; i < STEPS_MAX; i++) {
		if (!wheel_step(now_ns))
			break;
	}
	if (taken_nodes || wheel_epoch & 1) {
		/* The rest follows immediately, but others get their turn on this CPU first. */
		bpf_timer_start(timer, 0, 0);
		return 0;
	}
	arm(timer);
	return 0;
}

SEC("syscall")
int start_timer(void *ctx)
{
	u64 now_ns = bpf_ktime_get_ns();
	u32 key = 0;
	struct timer_holder *holder = bpf_map_lookup_elem(&timers, &key);

	if (!holder)
		return 1;
	for (u32 level = 0; level < FR_WHEEL_LEVELS; level++) {
		u32 index = level;
		struct wheel_level *state = bpf_map_lookup_elem(&wheel, &index);

		if (!state)
			return 1;
		state->processed = now_ns >> WHEEL_SHIFT_OF(level);
		state->done = state->processed;
	}
	if (bpf_timer_init(&holder->timer, &timers, CLOCK_MONOTONIC))
		return 1;
	bpf_timer_set_callback(&holder->timer, on_timer);
	return 0;
}

/* NOTICE_REARM: something is due before the timer will fire. */
SEC("syscall")
int rearm_timer(void *ctx)
{
	u32 key = 0;
	struct timer_holder *holder = bpf_map_lookup_elem(&timers, &key);

	if (holder)
		arm(&holder->timer);
	return 0;
}

#endif /* FLIGHTREC_TIMER_BPF_H */
