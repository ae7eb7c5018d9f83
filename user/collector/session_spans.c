// SPDX-License-Identifier: BSD-2-Clause
/* No unit test: it attaches to programs, as tests/e2e/cases/spans.sh has it do. */
#include "collector/session_spans.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uthash.h>

#include "collector/attachment/file_identity.h"
#include "collector/base/message.h"
#include "collector/kernel/tracker_spans.h"
#include "collector/kernel/uprobes.h"
#include "collector/span/syscall_names.h"
#include "collector/span_file.h"
#include "collector/target/mapping_open.h"
#include "collector/target/mappings.h"

struct identity {
	struct file_identity file; /* held, if it is attached to */
	int64_t pid;               /* attached for this process alone; 0: for all */
};

struct known_file {
	struct identity identity;
	uint64_t possible; /* a bit for each span that can begin there */
	bool scanned;
	struct uprobe_links links;
	UT_hash_handle hh;
};

_Static_assert(SPANS_MAX <= 64, "a bit for each");

struct spans {
	struct tracker *tracker;
	const struct span_set *set;
	bool each_process;
	uint32_t places; /* given out */
	struct known_file *files;
	uint64_t possible; /* anywhere */
	struct uprobe_links callers;
	char problem[SPANS_MAX][sizeof(struct span_problem) + 128];
};

/* ---- system calls ---- */

static bool is_syscall(const struct span *span)
{
	return span->event[0].kind == SPAN_SYSCALL;
}

static int add_syscall(struct spans *s, size_t number, const struct span_event *event)
{
	struct span_problem problem;
	struct span_place place;
	int err = span_place_make(s->set, number, NULL, &place, &problem);

	if (err) {
		message("%s", problem.text);
		return err;
	}
	for (size_t i = 0; i < event->n_syscalls && !err; i++) {
		place.detail = (uint32_t)event->syscall[i];
		err = tracker_span_place(s->tracker, ++s->places, &place);
		if (!err)
			tracker_span_syscall(s->tracker, place.detail, s->places);
	}
	return err;
}

static int add_syscalls(struct spans *s)
{
	bool any = false;
	int err = 0;

	for (size_t i = 0; i < s->set->n_spans; i++) {
		const struct span *span = &s->set->span[i];

		for (size_t k = 0; k < span->n_events && is_syscall(span) && !err; k++) {
			err = add_syscall(s, span->first_number + k, &span->event[k]);
			s->possible |= 1ull << i;
			any = true;
		}
	}
	return err || !any ? err : tracker_span_attach_syscalls(s->tracker);
}

/* ---- callers ---- */

/* What the bytes before a return address are, if it is one: a call, of any form. */
static bool is_behind_call(int fd, uint64_t offset)
{
	unsigned char code[7];

	if (offset < sizeof(code) ||
	    pread(fd, code, sizeof(code), (off_t)(offset - sizeof(code))) != (ssize_t)sizeof(code))
		return false;
	if (code[2] == 0xe8)
		return true;
	for (size_t i = 0; i < 6; i++) {
		/* An indirect call is FF /2. */
		if (code[i] == 0xff && (code[i + 1] & 0x38) == 0x10)
			return true;
	}
	return false;
}

/* The file that is mapped at @address, and where in it that is. Returns a descriptor, or -1. */
static int open_mapped(pid_t pid, uint64_t address, uint64_t *offset)
{
	struct mappings mappings;
	int fd = -1;

	if (mappings_read(pid, &mappings) == 0) {
		for (size_t i = 0; i < mappings.files && fd < 0; i++) {
			size_t r = mappings.file[i].range;

			for (; r != MAPPINGS_NONE && fd < 0; r = mappings.range[r].next) {
				const struct mapped_range *range = &mappings.range[r];

				if (address < range->start || address >= range->end)
					continue;
				*offset = address - range->start + range->offset;
				fd = mapping_open(pid, &mappings, &mappings.file[i]);
			}
		}
	}
	mappings_free(&mappings);
	return fd;
}

/*
 * Who calls a function says where it returns to. That may be a lie, so the probe is put into what
 * this process maps, and nobody else's.
 */
