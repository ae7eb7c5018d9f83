// SPDX-License-Identifier: BSD-2-Clause
#include "cli/children.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

void children_add(struct children *c, pid_t pid)
{
	if (c->count < CHILDREN_NAMED)
		c->pid[c->count] = pid;
	c->count++;
}

void children_text(const struct children *c, char *text, size_t size)
{
	size_t named = c->count < CHILDREN_NAMED ? c->count : CHILDREN_NAMED, used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < named && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%d",
					 !i                 ? ""
					 : i + 1 < c->count ? ", "
							    : " and ",
					 (int)c->pid[i]);
	if (c->count > named && used < size)
		snprintf(text + used, size - used, " and %zu more", c->count - named);
}

/* The children that one thread forked. */
static void read_children(pid_t pid, const char *thread, pid_t *list, size_t *count)
{
	char path[80];
	FILE *file;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", (int)pid, thread);
	file = fopen(path, "re");
	if (!file)
		return;
	while (*count < CHILDREN_MAX && fscanf(file, "%d", &child) == 1)
		list[(*count)++] = child;
	fclose(file);
}

static void read_all_children(pid_t pid, pid_t *list, size_t *count)
{
	char path[32];
	struct dirent *thread;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	if (!tasks)
		return;
	while ((thread = readdir(tasks))) {
		if (thread->d_name[0] != '.')
			read_children(pid, thread->d_name, list, count);
	}
	closedir(tasks);
}

void children_find(pid_t pid, bool (*fn)(void *arg, pid_t child), void *arg)
{
	pid_t *list = calloc(CHILDREN_MAX, sizeof(*list));
	size_t count = 0;

	if (!list)
		return;
	read_all_children(pid, list, &count);
	for (size_t i = 0; i < count && fn(arg, list[i]); i++)
		read_all_children(list[i], list, &count);
	free(list);
}
