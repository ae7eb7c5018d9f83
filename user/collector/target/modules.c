// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/modules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/base/array.h"
#include "collector/target/mapping_open.h"
#include "collector/target/mappings.h"

#define DELETED " (deleted)"

static void hash_in(struct modules *m, uint64_t number)
{
	m->hash = (m->hash ^ number) * UINT64_C(0x9e3779b97f4a7c15);
	m->hash ^= m->hash >> 29;
}

/* Whether a mapping goes on with the file that begins before it. */
static bool continues(const struct module *module, const struct mapping *mapping)
{
	return module->inode == mapping->inode && module->major == mapping->major &&
	       module->minor == mapping->minor && mapping->offset;
}

static void set_path(struct module *module, const char *path)
{
	size_t size = strlen(path), cut = strlen(DELETED);

	module->deleted = size > cut && strcmp(path + size - cut, DELETED) == 0;
	module->path = strndup(path, module->deleted ? size - cut : size);
}

/* What is mapped, but not for execution, is dropped when the next file begins. */
static void drop_data(struct modules *m, bool executable)
{
	if (m->n && !executable)
		free(m->module[--m->n].path);
}

struct walk {
	struct modules *modules;
	uint64_t sp;
	bool executable; /* the last module is, in part */
	bool open;       /* it may go on */
};

static int take_mapping(struct walk *walk, const struct mapping *mapping)
{
	struct modules *m = walk->modules;
	struct module *last = m->n ? &m->module[m->n - 1] : NULL;

	if (walk->sp >= mapping->start && walk->sp < mapping->end)
		m->stack_end = mapping->end;
	if (strcmp(mapping->path, "[vdso]") == 0) {
		m->vdso_start = mapping->start;
		m->vdso_end = mapping->end;
	}
	if (!mapping->inode)
		return 0; /* its .bss, or nothing of it */
	if (!last || !walk->open || !continues(last, mapping)) {
		if (walk->open)
			drop_data(m, walk->executable);
		walk->open = walk->executable = false;
		if (m->n == MODULES_MAX)
			return 0;
		if (array_reserve(m->module, m->room, m->n + 1))
			return -ENOMEM;
		last = &m->module[m->n++];
		*last = (struct module){.start = mapping->start,
					.mapping_start = mapping->start,
					.mapping_end = mapping->end,
					.mapping_offset = mapping->offset,
					.inode = mapping->inode,
					.major = mapping->major,
					.minor = mapping->minor};
		set_path(last, mapping->path);
		walk->open = true;
	}
	last->end = mapping->end;
	walk->executable |= mapping->executable;
	return 0;
}

int modules_read(pid_t pid, uint64_t sp, struct modules *m)
{
	struct walk walk = {.modules = m, .sp = sp};
	char name[64], *line = NULL;
	struct mapping mapping;
	size_t room = 0;
	FILE *maps;
	int err = 0;

	*m = (struct modules){0};
	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	maps = fopen(name, "re");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!err && getline(&line, &room, maps) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (mapping_parse(line, &mapping) == 0)
			err = take_mapping(&walk, &mapping);
	}
	if (ferror(maps) && !err)
		err = -EIO;
	if (walk.open)
		drop_data(m, walk.executable);
	free(line);
	fclose(maps);
	for (size_t i = 0; i < m->n; i++) {
		hash_in(m, m->module[i].start);
		hash_in(m, m->module[i].end);
		hash_in(m, m->module[i].inode);
	}
	return err;
}

void modules_free(struct modules *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->module[i].path);
	free(m->module);
	*m = (struct modules){0};
}

size_t modules_find(const struct modules *m, uint64_t address)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->module[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->n && m->module[low].start <= address ? low : SIZE_MAX;
}

int module_open(pid_t pid, const struct module *module)
{
	struct mapped_range range = {.start = module->mapping_start,
				     .end = module->mapping_end,
				     .offset = module->mapping_offset,
				     .next = MAPPINGS_NONE};
	struct mapped_file file = {.inode = module->inode,
				   .major = module->major,
				   .minor = module->minor,
				   .deleted = module->deleted,
				   .path = module->path};
	const struct mappings mappings = {.file = &file, .files = 1, .range = &range, .ranges = 1};

	return mapping_open(pid, &mappings, &file);
}