void spans_return(struct spans *s, pid_t pid, uint32_t site, uint64_t address)
{
	const struct span *span;
	const struct span_event *event = span_set_event(s->set, site, &span);
	struct uprobe uprobe = {.cookie = s->places + 1};
	struct uprobes_request request = {.program = tracker_span_program(s->tracker, false),
					  .multi = tracker_has_multi(s->tracker),
					  .pid = pid,
					  .uprobe = &uprobe,
					  .count = 1};
	struct span_problem problem;
	struct span_place place, end;

	if (!event || event->kind != SPAN_UPROBE || s->callers.count >= FR_SPAN_CALLERS_MAX ||
	    span_place_make(s->set, site, NULL, &place, &problem))
		return;
	span_place_end(&place, true, &end);
	request.file = open_mapped(pid, address, &uprobe.offset);
	if (request.file < 0)
		return;
	if (is_behind_call(request.file, uprobe.offset) &&
	    tracker_span_place(s->tracker, s->places + 1, &end) == 0) {
		s->places++;
		uprobes_attach(&request, &s->callers);
	}
	close(request.file);
}

/* ---- files ---- */

void spans_detach(struct spans *s)
{
	struct uprobe_links all = {0};
	struct known_file *file, *next;

	uprobe_links_move(&all, &s->callers);
	HASH_ITER(hh, s->files, file, next)
	{
		uprobe_links_move(&all, &file->links);
	}
	uprobe_links_detach(&all);
}

void spans_free(struct spans *s)
{
	struct known_file *file, *next;

	if (!s)
		return;
	spans_detach(s);
	HASH_ITER(hh, s->files, file, next)
	{
		HASH_DEL(s->files, file);
		free(file);
	}
	free(s);
}

/* The last of these is called first: so that what logs at the same place finds its span open. */
static int attach_sites(struct spans *s, const struct span_sites *sites, bool returns,
			struct uprobes_request *request, struct uprobe_links *links)
{
	struct uprobe uprobe[UPROBES_MAX];
	size_t i = sites->count;
	int err = 0;

	request->program = tracker_span_program(s->tracker, returns);
	request->returns = returns;
	request->uprobe = uprobe;
	while (i && !err) {
		request->count = 0;
		while (i && request->count < UPROBES_MAX && !err) {
			const struct span_site *site = &sites->site[--i];

			if (site->returns != returns)
				continue;
			err = tracker_span_place(s->tracker, ++s->places, &site->place);
			uprobe[request->count++] =
				(struct uprobe){site->offset, site->ref_ctr_offset, s->places};
		}
		if (!err && request->count)
			err = uprobes_attach(request, links);
	}
	request->uprobe = NULL;
	return err;
}

static void set_problem(struct spans *s, size_t i, const char *text)
{
	snprintf(s->problem[i], sizeof(s->problem[i]), "%s", text);
}

static bool begins(const struct span_sites *sites)
{
	for (size_t i = 0; i < sites->count; i++) {
		if (sites->site[i].place.action == SPAN_OPENS)
			return true;
	}
	return false;
}

/* Finds and attaches one span in a file. */
static void add_span(struct spans *s, size_t i, struct span_file *file, struct known_file *known)
{
	struct uprobes_request request = {.multi = tracker_has_multi(s->tracker),
					  .file = file->fd,
					  .pid = (pid_t)known->identity.pid};
	struct span_problem problem = {""}, missing = {""};
	struct span_sites sites = {0};
	int err =
		span_file_all(file, s->set, i, &sites, &(struct span_problems){&problem, &missing});

	if (missing.text[0])
		message("span %s: %s; going on without", s->set->span[i].name, missing.text);
	if (!err && sites.count) {
		err = attach_sites(s, &sites, true, &request, &known->links);
		err = err ? err : attach_sites(s, &sites, false, &request, &known->links);
		if (err)
			snprintf(problem.text, sizeof(problem.text),
				 "cannot attach a uprobe to %.80s: %s", file->path, strerror(-err));
	}
	if (err)
		set_problem(s, i, problem.text);
	else if (begins(&sites))
		known->possible |= 1ull << i;
	free(sites.site);
}

static struct known_file *find_file(struct spans *s, int fd, pid_t pid)
{
	struct identity identity, held;
	struct known_file *known;

