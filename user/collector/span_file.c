// SPDX-License-Identifier: BSD-2-Clause
#include "collector/span_file.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/base/array.h"
#include "collector/base/nearest.h"
#include "collector/target/elf_notes.h"
#include "collector/target/elf_symbols.h"
#include "collector/target/function_exits.h"

#define SITES_MAX 1024
/* How many names are compared with one that is not there. */
#define NAMES_MAX 20000

/* One event that is looked for. */
struct finding {
	struct span_file *file;
	struct elf_file *elf;
	const struct span_set *set;
	const struct span_event *event;
	const struct span *span;
	size_t number;
	struct span_sites *sites;
	struct span_problem *problem;
	size_t found;
	struct nearest nearest;
	char nearest_name[128];
};

/* ---- names of files ---- */

bool span_file_is(const char *library, const char *path)
{
	const char *name = strrchr(path, '/');
	size_t length = strlen(library), end = strlen(path);
	static const char deleted[] = " (deleted)";

	if (end > strlen(deleted) && strcmp(path + end - strlen(deleted), deleted) == 0)
		end -= strlen(deleted);
	if (strchr(library, '/')) {
		char resolved[PATH_MAX];
		const char *wanted = realpath(library, resolved) ? resolved : library;

		return (strlen(wanted) == end && strncmp(wanted, path, end) == 0) ||
		       (length == end && strncmp(library, path, end) == 0);
	}
	name = name ? name + 1 : path;
	end -= (size_t)(name - path);
	if (end == length && strncmp(name, library, length) == 0)
		return true;
	/* "c" and "libc" are libc.so.6; versions follow a dot or a hyphen. */
	if (strncmp(name, "lib", 3) == 0 && strncmp(library, "lib", 3) != 0) {
		name += 3;
		end -= 3;
	}
	return end > length && strncmp(name, library, length) == 0 &&
	       (strncmp(name + length, ".so", 3) == 0 ||
		(name[length] == '-' && strstr(name + length, ".so")));
}

/* ---- sites ---- */

__attribute__((format(printf, 3, 4))) static int problem(struct finding *f, int err,
							 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->problem->text, sizeof(f->problem->text), format, args);
	va_end(args);
	return err;
}

static int add_site(struct finding *f, const struct span_site *site)
{
	struct span_sites *to = f->sites;

	if (to->count == SITES_MAX)
		return problem(f, -E2BIG, "%.100s is in more than %d places", f->event->source,
			       SITES_MAX);
	if (array_reserve(to->site, to->room, to->count + 1))
		return problem(f, -ENOMEM, "no memory");
	to->site[to->count++] = *site;
	f->found++;
	return 0;
}

static int not_there(struct finding *f, const char *what)
{
	if (f->nearest.best)
		return problem(f, -ENOENT, "%.60s has no %s '%.40s'; did you mean '%.40s'?",
			       f->file->path, what, f->event->name, f->nearest_name);
	return problem(f, -ENOENT, "%.80s has no %s '%.40s'", f->file->path, what, f->event->name);
}

/* Names are gone when the next one comes. */
static void try_name(void *arg, const char *name)
{
	struct finding *f = arg;
	const char *before = f->nearest.best;

	nearest_try(&f->nearest, name);
	if (f->nearest.best == before)
		return;
	snprintf(f->nearest_name, sizeof(f->nearest_name), "%s", name);
	f->nearest.best = f->nearest_name;
}

/* ---- probes ---- */

static int find_symbol(void *arg, const char *name, uint64_t *address)
{
	struct finding *f = arg;
	struct elf_symbol symbol;
	int err = elf_symbol_find(f->elf, name, &symbol);

	*address = err ? 0 : symbol.address;
	return err;
}

static int look_at_note(void *arg, const struct probe_note *note)
{
	struct finding *f = arg;
	struct span_note of = {note->address, note->arguments, find_symbol, f};
	struct span_site site = {0};
	int err;

	if (strcmp(note->provider, f->event->provider) != 0)
		return 0;
	if (strcmp(note->name, f->event->name) != 0)
		return 0;
	if (f->event->role == SPAN_REQUIRE) {
		f->found++;
		return 0;
	}
	/* A linker that drops a function leaves its note, with any address. */
	if (!elf_file_offset_of(f->elf, note->address, 1, PF_X, &site.offset))
		return 0;
	if (note->semaphore && !elf_file_offset_of(f->elf, note->semaphore, sizeof(uint16_t), PF_W,
						   &site.ref_ctr_offset))
		return 0;
	err = span_place_make(f->set, f->number, &of, &site.place, f->problem);
	return err ? err : add_site(f, &site);
}

static int try_note(void *arg, const struct probe_note *note)
{
	struct finding *f = arg;

	if (strcmp(note->provider, f->event->provider) == 0)
		try_name(f, note->name);
	return 0;
}

