// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/attached_files.h"

#include <stdlib.h>

static struct attached_file *find(const struct attached_files *files,
				  const struct attached_key *key)
{
	struct attached_file *file;

	HASH_FIND(hh, files->table, key, sizeof(*key), file);
	return file;
}

struct attached_file *attached_files_find(const struct attached_files *files,
					  const struct attached_key *key)
{
	struct attached_key held = *key;
	struct attached_file *file;

	held.file = file_identity_held(&key->file);
	file = find(files, &held);
	return file ? file : find(files, key);
}

static void forget_plain(struct attached_files *files)
{
	struct attached_file *file, *next;

	for (file = files->table; file; file = next) {
		next = attached_files_next(files, file);
		if (!file->held)
			attached_files_remove(files, file);
	}
}

struct attached_file *attached_files_add(struct attached_files *files,
					 const struct attached_key *key)
{
	struct attached_file *file;

	if (files->plain >= ATTACHED_FILES_PLAIN_MAX)
		forget_plain(files);
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->key = *key;
	HASH_ADD(hh, files->table, key, sizeof(file->key), file);
	files->plain++;
	return file;
}

void attached_files_hold(struct attached_files *files, struct attached_file *file)
{
	if (file->held || !file->links.count)
		return;
	files->plain--;
	file->held = true;
	HASH_DEL(files->table, file);
	file->key.file = file_identity_held(&file->key.file);
	HASH_ADD(hh, files->table, key, sizeof(file->key), file);
}

void attached_files_remove(struct attached_files *files, struct attached_file *file)
{
	files->plain -= !file->held;
	HASH_DEL(files->table, file);
	free(file->probes);
	free(file);
}

struct attached_file *attached_files_next(const struct attached_files *files,
					  const struct attached_file *file)
{
	return file ? file->hh.next : files->table;
}
