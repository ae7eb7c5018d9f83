// SPDX-License-Identifier: BSD-2-Clause
/* No unit test: every function asks the kernel, and all of tests/e2e/cases goes through them. */
/* Runs the BPF programs that only the collector runs, and asks the kernel about programs. */
#include "collector/kernel/tracker_private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "flightrec.skel.h"

int tracker_run_program(struct bpf_program *program, void *context, uint32_t context_size)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = context, .ctx_size_in = context_size);
	int err = bpf_prog_test_run_opts(bpf_program__fd(program), &options);

	if (err)
		return -errno;
	return options.retval ? -EIO : 0;
}

int tracker_probes_program(const struct tracker *t)
{
	return bpf_program__fd(t->skeleton->progs.on_probe);
}

int tracker_mappings_program(const struct tracker *t)
{
	return bpf_program__fd(t->skeleton->progs.on_mappings);
}

bool tracker_has_multi(const struct tracker *t)
{
	return t->multi;
}

void tracker_see_ends_only(struct tracker *t)
{
	t->skeleton->bss->ends_only = 1;
}

int tracker_watch(struct tracker *t, pid_t pid)
{
	uint32_t key = (uint32_t)pid;
	uint64_t started_ns = 0;

	return bpf_map_update_elem(bpf_map__fd(t->skeleton->maps.watched), &key, &started_ns,
				   BPF_ANY)
		       ? -errno
		       : 0;
}

void tracker_unwatch(struct tracker *t, pid_t pid)
{
	uint32_t key = (uint32_t)pid;

	bpf_map_delete_elem(bpf_map__fd(t->skeleton->maps.watched), &key);
}

int tracker_processes(struct tracker *t, void (*fn)(void *arg, const struct process_found *found),
		      void *arg)
{
	struct bpf_link *link = bpf_program__attach_iter(t->skeleton->progs.list_processes, NULL);
	struct process_found found[64];
	size_t held = 0;
	ssize_t got;
	int fd, err = 0;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0) {
		err = -errno;
		goto cleanup;
	}
	while ((got = read(fd, (char *)found + held, sizeof(found) - held)) != 0) {
		size_t whole;

		if (got < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			err = -errno;
			break;
		}
		held += (size_t)got;
		whole = held / sizeof(found[0]);
		for (size_t i = 0; i < whole; i++)
			fn(arg, &found[i]);
		held -= whole * sizeof(found[0]);
		memmove(found, found + whole, held);
	}
	close(fd);
cleanup:
	bpf_link__destroy(link);
	return err;
}

void tracker_release(struct tracker *t, const uint32_t *slots, const uint32_t *generations,
		     size_t count, uint32_t process)
{
	struct release_args *args = &t->skeleton->bss->release_args;

	do {
		size_t part = count < FR_RELEASE_MAX ? count : FR_RELEASE_MAX;

		if (part) {
			memcpy(args->slot, slots, part * sizeof(*slots));
			memcpy(args->generation, generations, part * sizeof(*generations));
			slots += part;
			generations += part;
			count -= part;
		}
		args->count = (uint32_t)part;
		args->process = count ? FR_NONE : process;
		tracker_run_program(t->skeleton->progs.release, NULL, 0);
	} while (count);
}

void tracker_rearm(struct tracker *t)
{
	tracker_run_program(t->skeleton->progs.rearm_timer, NULL, 0);
}

void tracker_visit(struct tracker *t, const uint32_t *slots, size_t count)
{
	struct visit_args *args = &t->skeleton->bss->visit_args;

	while (count) {
		size_t part = count < FR_VISIT_MAX ? count : FR_VISIT_MAX;

		memcpy(args->slot, slots, part * sizeof(*slots));
		args->count = (uint32_t)part;
		tracker_run_program(t->skeleton->progs.visit, NULL, 0);
		slots += part;
		count -= part;
	}
}

uint32_t tracker_adopt(struct tracker *t, struct adopt_args *args)
{
	args->slot = FR_REFUSED;
	/* For this type of program the kernel copies the context back. */
	if (tracker_run_program(t->skeleton->progs.adopt, args, sizeof(*args)))
		return FR_REFUSED;
	return args->slot;
}

/* Sets the time of the collector's next look, unless BPF wants an earlier one. */
static int set_refused(struct tracker *t, pid_t pid, uint64_t look_ns, struct refusal *refusal)
{
	int fd = bpf_map__fd(t->skeleton->maps.refused);
	uint32_t key = (uint32_t)pid;

	if (bpf_map_lookup_elem(fd, &key, refusal))
		return -errno;
	refusal->look_ns = look_ns;
	return bpf_map_update_elem(fd, &key, refusal, BPF_EXIST) ? -errno : 0;
}

int tracker_refused_look(struct tracker *t, pid_t pid, struct refusal *refusal)
{
	return set_refused(t, pid, UINT64_MAX, refusal);
}

void tracker_refused_until(struct tracker *t, pid_t pid, uint64_t look_ns)
{
	struct refusal refusal;

	set_refused(t, pid, look_ns, &refusal);
}

void tracker_refused_end(struct tracker *t, pid_t pid)
{
	uint32_t key = (uint32_t)pid;

	bpf_map_delete_elem(bpf_map__fd(t->skeleton->maps.refused), &key);
}

void tracker_refused_each(struct tracker *t, void (*fn)(void *arg, pid_t pid, uint64_t look_ns),
			  void *arg)
{
	int fd = bpf_map__fd(t->skeleton->maps.refused);
	struct refusal refusal;
	uint32_t key, *last = NULL;

	for (int i = 0; i < FR_REFUSED_MAX && !bpf_map_get_next_key(fd, last, &key); i++) {
		last = &key;
		if (!bpf_map_lookup_elem(fd, &key, &refusal))
			fn(arg, (pid_t)key, refusal.look_ns);
	}
}

void tracker_verified(struct tracker *t, void (*fn)(const char *program, uint32_t count))
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, t->skeleton->obj)
	{
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			continue;
		fn(bpf_program__name(program), info.verified_insns);
	}
}

static uint64_t runs_missed(const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size)
		       ? 0
		       : info.recursion_misses;
}

void tracker_missed(const struct tracker *t, uint64_t *execs, uint64_t *exits)
{
	*execs = runs_missed(t->skeleton->progs.on_exec);
	*exits = runs_missed(t->skeleton->progs.on_exit);
}
