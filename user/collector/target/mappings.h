/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that a process has mapped for execution, read from /proc/PID/maps. mapping_open.h opens
 * them.
 *
 * Names are hostile: they may contain any byte except NUL (the kernel writes a newline as "\012"),
 * and the process decides how many mappings there are. Work is linear in that number, and memory is
 * bounded. A caller that must not confuse one process with another checks its start time before and
 * after.
 */
#ifndef FLIGHTREC_MAPPINGS_H
#define FLIGHTREC_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Distinct files, and executable ranges, beyond these numbers are counted and left out. */
#define MAPPINGS_FILES_MAX 8192
#define MAPPINGS_RANGES_MAX (1u << 20)

/* One line of /proc/PID/maps. */
struct mapping {
	uint64_t start;
	uint64_t end;
	uint64_t offset; /* in the file, of start */
	uint64_t inode;  /* 0: no file */
	unsigned major;  /* the device as the kernel's file system knows it; see mapping_open.h */
	unsigned minor;
	bool executable;
	const char *path; /* points into the parsed line; "" if there is none */
};

/* One executable mapping of a file. */
struct mapped_range {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	size_t next; /* index in range[] of the file's next one; MAPPINGS_NONE: last */
};
#define MAPPINGS_NONE SIZE_MAX

struct mapped_file {
	uint64_t inode;
	unsigned major;
	unsigned minor;
	size_t range; /* index in range[] of the first, by address */
	size_t last_range;
	bool deleted; /* the path says so, or the name really ends that way */
	char *path;   /* as the kernel shows it, including " (deleted)"; owned */
};

struct mappings {
	struct mapped_file *file; /* in the order of their first executable mapping */
	size_t files;
	struct mapped_range *range; /* ordered by address */
	size_t ranges;
	size_t linker;    /* index in file[] of the dynamic linker; MAPPINGS_NONE: unknown */
	size_t left_out;  /* executable mappings beyond a limit */
	size_t malformed; /* lines that could not be parsed */
	size_t *bucket_;  /* private: hash table of files */
	size_t buckets_;
	size_t file_room_;
	size_t range_room_;
};

/* Parses one NUL-terminated line without its newline. Returns 0 or -EINVAL. */
int mapping_parse(const char *line, struct mapping *out);

/*
 * Reads the executable file mappings of process @pid, and finds out which file is its dynamic
 * linker: the program names it (PT_INTERP), and it may have any name. Returns 0; -ESRCH if there is
 * no such process; -EACCES or -EPERM if it is not allowed; -ENOMEM; or another negative errno. Call
 * mappings_free() even after an error.
 */
int mappings_read(pid_t pid, struct mappings *out);

/* The same from a descriptor, which is read to its end. The dynamic linker stays unknown. */
int mappings_read_fd(int fd, struct mappings *out);

/* May be called on zeroed or freed mappings. */
void mappings_free(struct mappings *mappings);

#endif /* FLIGHTREC_MAPPINGS_H */
