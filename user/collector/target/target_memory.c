// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/target_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "collector/target/time_namespace.h"

/* Slots read at a time. */
#define BATCH 128u

/* The smallest page size: a read within this many aligned bytes touches one page. */
#define PAGE_MIN 4096u

void target_init(struct target *target, pid_t pid)
{
	*target = (struct target){.pid = pid, .mem_fd = -1};
}

void target_close(struct target *target)
{
	if (target->mem_fd >= 0)
		close(target->mem_fd);
	target->mem_fd = -1;
}

#include "collector/target/time_namespace.h"

static ssize_t read_by_vm(const struct target *target, uint64_t address, void *buffer, size_t size)
{
	struct iovec local = {buffer, size};
	struct iovec remote = {(void *)(uintptr_t)address, size};
	ssize_t got;

	got = process_vm_readv(target->pid, &local, 1, &remote, 1, 0);
	return got < 0 ? -errno : got;
}

/*
 * Prefers /proc/PID/mem where it can be opened. Reading from it never waits for a userfaultfd, with
 * which a process could block process_vm_readv() for as long as it likes.
 */
static ssize_t read_some(struct target *target, uint64_t address, void *buffer, size_t size)
{
	char path[64];
	ssize_t got;

	if (target->mem_fd < 0 && !target->use_vm) {
		snprintf(path, sizeof(path), "/proc/%d/mem", (int)target->pid);
		target->mem_fd = open(path, O_RDONLY | O_CLOEXEC);
		target->use_vm = target->mem_fd < 0;
	}
	if (target->use_vm)
		return read_by_vm(target, address, buffer, size);
	got = pread(target->mem_fd, buffer, size, (off_t)address);
	if (got < 0)
		return errno == EIO ? -EFAULT : -errno;
	return got;
}

int target_read(struct target *target, uint64_t address, void *buffer, size_t size)
{
	char *to = buffer;
	ssize_t got;

	/* What off_t cannot express is the kernel's, on all machines that we know. */
	if (address > INT64_MAX || size > INT64_MAX - address)
		return -EFAULT;
	while (size > 0) {
		got = read_some(target, address, to, size);
		if (got == -EINTR)
			continue;
		if (got <= 0)
			return got ? (int)got : -EFAULT;
		to += got;
		address += (uint64_t)got;
		size -= (size_t)got;
	}
	return 0;
}

ssize_t target_read_string(struct target *target, uint64_t address, char *buffer, size_t size,
			   bool *cut)
{
	size_t used = 0, want, length;
	int err;

	if (cut)
		*cut = false;
	if (size == 0)
		return -EINVAL;
	while (used < size - 1) {
		/* Only up to the end of the page, since there may be nothing behind it. */
		want = PAGE_MIN - (size_t)((address + used) % PAGE_MIN);
		if (want > size - 1 - used)
			want = size - 1 - used;
		err = target_read(target, address + used, buffer + used, want);
		if (err && used == 0) {
			buffer[0] = 0;
			return err;
		}
		if (err)
			break;
		length = strnlen(buffer + used, want);
		used += length;
		if (length < want)
			return (ssize_t)used;
	}
	buffer[used] = 0;
	if (cut)
		*cut = true;
	return (ssize_t)used;
}

/* Passes the recorder named by a slot to the visitor, if it is what the slot says. */
static int visit_slot(struct target *target, const struct flightrec_open *open,
		      const struct target_visitor *visitor, struct target_walk *walk)
{
	flightrec rec;
	int err;

	walk->slots++;
	if (open->id == 0)
		return 0;
	err = target_read(target, open->rec, &rec, sizeof(rec));
	if (err == -ESRCH)
		return err;
	if (err || rec.id_ != open->id || rec.instance_ != walk->instance) {
		walk->skipped++;
		return 0;
	}
	rec.name_[sizeof(rec.name_) - 1] = 0;
	if (rec.context_size_ > sizeof(rec.context_))
		rec.context_size_ = sizeof(rec.context_);
	rec.started_ns_ = time_namespace_to_ours(rec.started_ns_, target->ahead_ns);
	walk->found++;
	return visitor->fn(&rec, open->rec, visitor->arg);
}

static int walk_chunk(struct target *target, uint64_t chunk, uint32_t count,
		      const struct target_visitor *visitor, struct target_walk *walk)
{
	struct flightrec_open batch[BATCH] = {
		0}; /* zeroed for the analyzer, which does not see that it is read */
	uint32_t done, now, i;
	uint64_t offset;
	int err;

	for (done = 0; done < count; done += now) {
		now = count - done < BATCH ? count - done : BATCH;
		offset = (uint64_t)done * sizeof(batch[0]);
		/* An address that wraps around cannot be read. */
		err = chunk > UINT64_MAX - offset
			      ? -EFAULT
			      : target_read(target, chunk + offset, batch, now * sizeof(batch[0]));
		if (err)
			return err;
		for (i = 0; i < now; i++) {
			if (target->skip) {
				target->skip--;
				continue;
			}
			err = visit_slot(target, &batch[i], visitor, walk);
			if (err)
				return err;
		}
	}
	return 0;
}

static int read_state(struct target *target, uint64_t address, struct flightrec_state *state)
{
	static const char magic[sizeof(state->magic)] = FLIGHTREC_STATE_MAGIC;
	int err;

	err = target_read(target, address, state, sizeof(*state));
	if (err)
		return err;
	if (memcmp(state->magic, magic, sizeof(magic)) != 0 ||
	    state->version != FLIGHTREC_STATE_VERSION || state->size != sizeof(*state))
		return -EBADMSG;
	return 0;
}

int target_open_recorders(struct target *target, uint64_t state_address,
			  const struct target_visitor *visitor, struct target_walk *walk)
{
	struct flightrec_process process;
	struct flightrec_state state;
	uint32_t left, room, now;
	unsigned k;
	int err;

	memset(walk, 0, sizeof(*walk));
	target->ahead_ns = time_namespace_ahead_ns(target->pid);
	err = read_state(target, state_address, &state);
	if (err || state.process == 0)
		return err;
	err = target_read(target, state.process, &process, sizeof(process));
	if (err)
		return err;
	walk->instance = process.instance;
	walk->opened = process.instance ? process.opened : 0;
	if (process.instance == 0)
		return 0;
	/* Again: a chunk made between the two reads may hold slots that `used` counts. */
	err = read_state(target, state_address, &state);
	if (err)
		return err;

	left = process.used;
	if (left > visitor->slots_max) {
		left = visitor->slots_max;
		walk->cut = true;
	}
	for (k = 0; k < FLIGHTREC_OPEN_CHUNKS && state.chunk[k] && left > 0; k++) {
		room = FLIGHTREC_OPEN_CHUNK << k;
		now = left < room ? left : room;
		err = walk_chunk(target, state.chunk[k], now, visitor, walk);
		if (err)
			return err;
		left -= now;
	}
	/* What is left is in no chunk: there was no memory for these slots. */
	return 0;
}
