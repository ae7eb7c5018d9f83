/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that a process has mapped for execution, from /proc/PID/maps, and the way to open
 * the very file behind a mapping.
 *
 * Names are hostile: they may hold any byte but NUL (the kernel writes a newline as "\012"), and
 * the process chooses how many mappings there are. Work is linear in that number, memory bounded.
 * A caller that must not mistake one process for another checks its start time around this.
 */
#ifndef FLIGHTREC_MAPPINGS_H
#define FLIGHTREC_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* More different files than this, or more executable ranges, are counted and left out. */
#define MAPPINGS_FILES_MAX 8192
#define MAPPINGS_RANGES_MAX (1u << 20)

/* One line of /proc/PID/maps. */
struct mapping {
	uint64_t start;
	uint64_t end;
	uint64_t offset; /* in the file, of start */
	uint64_t inode;  /* 0: no file */
	unsigned major;  /* device, as the kernel's file system knows it; see mapping_open() */
	unsigned minor;
	bool executable;
	const char *path; /* in the line parsed; "" if there is none */
};

/* One executable mapping of a file. */
struct mapped_range {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	size_t next; /* of the same file, index into range[]; MAPPINGS_NONE: the last */
};
#define MAPPINGS_NONE SIZE_MAX

struct mapped_file {
	uint64_t inode;
	unsigned major;
	unsigned minor;
	size_t range; /* the first, by address; index into range[] */
	size_t last_range;
	bool deleted; /* the path says so; or it really ends that way */
	char *path;   /* as the kernel shows it, " (deleted)" included; owned */
};

struct mappings {
	struct mapped_file *file; /* in the order of their first executable mapping */
	size_t files;
	struct mapped_range *range; /* ordered by address */
	size_t ranges;
	size_t linker;    /* the dynamic linker, index into file[]; MAPPINGS_NONE: not known */
	size_t left_out;  /* executable mappings that exceeded a limit */
	size_t malformed; /* lines that could not be read */
	size_t *bucket_;  /* private: hash table of files */
	size_t buckets_;
	size_t file_room_;
	size_t range_room_;
};

/* Parses one line, NUL-terminated, without its newline. Returns 0 or -EINVAL. */
int mapping_parse(const char *line, struct mapping *out);

/*
 * Reads the executable mappings of files of process @pid, and which of them is its dynamic linker:
 * the program names it (PT_INTERP), and it may have any name.
 * Returns 0; -ESRCH: no such process; -EACCES, -EPERM: not allowed; -ENOMEM; another negative
 * errno. Release with mappings_free(), also after an error.
 */
int mappings_read(pid_t pid, struct mappings *out);

/* The same, from a descriptor that is read to its end; the linker is not known. */
int mappings_read_fd(int fd, struct mappings *out);

/* Zeroed, or freed already: does nothing. */
void mappings_free(struct mappings *mappings);

/*
 * Opens, for reading and close-on-exec, the regular file behind @file's first range in process
 * @pid, even if it is deleted, renamed or in another mount namespace. Never a device or a FIFO.
 *
 * /proc/PID/map_files needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE; without it, and for a file
 * whose range is gone, the path is tried and device and inode compared. On file systems with
 * devices of their own (overlayfs, btrfs) stat() and the mapping disagree about the device, so
 * the inode number alone decides there.
 *
 * Returns a descriptor; -ENOENT: the file cannot be reached; -EMFILE, -ENFILE, -ENOMEM.
 */
int mapping_open(pid_t pid, const struct mappings *mappings, const struct mapped_file *file);

#endif /* FLIGHTREC_MAPPINGS_H */
