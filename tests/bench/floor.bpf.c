// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The least that a probe can cost: a BPF program that does nothing. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("uprobe")
int on_probe(struct pt_regs *ctx)
{
	return 0;
}
