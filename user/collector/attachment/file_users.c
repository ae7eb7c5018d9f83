// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/file_users.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/attachment/attached_files.h"
#include "collector/base/clock.h"

#define PURGE_MIN 1024

struct file_user *file_users_find(const struct file_users *users, pid_t pid)
{
	struct file_user *user;

	HASH_FIND(hh, users->table, &pid, sizeof(pid), user);
	return user;
}

static void use(struct attached_file *file)
{
	file->users++;
}

static void unuse(struct file_users *users, struct attached_file *file)
{
	if (--file->users)
		return;
	file->unused_ns = clock_ns(CLOCK_MONOTONIC);
	users->left = true;
}

static void leave_files(struct file_users *users, struct file_user *user)
{
	for (size_t i = 0; i < user->files; i++)
		unuse(users, user->file[i]);
	user->files = 0;
}

void file_users_drop(struct file_users *users, struct file_user *user)
{
	leave_files(users, user);
	if (user->pidfd >= 0)
		close(user->pidfd);
	HASH_DEL(users->table, user);
	free(user->file);
	free(user);
}

void file_users_drop_all(struct file_users *users)
{
	struct file_user *user, *next;

	HASH_ITER(hh, users->table, user, next)
	{
		file_users_drop(users, user);
	}
}

/* Nobody tells of the end of one that maps a dynamic linker alone. */
static void purge(struct file_users *users)
{
	struct file_user *user, *next;

	HASH_ITER(hh, users->table, user, next)
	{
		if (kill(user->pid, 0) && errno == ESRCH)
			file_users_drop(users, user);
	}
	users->purge_at = HASH_COUNT(users->table) * 2;
	if (users->purge_at < PURGE_MIN)
		users->purge_at = PURGE_MIN;
}

static struct file_user *add(struct file_users *users, pid_t pid)
{
	struct file_user *user = calloc(1, sizeof(*user));

	if (!user)
		return NULL;
	if (HASH_COUNT(users->table) >= users->purge_at)
		purge(users);
	user->pid = pid;
	user->pidfd = -1;
	HASH_ADD(hh, users->table, pid, sizeof(user->pid), user);
	return user;
}

/* Without a pidfd, a listing will show that it has ended. */
static void wait_for_end(const struct file_users *users, struct file_user *user)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)user->pid};

	if (user->pidfd >= 0)
		return;
	user->pidfd = (int)syscall(SYS_pidfd_open, user->pid, 0);
	if (user->pidfd < 0)
		return;
	if (epoll_ctl(users->epoll_fd, EPOLL_CTL_ADD, user->pidfd, &event)) {
		close(user->pidfd);
		user->pidfd = -1;
	}
}

struct file_user *file_users_set(struct file_users *users, const struct file_user_scan *scan)
{
	struct file_user *user = file_users_find(users, scan->pid);
	size_t before = user ? user->files : 0, files = 0;
	struct attached_file **file =
		calloc(before + scan->files + 1, sizeof(struct attached_file *));

	user = user || !file ? user : add(users, scan->pid);
	if (!user || !file) {
		free(file);
		return NULL;
	}
	for (size_t i = 0; i < before; i++) {
		if (user->file[i]->key.all_probes != scan->all_probes)
			file[files++] = user->file[i];
	}
	for (size_t i = 0; i < scan->files; i++)
		file[files++] = scan->file[i];
	/* First, so that files it still has are not unused in between. */
	for (size_t i = 0; i < files; i++)
		use(file[i]);
	leave_files(users, user);
	free(user->file);
	user->file = file;
	user->files = files;
	user->listed = true;
	for (size_t i = 0; i < files; i++) {
		if (file[i]->probes)
			wait_for_end(users, user);
	}
	return user;
}

static bool take_file(struct file_user *user, const struct attached_file *file)
{
	size_t kept = 0;

	for (size_t i = 0; i < user->files; i++) {
		if (user->file[i] != file)
			user->file[kept++] = user->file[i];
	}
	if (kept == user->files)
		return false;
	user->files = kept;
	return true;
}

void file_users_leave(struct file_users *users, struct attached_file *file,
		      void (*fn)(void *arg, pid_t pid), void *arg)
{
	struct file_user *user, *next;

	HASH_ITER(hh, users->table, user, next)
	{
		if (take_file(user, file))
			fn(arg, user->pid);
	}
	file->users = 0;
}

void file_users_each(const struct file_users *users, const struct attached_file *file,
		     void (*fn)(void *arg, pid_t pid), void *arg)
{
	struct file_user *user;

	for (user = users->table; user; user = user->hh.next) {
		for (size_t i = 0; i < user->files; i++) {
			if (user->file[i] == file)
				fn(arg, user->pid);
		}
	}
}

void file_users_begin_listing(struct file_users *users)
{
	struct file_user *user;

	for (user = users->table; user; user = user->hh.next)
		user->listed = false;
}

bool file_users_list(struct file_users *users, pid_t pid)
{
	struct file_user *user = file_users_find(users, pid);

	if (user)
		user->listed = true;
	return user;
}

void file_users_end_listing(struct file_users *users)
{
	struct file_user *user, *next;

	HASH_ITER(hh, users->table, user, next)
	{
		if (!user->listed)
			file_users_drop(users, user);
	}
}
