// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Time spent in the callbacks of BPF timers, which the kernel's own statistics leave out. Those of
 * every program on the machine: nobody else's are expected.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#define CPUS 256

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile u64 callback; /* address of bpf_timer_cb() */
u64 started_ns[CPUS];
u64 spent_ns;
u64 ticks;

SEC("tp_btf/hrtimer_expire_entry")
int BPF_PROG(on_start, struct hrtimer *timer)
{
	if ((u64)BPF_CORE_READ(timer, function) == callback)
		started_ns[bpf_get_smp_processor_id() & (CPUS - 1)] = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/hrtimer_expire_exit")
int BPF_PROG(on_return, struct hrtimer *timer)
{
	u32 cpu = bpf_get_smp_processor_id() & (CPUS - 1);

	if ((u64)BPF_CORE_READ(timer, function) != callback || !started_ns[cpu])
		return 0;
	__sync_fetch_and_add(&spent_ns, bpf_ktime_get_ns() - started_ns[cpu]);
	__sync_fetch_and_add(&ticks, 1);
	return 0;
}
