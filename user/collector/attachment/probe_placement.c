// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/probe_placement.h"

#include "collector/attachment/attached_files.h"
#include "collector/kernel/tracker.h"
#include "collector/kernel/uprobes.h"
#include "collector/target/elf_places.h"

/* Ends first, entries last: so the end of anything we see is not missed. */
static const enum flightrec_probe order[FLIGHTREC_PROBES] = {
	FLIGHTREC_PROBE_END,    FLIGHTREC_PROBE_LATE,   FLIGHTREC_PROBE_LEAVE,
	FLIGHTREC_PROBE_EXTEND, FLIGHTREC_PROBE_REPLAY, FLIGHTREC_PROBE_CONTEXT,
	FLIGHTREC_PROBE_STRAY,  FLIGHTREC_PROBE_BEGIN,  FLIGHTREC_PROBE_ENTRY,
	FLIGHTREC_PROBE_ARM,
};

unsigned placement_wanted(const struct elf_probes_copy *copy, bool by_memory)
{
	const unsigned of_memory = 1u << FLIGHTREC_PROBE_ARM | 1u << FLIGHTREC_PROBE_LATE |
				   1u << FLIGHTREC_PROBE_STRAY | 1u << FLIGHTREC_PROBE_LEAVE;
	bool keeps_log = by_memory && copy->present & of_memory;

	return copy->present & (keeps_log ? of_memory | 1u << FLIGHTREC_PROBE_REPLAY : ~of_memory);
}

static struct uprobes_request request_for(const struct tracker *tracker,
					  const struct attached_file *file, int fd)
{
	return (struct uprobes_request){.program = tracker_probes_program(tracker),
					.multi = tracker_has_multi(tracker),
					.file = fd,
					.pid = (pid_t)file->key.pid};
}

int placement_attach_copies(const struct tracker *tracker, struct attached_file *file, int fd,
			    bool by_memory)
{
	struct uprobe uprobe[FLIGHTREC_PROBES * ELF_PROBES_COPIES_MAX];
	struct uprobes_request request = request_for(tracker, file, fd);
	size_t copies = file->probes->copies;

	request.uprobe = uprobe;
	for (size_t i = 0; i < FLIGHTREC_PROBES * copies; i++) {
		const struct elf_probes_copy *copy = &file->probes->copy[i % copies];
		enum flightrec_probe probe = order[i / copies];

		if (placement_wanted(copy, by_memory) & 1u << probe)
			uprobe[request.count++] =
				(struct uprobe){copy->probe[probe].offset,
						copy->probe[probe].ref_ctr_offset, probe};
	}
	return uprobes_attach(&request, &file->links);
}

int placement_attach_linker(const struct tracker *tracker, struct attached_file *file, int fd)
{
	struct uprobes_request request = request_for(tracker, file, fd);
	struct uprobe uprobe = {0};
	int err = elf_symbol_offset(fd, "_dl_debug_state", &uprobe.offset);

	request.program = tracker_mappings_program(tracker);
	request.uprobe = &uprobe;
	request.count = 1;
	return err ? err : uprobes_attach(&request, &file->links);
}
