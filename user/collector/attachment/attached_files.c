// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/attached_files.h"

#include <stdlib.h>
#include <unistd.h>

#include "collector/base/clock.h"

struct attached_file *attached_files_find(const struct attached_files *files,
					  const struct attached_key *key)
{
	struct attached_key held = *key;
	struct attached_file *file;

	held.file = file_identity_held(&key->file);
	HASH_FIND(hh, files->held, &held, sizeof(held), file);
	if (!file)
		HASH_FIND(hh, files->plain, key, sizeof(*key), file);
	return file;
}

struct attached_file *attached_files_add(struct attached_files *files,
					 const struct attached_key *key)
{
	struct attached_file *file;

	if (HASH_COUNT(files->plain) >= ATTACHED_FILES_PLAIN_MAX)
		attached_files_forget_plain(files);
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->key = *key;
	file->lease = -1;
	file->unused_ns = clock_ns(CLOCK_MONOTONIC);
	HASH_ADD(hh, files->plain, key, sizeof(file->key), file);
	return file;
}

void attached_files_hold(struct attached_files *files, struct attached_file *file)
{
	if (file->held || (!file->links.count && file->state == FILE_ATTACHED))
		return;
	HASH_DEL(files->plain, file);
	file->held = true;
	file->key.file = file_identity_held(&file->key.file);
	HASH_ADD(hh, files->held, key, sizeof(file->key), file);
}

static void drop(struct attached_file **list, struct attached_file *file)
{
	HASH_DEL(*list, file);
	if (file->lease >= 0)
		close(file->lease);
	free(file->probes);
	free(file);
}

void attached_files_remove(struct attached_files *files, struct attached_file *file)
{
	drop(file->held ? &files->held : &files->plain, file);
}

struct attached_file *attached_files_next(const struct attached_files *files,
					  const struct attached_file *file)
{
	return file ? file->hh.next : files->held;
}

void attached_files_forget_plain(struct attached_files *files)
{
	while (files->plain)
		drop(&files->plain, files->plain);
}
