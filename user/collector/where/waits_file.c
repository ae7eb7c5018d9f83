// SPDX-License-Identifier: BSD-2-Clause
/* What descriptors are that a thread waits for, and who has the locks of files. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/where/syscall_text.h"
#include "collector/where/waits.h"

/* Of an epoll set so many are named. */
#define NAMED_MAX 4
/* Locks of the whole host that are looked through. */
#define LOCKS_MAX 20000

static void path_of(const struct waits *waits, const char *folder, int fd, char *path, size_t size)
{
	snprintf(path, size, "/proc/%d/task/%d/%s/%d", waits->pid, waits->where->thread.tid, folder,
		 fd);
}

/* Returns whether it is open; @name as the kernel shows it, such as "socket:[123]" or a path. */
static bool read_name(const struct waits *waits, int fd, char *name, size_t size)
{
	char path[64];
	ssize_t got;

	path_of(waits, "fd", fd, path, sizeof(path));
	got = readlink(path, name, size - 1);
	name[got > 0 ? got : 0] = '\0';
	return got > 0;
}

/*
 * The kind for JSON, and in what words people read it. By the name alone: to stat() a file of a
 * server that is gone would hang us as well.
 */
static const char *kind_of(const char *name, const char **text)
{
	static const struct {
		const char *prefix, *kind, *text;
	} kinds[] = {
		{"socket:[", "socket", "a socket"},
		{"pipe:[", "pipe", "a pipe"},
		{"anon_inode:[eventpoll]", "epoll", "an epoll set"},
		{"anon_inode:[timerfd]", "time", "a timerfd"},
		{"anon_inode:[eventfd", "file", "an eventfd"},
		{"anon_inode:inotify", "file", "inotify"},
		{"/dev/pts/", "terminal", NULL},
		{"/dev/tty", "terminal", NULL},
	};

	*text = NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
			continue;
		*text = kinds[i].text;
		return kinds[i].kind;
	}
	return "file";
}

static void say_name(struct waits *waits, int fd)
{
	char name[PATH_MAX];
	const char *text;

	if (!read_name(waits, fd, name, sizeof(name)))
		return;
	kind_of(name, &text);
	if (text)
		waits_say(waits, "%s", text);
	else
		waits_say(waits, "%.200s", name);
}

/* What is in an epoll set. */
static void say_members(struct waits *waits, int fd)
{
	unsigned int n = 0;
	char path[64], line[256];
	FILE *file;
	int member;

	path_of(waits, "fdinfo", fd, path, sizeof(path));
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "tfd: %d", &member) != 1)
			continue;
		if (++n > NAMED_MAX)
			continue;
		waits_say(waits, "%s%d (", n == 1 ? " for " : ", ", member);
		say_name(waits, member);
		waits_say(waits, ")");
	}
	if (file)
		fclose(file);
	if (n > NAMED_MAX)
		waits_say(waits, " and %u more", n - NAMED_MAX);
	if (!n)
		waits_say(waits, ", which has no descriptors");
}

void waits_for_file(struct waits *waits, int fd)
{
	char name[PATH_MAX];
	const char *text;

	waits_say(waits, "in ");
	syscall_text_put(&waits->text, &waits->where->record);
	if (!read_name(waits, fd, name, sizeof(name)))
		return;
	waits->found->fd = fd;
	waits->found->object = arena_string(&waits->where->arena, name, sizeof(name));
	waits->found->kind = kind_of(name, &text);
	if (strcmp(waits->found->kind, "epoll") == 0) {
		say_members(waits, fd);
		return;
	}
	waits_say(waits, " of %.200s", text ? text : name);
	if (strcmp(waits->found->kind, "pipe") == 0)
		waits_for_pipe(waits, name);
	else if (strcmp(waits->found->kind, "socket") == 0)
		waits_for_socket(waits, name);
}

/* ---- locks ---- */

/* A file, as the kernel counts. */
struct file_number {
	unsigned int major, minor;
	unsigned long inode;
};

/* A number behind a word at the beginning of a line of /proc/PID/.../fdinfo/FD. */
static bool read_info(const struct waits *waits, int fd, const char *format, unsigned long *number)
{
	char path[64], line[256];
	bool found = false;
	FILE *file;

	path_of(waits, "fdinfo", fd, path, sizeof(path));
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, format, number) == 1;
	if (file)
		fclose(file);
	return found;
}

/* The device is that of the mount: on some file systems, stat() tells another one. */
static bool find_number(const struct waits *waits, int fd, struct file_number *number)
{
	unsigned long mount, id;
	char path[64], *line = NULL;
	bool found = false;
	size_t room = 0;
	FILE *mounts;

	if (!read_info(waits, fd, "ino: %lu", &number->inode) ||
	    !read_info(waits, fd, "mnt_id: %lu", &mount))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", waits->pid);
	mounts = fopen(path, "re");
	while (mounts && !found && getline(&line, &room, mounts) > 0)
		found = sscanf(line, "%lu %*u %u:%u", &id, &number->major, &number->minor) == 3 &&
			id == mount;
	if (mounts)
		fclose(mounts);
	free(line);
	return found;
}

/* Who has a lock of a file, of the kind that the call is about; 0: nobody is found. */
static pid_t lock_holder(const struct file_number *file, bool is_flock)
{
	char line[256], kind[16];
	FILE *locks = fopen("/proc/locks", "re");
	struct file_number of;
	unsigned int looked_at = 0;
	int pid, found = 0;

	/* "1: FLOCK  ADVISORY  WRITE 123 08:01:456 0 EOF"; those that wait have "->" in front. */
	while (locks && !found && looked_at++ < LOCKS_MAX && fgets(line, sizeof(line), locks)) {
		if (sscanf(line, "%*d: %15s %*s %*s %d %x:%x:%lu", kind, &pid, &of.major, &of.minor,
			   &of.inode) != 5)
			continue;
		if (of.inode == file->inode && of.major == file->major && of.minor == file->minor &&
		    (strcmp(kind, "FLOCK") == 0) == is_flock && pid > 0)
			found = pid;
	}
	if (locks)
		fclose(locks);
	return found;
}

/* The two that wait, of many that do not. */
static bool waits_for_a_lock(const struct waits *waits, bool is_flock)
{
	uint64_t command = waits->where->record.arg[1];

	return is_flock || command == F_SETLKW || command == F_OFD_SETLKW;
}

void waits_for_lock(struct waits *waits, int fd)
{
	bool is_flock = strcmp(syscall_text(&waits->where->record).name, "flock") == 0;
	struct file_number file;
	char name[PATH_MAX];
	pid_t holder;

	if (!waits_for_a_lock(waits, is_flock)) {
		waits_for_file(waits, fd);
		return;
	}
	waits->found->kind = "lock";
	waits->found->fd = fd;
	waits_say(waits, "in ");
	syscall_text_put(&waits->text, &waits->where->record);
	if (read_name(waits, fd, name, sizeof(name))) {
		waits->found->object = arena_string(&waits->where->arena, name, sizeof(name));
		waits_say(waits, " for the lock of %.200s", name);
	}
	holder = find_number(waits, fd, &file) ? lock_holder(&file, is_flock) : 0;
	if (!holder)
		return;
	waits_say(waits, " held by ");
	waits_say_process(waits, holder, true);
	waits_say_doing(waits, holder);
}
