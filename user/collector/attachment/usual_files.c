// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/usual_files.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libflightrec.so.0"

struct passing {
	void (*fn)(void *arg, const char *path);
	void *arg;
};

static void pass_directory(const struct passing *p, const char *directory, size_t length)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.*s/%s", (int)length, directory, LIBRARY);
	p->fn(p->arg, path);
}

/* The library is where this command is installed, or was built. */
static void pass_beside_command(const struct passing *p)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 8);
	char *slash;

	if (length <= 0)
		return;
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return;
	pass_directory(p, path, (size_t)(slash - path));
	strcpy(slash, "/../lib");
	pass_directory(p, path, strlen(path));
}

void usual_files_each(void (*fn)(void *arg, const char *path), void *arg)
{
	static const char *const usual[] = {"/usr/local/lib", "/usr/lib", "/usr/lib64",
					    "/usr/lib/x86_64-linux-gnu",
					    "/usr/lib/aarch64-linux-gnu"};
	const char *path = getenv("LD_LIBRARY_PATH");
	const struct passing p = {fn, arg};

	pass_beside_command(&p);
	while (path && *path) {
		size_t length = strcspn(path, ":;");

		if (length)
			pass_directory(&p, path, length);
		path += length + (path[length] != '\0');
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		pass_directory(&p, usual[i], strlen(usual[i]));
}
