// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/attaching.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/attachment/attachments.h"
#include "collector/attachment/departures.h"
#include "collector/attachment/descriptor_share.h"
#include "collector/attachment/file_lease.h"
#include "collector/attachment/probe_placement.h"
#include "collector/target/elf_stripped.h"

void attaching_problem(struct attachments *a, const struct attaching *met, const char *why)
{
	snprintf(a->problem, sizeof(a->problem), "%s", why);
	if (a->tell && met->pid)
		message_limited(&a->not_attached, "process %d is not watched%s%s: %s", met->pid,
				met->path ? " in " : "", met->path ? met->path : "", why);
}

static void attach_failed(struct attachments *a, const struct attaching *met, int err)
{
	const char *hint = "";
	char why[128];

	if (err == -EACCES || err == -EPERM)
		hint = ": this kernel wants CAP_SYS_ADMIN for it";
	else if (err == -EMFILE)
		hint = ": raise the limit (ulimit -n)";
	snprintf(why, sizeof(why), "cannot attach a uprobe: %s%s", strerror(-err), hint);
	attaching_problem(a, met, why);
}

/* What is missing now may be there the next time. */
static bool may_pass(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM;
}

static void take_lease(struct attached_file *file, int fd)
{
	if (file->lease >= 0)
		return;
	file->lease_error = file_lease_take(fd);
	if (file->lease_error)
		return;
	file->lease = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (file->lease < 0)
		file_lease_give_back(fd);
}

static void drop_lease(struct attached_file *file, int fd)
{
	if (file->lease < 0)
		return;
	file_lease_give_back(fd);
	close(file->lease);
	file->lease = -1;
}

/* Whether somebody has it open for writing: then it is no place for probes until that is over. */
static bool must_wait(struct attachments *a, struct attached_file *file, int fd)
{
	if (file->lease >= 0 || file->lease_error != -EAGAIN)
		return false;
	file->lease = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (file->lease < 0)
		return false;
	departures_wait(a, file);
	return true;
}

/* One user may not take all descriptors. */
static bool has_share(struct attachments *a, struct attached_file *file,
		      const struct attaching *met)
{
	file->uid = descriptor_share_user(met->pid);
	if (descriptor_share_left(&a->files, file->uid))
		return true;
	attaching_problem(a, met,
			  "its user has all the descriptors that can be spared: raise the limit "
			  "(ulimit -n)");
	return false;
}

/* It is not a problem of ours, and what it has in memory can be read. */
static void note_stripped(struct attachments *a, const struct attaching *met)
{
	a->stripped = true;
	if (a->tell && met->pid)
		message_limited(&a->not_attached,
				"process %d is not watched in %s: it has probes, but their notes "
				"(.note.stapsdt) were removed, as llvm-strip does",
				met->pid, met->path);
}

/* Looks through the file, for the second time when nobody can write to it meanwhile. */
static int find_probes(struct attached_file *file, int fd, struct elf_probes *probes)
{
	int err = elf_probes_find(fd, probes);

	if (err)
		return err;
	take_lease(file, fd);
	return file->lease >= 0 ? elf_probes_find(fd, probes) : 0;
}

/* Returns 0, also if there is nothing to attach to; or a negative errno. */
static int attach_copies(struct attachments *a, struct attached_file *file,
			 const struct attaching *met)
{
	struct elf_probes probes;
	int err = find_probes(file, met->fd, &probes);

	if (err == -EBADMSG)
		attaching_problem(a, met, elf_reason_text(probes.reason));
	if (err == -ENOENT && elf_stripped_of_notes(met->fd))
		note_stripped(a, met);
	if (err)
		return may_pass(err) ? err : 0;
	/* Without a lease probes are in a file only while somebody maps it. */
	if (met->usual && file->lease < 0 && file->lease_error != -EAGAIN)
		return -EPERM;
	file->probes = malloc(sizeof(*file->probes));
	if (!file->probes)
		return -ENOMEM;
	*file->probes = probes;
	if (must_wait(a, file, met->fd))
		return 0;
	if (!has_share(a, file, met))
		return -EMFILE;
	err = placement_attach_copies(a->options.tracker, file, met->fd,
				      a->options.by_memory && !a->all_probes);
	if (!err) {
		a->copies += probes.copies;
		return 0;
	}
	free(file->probes);
	file->probes = NULL;
	attach_failed(a, met, err);
	return may_pass(err) ? err : 0;
}

static void attach_linker(struct attachments *a, struct attached_file *file,
			  const struct attaching *met)
{
	int err;

	if (!has_share(a, file, met))
		return;
	file->is_linker = true;
	take_lease(file, met->fd);
	if (must_wait(a, file, met->fd))
		return;
	err = placement_attach_linker(a->options.tracker, file, met->fd);
	if (err && err != -ENOENT && err != -EBADMSG && err != -EFBIG)
		attach_failed(a, met, err);
}

/* Attaches to what the file is, if it is not done. Returns whether the file is known now. */
static bool attach(struct attachments *a, struct attached_file *file, const struct attaching *met,
		   bool is_new)
{
	int err = is_new ? attach_copies(a, file, met) : 0;

	if (!err && met->linker && !file->is_linker && file->state == FILE_ATTACHED)
		attach_linker(a, file, met);
	if (!file->links.count && file->state == FILE_ATTACHED)
		drop_lease(file, met->fd);
	attached_files_hold(&a->files, file);
	if (err && !file->held) {
		attached_files_remove(&a->files, file);
		return false;
	}
	file->usual = file->usual || (met->usual && file->probes);
	return true;
}

struct attached_file *attaching_file(struct attachments *a, const struct attaching *met)
{
	struct attached_key key;
	struct attached_file *file;
	bool is_new;

	memset(&key, 0, sizeof(key));
	if (file_identity_read(met->fd, &key.file))
		return NULL;
	key.pid = a->options.each_process || a->all_probes ? met->pid : 0;
	key.all_probes = a->all_probes;
	file = attached_files_find(&a->files, &key);
	if (file && file->state == FILE_WAITING)
		departures_retry(a, file);
	if (file && file->state != FILE_ATTACHED)
		return file;
	is_new = !file;
	if (is_new)
		file = attached_files_add(&a->files, &key);
	return file && attach(a, file, met, is_new) ? file : NULL;
}
