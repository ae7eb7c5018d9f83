// SPDX-License-Identifier: BSD-2-Clause
/* No unit test: every function asks the kernel, and tests/e2e/cases/spans.sh goes through them. */
#include "collector/kernel/tracker_spans.h"

#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "collector/kernel/tracker_private.h"
#include "flightrec.skel.h"

int tracker_span_program(const struct tracker *t, bool returns)
{
	return bpf_program__fd(returns ? t->skeleton->progs.on_span_return
				       : t->skeleton->progs.on_span);
}

int tracker_span_place(struct tracker *t, uint32_t number, const struct span_place *place)
{
	if (number == 0 || number >= FR_SPAN_PLACES_MAX)
		return -E2BIG;
	return bpf_map_update_elem(bpf_map__fd(t->skeleton->maps.span_places), &number, place,
				   BPF_ANY)
		       ? -errno
		       : 0;
}

void tracker_span_syscall(struct tracker *t, uint32_t number, uint32_t place)
{
	if (number < FR_SPAN_SYSCALLS)
		t->skeleton->bss->span_syscalls[number] = (uint16_t)place;
}

int tracker_span_attach_syscalls(struct tracker *t)
{
	struct flightrec_bpf *s = t->skeleton;

	/* Ends first: nothing is seen of which the end would be missed. */
	s->links.on_sys_exit = bpf_program__attach(s->progs.on_sys_exit);
	if (!s->links.on_sys_exit)
		return -errno;
	s->links.on_sys_enter = bpf_program__attach(s->progs.on_sys_enter);
	return s->links.on_sys_enter ? 0 : -errno;
}
