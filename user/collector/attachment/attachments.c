// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/attachments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/attachment/probe_placement.h"
#include "collector/attachment/usual_files.h"
#include "collector/target/elf_places.h"
#include "collector/target/mappings.h"

/* What is done with the files that a process maps. */
struct scan {
	struct attachments *attachments;
	pid_t pid;
	struct mappings mappings;
	attachments_copy_fn fn;
	void *arg;
};

void attachments_init(struct attachments *a, struct tracker *tracker, bool each_process)
{
	*a = (struct attachments){.tracker = tracker, .each_process = each_process};
}

void attachments_free(struct attachments *a)
{
	struct attached_file *file, *next;
	struct uprobe_links all = {0};

	for (file = attached_files_next(&a->files, NULL); file; file = next) {
		next = attached_files_next(&a->files, file);
		uprobe_links_move(&all, &file->links);
		attached_files_remove(&a->files, file);
	}
	uprobe_links_detach(&all);
}

/* Notes why it did not work, if it did not. */
static int attached(struct attachments *a, int err)
{
	if (err)
		snprintf(a->problem, sizeof(a->problem), "cannot attach a uprobe: %s%s",
			 strerror(-err),
			 err == -EACCES || err == -EPERM
				 ? ": this kernel wants CAP_SYS_ADMIN for it"
				 : "");
	return err;
}

/* Looks for probes in a file that is looked at for the first time, and attaches to them. */
static void attach_copies(struct attachments *a, struct attached_file *file, int fd)
{
	struct elf_probes probes;
	int err = elf_probes_find(fd, &probes);

	if (err == -EBADMSG)
		snprintf(a->problem, sizeof(a->problem), "%s", elf_reason_text(probes.reason));
	file->probes = err ? NULL : malloc(sizeof(*file->probes));
	if (!file->probes)
		return;
	*file->probes = probes;
	err = placement_attach_copies(a->tracker, file, fd, a->by_memory && !a->all_probes);
	if (attached(a, err)) {
		free(file->probes);
		file->probes = NULL;
		return;
	}
	a->copies += probes.copies;
}

static struct attached_file *file_for(struct attachments *a, int fd, pid_t pid)
{
	struct attached_key key;
	struct attached_file *file;

	memset(&key, 0, sizeof(key));
	if (file_identity_read(fd, &key.file))
		return NULL;
	key.pid = pid;
	key.all_probes = a->all_probes;
	file = attached_files_find(&a->files, &key);
	if (file)
		return file;
	file = attached_files_add(&a->files, &key);
	if (file) {
		attach_copies(a, file, fd);
		attached_files_hold(&a->files, file);
	}
	return file;
}

static void add_linker(struct attachments *a, struct attached_file *file, int fd)
{
	int err = placement_attach_linker(a->tracker, file, fd);

	file->is_linker = true;
	if (err != -ENOENT && err != -EBADMSG && err != -EFBIG)
		attached(a, err);
	attached_files_hold(&a->files, file);
}

/* By its name: one that was started itself, with the program as its argument. */
static bool has_linker_name(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	return strncmp(name, "ld-", 3) == 0 || strncmp(name, "ld.so", 5) == 0 ||
	       strncmp(name, "ld64.so", 7) == 0 || strncmp(name, "libc.musl", 9) == 0;
}

static bool is_linker(const struct mappings *mappings, const struct mapped_file *mapped)
{
	return (size_t)(mapped - mappings->file) == mappings->linker ||
	       has_linker_name(mapped->path);
}

/* Tells of the copies of the library in a file that the process maps. */
static size_t tell_copies(const struct scan *scan, const struct attached_file *file,
			  const struct mapped_file *mapped, int fd)
{
	const struct mapped_range *range = &scan->mappings.range[mapped->range];
	uint64_t bias;

	if (!file->probes || elf_load_bias(fd, range->start, range->offset, &bias))
		return 0;
	for (size_t i = 0; i < file->probes->copies; i++)
		scan->fn(scan->arg, scan->pid, file->probes->copy[i].state + bias);
	return file->probes->copies;
}

static size_t scan_file(const struct scan *scan, const struct mapped_file *mapped)
{
	struct attachments *a = scan->attachments;
	int fd = mapping_open(scan->pid, &scan->mappings, mapped);
	struct attached_file *file;
	size_t copies = 0;

	if (fd < 0)
		return 0;
	file = file_for(a, fd, a->each_process || a->all_probes ? scan->pid : 0);
	if (file && !file->is_linker && is_linker(&scan->mappings, mapped))
		add_linker(a, file, fd);
	if (file)
		copies = tell_copies(scan, file, mapped, fd);
	close(fd);
	return copies;
}

int attachments_scan(struct attachments *a, pid_t pid, attachments_copy_fn fn, void *arg)
{
	struct scan scan = {.attachments = a, .pid = pid, .fn = fn, .arg = arg};
	int err = mappings_read(pid, &scan.mappings);
	size_t copies = 0;

	for (size_t i = 0; !err && i < scan.mappings.files; i++)
		copies += scan_file(&scan, &scan.mappings.file[i]);
	mappings_free(&scan.mappings);
	return err ? err : (int)copies;
}

int attachments_scan_by_probes(struct attachments *a, pid_t pid, attachments_copy_fn fn, void *arg)
{
	int copies;

	a->all_probes = true;
	copies = attachments_scan(a, pid, fn, arg);
	a->all_probes = false;
	return copies;
}

static void add_path(void *attachments, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return;
	file_for(attachments, fd, 0);
	close(fd);
}

void attachments_add_usual(struct attachments *a)
{
	usual_files_each(add_path, a);
}
