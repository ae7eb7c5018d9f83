/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which processes map which of the files that are attached to, as far as they were scanned. Not
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
	int pidfd; /* of one that maps a copy of the library: tells of its end; or -1 */
	struct attached_file **file;
	size_t files;
	bool listed;         /* the last listing has it */
	unsigned char blind; /* what was done about a copy that does not see us: see liveness.c */
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
 * What a scan of a process found: the files that it maps, all that are held, in one of the two ways
 * in which a process can be attached to. What is known of the other way stays.
 */
struct file_user_scan {
	pid_t pid;
	bool all_probes;
	struct attached_file **file;
	size_t files;
	size_t room;
};

/*
 * The process maps these files and no others: their counts of users change, and those that have
 * none any more get the time from which on that is so. Returns NULL if there is no memory: then
 * nothing changes.
 */
struct file_user *file_users_set(struct file_users *users, const struct file_user_scan *scan);

/* The process is no more. */
void file_users_drop(struct file_users *users, struct file_user *user);
void file_users_drop_all(struct file_users *users);

/* The file is to be nobody's: passes each of its users to @fn. */
void file_users_leave(struct file_users *users, struct attached_file *file,
		      void (*fn)(void *arg, pid_t pid), void *arg);

/* Each user of the file. */
void file_users_each(const struct file_users *users, const struct attached_file *file,
		     void (*fn)(void *arg, pid_t pid), void *arg);

/* To drop those that are not in a listing of processes: begin, list each, end. */
void file_users_begin_listing(struct file_users *users);
/* Returns whether the process is known. */
bool file_users_list(struct file_users *users, pid_t pid);
void file_users_end_listing(struct file_users *users);

#endif /* FLIGHTREC_FILE_USERS_H */
