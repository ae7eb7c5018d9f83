// SPDX-License-Identifier: BSD-2-Clause
#include "cli/span_options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/base/message.h"

#define PACK_SUFFIX ".spans"

/* Beside the command: where it is installed, and in its tree. */
static const char *const folders[] = {"../share/flightrec/packs", "../user/packs"};
#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

/* Where this command is, with a slash at the end; or "". */
static void own_folder(char *to, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", to, size - 1);
	char *slash;

	to[length > 0 ? length : 0] = '\0';
	slash = strrchr(to, '/');
	if (slash)
		slash[1] = '\0';
	else
		to[0] = '\0';
}

int span_options_folder(size_t which, char *path, size_t size)
{
	char own[PATH_MAX];
	int length;

	if (which >= FOLDERS)
		return -ENOENT;
	own_folder(own, sizeof(own));
	length = snprintf(path, size, "%s%s", own, folders[which]);
	return length > 0 && (size_t)length < size ? 0 : -ENAMETOOLONG;
}

int span_options_find(const char *name, char *path, size_t size)
{
	char folder[PATH_MAX];

	if (strchr(name, '/') || strchr(name, '.')) {
		snprintf(path, size, "%s", name);
		return access(path, R_OK) ? -errno : 0;
	}
	for (size_t i = FOLDERS; i--;) {
		int length;

		if (span_options_folder(i, folder, sizeof(folder)))
			continue;
		length = snprintf(path, size, "%s/%s%s", folder, name, PACK_SUFFIX);
		if (length > 0 && (size_t)length < size && access(path, R_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

static int add_text(const struct options *o, struct span_set *set, const char *text, size_t size,
		    const char *where)
{
	struct span_error error;
	int err = span_set_parse(set, text, size, &error);

	if (err == -ENOMEM) {
		message("no memory for the spans of %s", where);
		return EXIT_FAILED;
	}
	if (!err)
		return 0;
	message_from(o->command->name, "%s:%u:%u: %s", where, error.line, error.column, error.text);
	return EXIT_USAGE;
}

static int add_pack(const struct options *o, struct span_set *set, const char *name)
{
	char path[PATH_MAX], *text;
	ssize_t size;
	int err = span_options_find(name, path, sizeof(path)), fd;

	if (err)
		return usage_error(o->command, "--pack: there is no '%s': %s", name,
				   strerror(-err));
	text = malloc(SPAN_TEXT_MAX + 1);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size = fd < 0 || !text ? -1 : read(fd, text, SPAN_TEXT_MAX + 1);
	if (size < 0)
		err = usage_error(o->command, "--pack: cannot read %s: %s", path, strerror(errno));
	else
		err = add_text(o, set, text, (size_t)size, path);
	if (fd >= 0)
		close(fd);
	free(text);
	return err;
}

int span_options_load(const struct options *o, struct span_set *set)
{
	int err = 0;

	*set = (struct span_set){0};
	for (size_t i = 0; i < o->n_spans && !err; i++) {
		const struct span_option *option = &o->spans[i];

		err = option->is_pack ? add_pack(o, set, option->text)
				      : add_text(o, set, option->text, strlen(option->text), "-s");
	}
	return err;
}
