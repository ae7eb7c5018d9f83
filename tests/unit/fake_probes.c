// SPDX-License-Identifier: BSD-2-Clause
#include "fake_probes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct flightrec_state flightrec_state_ = {
	.magic = FLIGHTREC_STATE_MAGIC,
	.version = FLIGHTREC_STATE_VERSION,
	.size = sizeof(struct flightrec_state),
};
const volatile uint16_t *const flightrec_watch_ =
	&flightrec_state_.semaphore[FLIGHTREC_PROBE_ENTRY];

struct probed probed;

static void note(enum flightrec_probe probe, const flightrec *rec, uint64_t id)
{
	atomic_fetch_add(&probed.count[probe], 1);
	probed.rec = rec;
	probed.id = id;
	/* A trap into the kernel may leave errno as it likes, as a test of ours. */
	errno = ENOTBLK;
}

void probe_begin(const flightrec *rec, uint64_t id, uint64_t timeout_ns, const char *name,
		 uint64_t parent_id)
{
	note(FLIGHTREC_PROBE_BEGIN, rec, id);
	probed.timeout_ns = timeout_ns;
	probed.parent_id = parent_id;
	memcpy(probed.name, name, sizeof(probed.name));
}

void probe_entry(const struct probe_entry *entry)
{
	int saved_errno = errno;

	note(FLIGHTREC_PROBE_ENTRY, entry->rec, entry->id);
	probed.site = entry->site;
	probed.how = entry->how;
	probed.size = entry->size;
	assert_true(entry->size <= sizeof(probed.data));
	memcpy(probed.data, entry->data, entry->size);
	errno = saved_errno;
}

void probe_end(const flightrec *rec, uint64_t id)
{
	int saved_errno = errno;

	note(FLIGHTREC_PROBE_END, rec, id);
	errno = saved_errno;
}

void probe_extend(const flightrec *rec, uint64_t id, uint64_t timeout_ns)
{
	int saved_errno = errno;

	note(FLIGHTREC_PROBE_EXTEND, rec, id);
	probed.timeout_ns = timeout_ns;
	errno = saved_errno;
}

void probe_context(const flightrec *rec, uint64_t id, const void *data, uint64_t size)
{
	int saved_errno = errno;

	note(FLIGHTREC_PROBE_CONTEXT, rec, id);
	probed.size = size;
	memcpy(probed.data, data, size);
	errno = saved_errno;
}

void probe_replay(const flightrec *rec, uint64_t id)
{
	int saved_errno = errno;

	note(FLIGHTREC_PROBE_REPLAY, rec, id);
	errno = saved_errno;
}

/* These tell nothing about recorders that the other probes do not. They are only counted. */
static void note_only(enum flightrec_probe probe)
{
	atomic_fetch_add(&probed.count[probe], 1);
}

void probe_arm(const struct memory_header *memory, uint64_t timeout_ns)
{
	(void)memory;
	(void)timeout_ns;
	note_only(FLIGHTREC_PROBE_ARM);
}

void probe_late(const struct memory_header *memory, uint64_t slot, uint64_t id)
{
	(void)memory;
	(void)slot;
	(void)id;
	note_only(FLIGHTREC_PROBE_LATE);
}

void probe_stray(const struct flightrec_site *site, uint64_t how, const void *data, uint64_t size)
{
	(void)site;
	(void)how;
	(void)data;
	(void)size;
	note_only(FLIGHTREC_PROBE_STRAY);
}

void probe_leave(const struct memory_header *memory, uint64_t opened, uint64_t entries)
{
	(void)memory;
	(void)opened;
	(void)entries;
	note_only(FLIGHTREC_PROBE_LEAVE);
}
