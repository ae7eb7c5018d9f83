/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where a probe's arguments are (see <flightrec/probes.h>): PT_REGS_PARM1() and so on, and these.
 */
#ifndef FLIGHTREC_PROBE_ARGUMENTS_BPF_H
#define FLIGHTREC_PROBE_ARGUMENTS_BPF_H

#if defined(__TARGET_ARCH_arm64)
/*
 * For bpf_tracing.h, because vmlinux.h is from x86-64. The kernel's own is in asm/ptrace.h and
 * never changes.
 */
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};
#endif

#include <bpf/bpf_tracing.h>

#include "limits.h"

/* bpf_tracing.h in libbpf 1.1 has only five. The words are FLIGHTREC_PROBE_WORD_REGISTERS. */
#if defined(__TARGET_ARCH_x86)
#define PT_REGS_SIXTH(ctx) ((ctx)->r9)
#define PT_REGS_WORD_0(ctx) ((ctx)->r10)
#define PT_REGS_WORD_1(ctx) ((ctx)->r11)
#define PT_REGS_WORD_2(ctx) ((ctx)->ax)
#define PT_REGS_WORD_3(ctx) ((ctx)->bx)
#define PT_REGS_WORD_4(ctx) ((ctx)->r12)
#elif defined(__TARGET_ARCH_arm64)
#define PT_REGS_NUMBER(ctx, number) (((const struct user_pt_regs *)(ctx))->regs[number])
#define PT_REGS_SIXTH(ctx) PT_REGS_NUMBER(ctx, 5)
#define PT_REGS_WORD_0(ctx) PT_REGS_NUMBER(ctx, 6)
#define PT_REGS_WORD_1(ctx) PT_REGS_NUMBER(ctx, 7)
#define PT_REGS_WORD_2(ctx) PT_REGS_NUMBER(ctx, 8)
#define PT_REGS_WORD_3(ctx) PT_REGS_NUMBER(ctx, 9)
#define PT_REGS_WORD_4(ctx) PT_REGS_NUMBER(ctx, 10)
#endif

#define WORDS_SIZE (FR_PROBE_WORDS * sizeof(u64))

/* Copies @room bytes of words: 16, 24, or WORDS_SIZE. */
static __always_inline void copy_words(u64 *to, u64 room, struct pt_regs *ctx)
{
	to[0] = PT_REGS_WORD_0(ctx);
	to[1] = PT_REGS_WORD_1(ctx);
	if (room > 16)
		to[2] = PT_REGS_WORD_2(ctx);
	if (room > 24) {
		to[3] = PT_REGS_WORD_3(ctx);
		to[4] = PT_REGS_WORD_4(ctx);
	}
}

#endif /* FLIGHTREC_PROBE_ARGUMENTS_BPF_H */
