/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which processes map which of the files that we attached to, as far as processes were scanned. Not
 * thread-safe.
 */
#ifndef FLIGHTREC_FILE_USERS_H
#define FLIGHTREC_FILE_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <uthash.h>

struct attached_file;

struct file_user {
	pid_t pid;
	int pidfd; /* if it maps a copy of the library: to notice its end; else -1 */
	struct attached_file **file;
	size_t files;
	bool listed;         /* the last listing has it */
	unsigned char blind; /* what was done about a copy that does not see us; see liveness.c */
	uint64_t blind_ns;   /* and when to go on with that */
	UT_hash_handle hh;
};

struct file_users {
	struct file_user *table;
	int epoll_fd;          /* the pidfds are added to it, with the pid as data */
	unsigned int purge_at; /* so many are known when it is looked which of them still live */
	bool left; /* a file has no users any more; whoever looks after those resets it */
};

struct file_user *file_users_find(const struct file_users *users, pid_t pid);

/*
 * What a scan of a process found: all held files that it maps, in one of the two ways in which a
 * process can be attached to. What is known about the other way stays.
 */
struct file_user_scan {
	pid_t pid;
	bool all_probes;
	struct attached_file **file;
	size_t files;
	size_t room;
};

/*
 * The process maps these files and no others. Updates their counts of users, and for files without
 * users the time since when. Returns NULL, and changes nothing, if there is no memory.
 */
struct file_user *file_users_set(struct file_users *users, const struct file_user_scan *scan);

/* The process is gone. */
void file_users_drop(struct file_users *users, struct file_user *user);
void file_users_drop_all(struct file_users *users);

/* Takes the file from all its users, passing each of them to @fn. */
void file_users_leave(struct file_users *users, struct attached_file *file,
		      void (*fn)(void *arg, pid_t pid), void *arg);

/* Passes each user of the file to @fn. */
void file_users_each(const struct file_users *users, const struct attached_file *file,
		     void (*fn)(void *arg, pid_t pid), void *arg);

/* Drop the processes that are not in a listing: begin, list each one, end. */
void file_users_begin_listing(struct file_users *users);
/* Returns whether the process is known. */
bool file_users_list(struct file_users *users, pid_t pid);
void file_users_end_listing(struct file_users *users);

#endif /* FLIGHTREC_FILE_USERS_H */