static int find_probe(struct finding *f)
{
	int err = elf_notes_each(f->elf, look_at_note, f);

	if (err == -EFBIG)
		return problem(f, err, "%.80s has too many notes of probes", f->file->path);
	if (err && err != -ENOENT)
		return err;
	if (f->found)
		return 0;
	if (!err)
		elf_notes_each(f->elf, try_note, f);
	return not_there(f, "probe");
}

/* ---- functions ---- */

static int read_frames(struct finding *f)
{
	if (f->file->frames_read)
		return 0;
	f->file->frames_read = true;
	return elf_frames_read(f->elf, &f->file->frames) == -ENOMEM ? -ENOMEM : 0;
}

static int add_exits(struct finding *f, const struct elf_symbol *symbol, struct span_site *begin)
{
	struct span_site site = {0};
	struct function_exits exits;
	struct elf_frame function = {symbol->address, symbol->size};
	const struct elf_frame *frame;
	int err = read_frames(f);

	frame = elf_frames_find(&f->file->frames, symbol->address);
	if (frame && frame->address == symbol->address)
		function = *frame;
	if (!err)
		err = function_exits_find(f->elf, &f->file->frames, &function, &exits);
	if (err == -ENOTSUP && exits.unknown) {
		begin->place.flags |= FR_SPAN_AT_CALLER;
		return 0;
	}
	if (err)
		return problem(f, err, "%.60s: its end cannot be seen: %.90s", f->event->source,
			       exits.problem);
	span_place_end(&begin->place, false, &site.place);
	for (size_t i = 0; !err && i < exits.count; i++) {
		if (!elf_file_offset_of(f->elf, exits.address[i], 1, PF_X, &site.offset))
			return problem(f, -EBADMSG, "%.100s: an exit is not in the file",
				       f->event->source);
		err = add_site(f, &site);
	}
	return err;
}

static int find_function(struct finding *f)
{
	struct elf_symbol symbol;
	struct span_site site = {0};
	int err = elf_symbol_find(f->elf, f->event->name, &symbol);

	if (err == -EFBIG)
		return problem(f, err, "%.80s has too many symbols", f->file->path);
	if (err || (symbol.type != STT_FUNC && symbol.type != STT_NOTYPE)) {
		f->nearest = (struct nearest){.word = f->event->name};
		elf_functions_each(f->elf, NAMES_MAX, try_name, f);
		return not_there(f, "function");
	}
	if (f->event->role == SPAN_REQUIRE)
		return 0;
	if (!elf_file_offset_of(f->elf, symbol.address, 1, PF_X, &site.offset))
		return problem(f, -EBADMSG, "%.100s is not in the file", f->event->source);
	err = span_place_make(f->set, f->number, NULL, &site.place, f->problem);
	err = err ? err : add_site(f, &site);
	if (err || !(site.place.flags & FR_SPAN_FRAME))
		return err;
	if (!f->event->hijack)
		return add_exits(f, &symbol, &f->sites->site[f->sites->count - 1]);
	span_place_end(&site.place, true, &site.place);
	site.returns = true;
	return add_site(f, &site);
}

int span_file_find(struct span_file *file, const struct span_set *set, size_t number,
		   struct span_sites *sites, struct span_problem *problem_out)
{
	struct elf_file elf;
	struct finding f = {.file = file,
			    .elf = &elf,
			    .set = set,
			    .number = number,
			    .sites = sites,
			    .problem = problem_out};
	int err;

	f.event = span_set_event(set, number, &f.span);
	f.nearest = (struct nearest){.word = f.event->name};
	err = elf_file_open(&elf, file->fd);
	if (err)
		return problem(&f, err, "%.100s is no ELF file of this machine", file->path);
	err = f.event->kind == SPAN_USDT ? find_probe(&f) : find_function(&f);
	elf_file_close(&elf);
	return err;
}

/* ---- spans ---- */

static bool is_in(const struct span_event *event, const char *path)
{
	return event->kind != SPAN_SYSCALL && span_file_is(event->library, path);
}

bool span_file_wanted(const struct span *span, const char *path)
{
	for (size_t i = 0; i < span->n_events; i++) {
		if (is_in(&span->event[i], path))
			return true;
	}
	return false;
}

int span_file_all(struct span_file *file, const struct span_set *set, size_t i,
		  struct span_sites *sites, const struct span_problems *problems)
{
	const struct span *span = &set->span[i];
	struct span_problem *problem_out = problems->problem;

	for (size_t k = 0; k < span->n_events; k++) {
		const struct span_event *event = &span->event[k];
		int err;

		if (!is_in(event, file->path))
			continue;
		err = span_file_find(file, set, span->first_number + k, sites, problem_out);
		if (err && event->role == SPAN_LOG && err != -ENOMEM) {
			*problems->missing = *problem_out;
			continue;
		}
		if (err && event->role == SPAN_REQUIRE && event->reason)
			snprintf(problem_out->text, sizeof(problem_out->text), "%.80s: %.70s",
				 file->path, event->reason);
		if (err)
			return err;
	}
	return 0;
}
