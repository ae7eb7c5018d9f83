/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How a probe's program comes to run. */
#ifndef FLIGHTREC_DISPATCH_BPF_H
#define FLIGHTREC_DISPATCH_BPF_H

#include "limits.h"

/* Set by the collector when it stops: from then on only the ends of recorders have an effect. */
volatile u32 ends_only;

int on_begin(struct pt_regs *ctx);
int on_entry(struct pt_regs *ctx);
int on_end(struct pt_regs *ctx);
int on_extend(struct pt_regs *ctx);
int on_context(struct pt_regs *ctx);
int on_replay(struct pt_regs *ctx);
int on_arm(struct pt_regs *ctx);
int on_late(struct pt_regs *ctx);
int on_stray(struct pt_regs *ctx);
int on_leave(struct pt_regs *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, FR_PROBES);
	__uint(key_size, sizeof(u32));
	__array(values, int(void *));
} probe_programs SEC(".maps") = {
	.values =
		{
			[FR_PROBE_BEGIN] = (void *)&on_begin,
			[FR_PROBE_ENTRY] = (void *)&on_entry,
			[FR_PROBE_END] = (void *)&on_end,
			[FR_PROBE_EXTEND] = (void *)&on_extend,
			[FR_PROBE_CONTEXT] = (void *)&on_context,
			[FR_PROBE_REPLAY] = (void *)&on_replay,
			[FR_PROBE_ARM] = (void *)&on_arm,
			[FR_PROBE_LATE] = (void *)&on_late,
			[FR_PROBE_STRAY] = (void *)&on_stray,
			[FR_PROBE_LEAVE] = (void *)&on_leave,
		},
};

/*
 * The one program for all probes; the cookie of the attachment says which probe it is. So one link
 * is enough for all probes of a file, on kernels with links that cover many places.
 */
SEC("uprobe")
int on_probe(struct pt_regs *ctx)
{
	u32 probe = (u32)bpf_get_attach_cookie(ctx);

	if (!ends_only || probe == FR_PROBE_END || probe == FR_PROBE_LATE ||
	    probe == FR_PROBE_LEAVE)
		bpf_tail_call(ctx, &probe_programs, probe);
	return 0;
}

/*
 * Since 6.13 the kernel gives a program of this type that needs much stack one stack per CPU, but
 * still lets uprobe programs be preempted. The same program for another thread on that CPU then
 * overwrites the values of the first, which crashes the kernel. A program that contains a tail call
 * stays on the kernel's stack, even if it never makes the call, as here.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} no_programs SEC(".maps");

const volatile bool never = false;

static __always_inline void keep_kernel_stack(struct pt_regs *ctx)
{
	if (never)
		bpf_tail_call(ctx, &no_programs, 0);
}

#endif /* FLIGHTREC_DISPATCH_BPF_H */