	memset(&identity, 0, sizeof(identity));
	if (file_identity_read(fd, &identity.file))
		return NULL;
	identity.pid = s->each_process ? pid : 0;
	held = identity;
	held.file = file_identity_held(&identity.file);
	HASH_FIND(hh, s->files, &held, sizeof(held), known);
	if (!known)
		HASH_FIND(hh, s->files, &identity, sizeof(identity), known);
	if (known)
		return known;
	known = calloc(1, sizeof(*known));
	if (!known)
		return NULL;
	known->identity = identity;
	HASH_ADD(hh, s->files, identity, sizeof(known->identity), known);
	return known;
}

/* From now on its inode is nobody else's, if it is attached to. */
static void hold(struct spans *s, struct known_file *known)
{
	known->scanned = true;
	if (!known->links.count)
		return;
	HASH_DEL(s->files, known);
	known->identity.file = file_identity_held(&known->identity.file);
	HASH_ADD(hh, s->files, identity, sizeof(known->identity), known);
}

/* Attaches what spans want of a file. Returns those that are possible in it. */
static uint64_t scan_file(struct spans *s, pid_t pid, int fd, const char *path)
{
	struct span_file file = {.fd = fd, .path = path};
	struct known_file *known = find_file(s, fd, pid);

	for (size_t i = 0; known && !known->scanned && i < s->set->n_spans; i++) {
		if (span_file_wanted(&s->set->span[i], path))
			add_span(s, i, &file, known);
	}
	elf_frames_free(&file.frames);
	if (!known)
		return 0;
	if (!known->scanned)
		hold(s, known);
	return known->possible;
}

static bool is_wanted(const struct spans *s, const char *path)
{
	for (size_t i = 0; i < s->set->n_spans; i++) {
		if (span_file_wanted(&s->set->span[i], path))
			return true;
	}
	return false;
}

/*
 * Files that are named by a path are attached to before anybody maps them: then nothing of a
 * program that is started later is missed.
 */
static void scan_paths(struct spans *s)
{
	for (size_t i = 0; i < s->set->n_spans; i++) {
		const struct span *span = &s->set->span[i];

		for (size_t k = 0; k < span->n_events; k++) {
			const char *library = span->event[k].library;
			char path[PATH_MAX];
			int fd;

			if (!library || !strchr(library, '/') || !realpath(library, path))
				continue;
			fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
			if (fd < 0)
				continue;
			s->possible |= scan_file(s, 0, fd, path);
			close(fd);
		}
	}
}

int spans_new(struct spans **spans, struct tracker *tracker, const struct span_set *set,
	      bool each_process)
{
	struct spans *s = calloc(1, sizeof(*s));
	int err;

	*spans = NULL;
	if (!s)
		return -ENOMEM;
	s->tracker = tracker;
	s->set = set;
	s->each_process = each_process;
	err = add_syscalls(s);
	if (!err && !each_process)
		scan_paths(s);
	if (err)
		spans_free(s);
	else
		*spans = s;
	return err;
}

size_t spans_scan(struct spans *s, pid_t pid)
{
	uint64_t possible = 0;
	struct mappings mappings;

	for (size_t i = 0; i < s->set->n_spans; i++)
		possible |= is_syscall(&s->set->span[i]) ? 1ull << i : 0;
	if (mappings_read(pid, &mappings) == 0) {
		for (size_t k = 0; k < mappings.files; k++) {
			int fd = is_wanted(s, mappings.file[k].path)
					 ? mapping_open(pid, &mappings, &mappings.file[k])
					 : -1;

			if (fd < 0)
				continue;
			possible |= scan_file(s, pid, fd, mappings.file[k].path);
			close(fd);
		}
	}
	mappings_free(&mappings);
	s->possible |= possible;
	return (size_t)__builtin_popcountll(possible);
}

const char *spans_problem(const struct spans *s, size_t i)
{
	static char text[128];
	const struct span *span = &s->set->span[i];

	if (s->possible & 1ull << i)
		return NULL;
	if (s->problem[i][0])
		return s->problem[i];
	snprintf(text, sizeof(text), "nothing that is watched has %.80s",
		 span->event[0].library ? span->event[0].library : span->event[0].source);
	return text;
}

bool spans_may_come(const struct spans *s)
{
	for (size_t i = 0; i < s->set->n_spans; i++) {
		if (!(s->possible & 1ull << i) && !s->problem[i][0])
			return true;
	}
	return false;
}
