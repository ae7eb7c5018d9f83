/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a process's memory log (format/memory_log.h): from a living process, from one that was
 * killed, or from a core file, through a function that reads a part of the region. What is read
 * is checked before it is used; a log that lies costs its own reports, and a bounded time.
 * Not thread-safe.
 */
#ifndef FLIGHTREC_TARGET_MEMORY_LOG_H
#define FLIGHTREC_TARGET_MEMORY_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/memory_log.h"

/* Reads @size bytes at @offset of the region. Returns 0 or a negative errno. */
typedef int (*memory_log_read_fn)(void *arg, uint64_t offset, void *to, size_t size);

struct memory_log {
	memory_log_read_fn read;
	void *arg;
	struct memory_header header; /* checked */
};

/*
 * Returns 0; -EBADMSG: it is no log, or not one of a version that is known; or what @read returned.
 */
int memory_log_open(struct memory_log *log, memory_log_read_fn read, void *arg);

/*
 * Hands every slot that is open to @fn, and with @closed those that were; a copy that may be
 * newer than the last one's. Stops when @fn returns not 0, and returns that.
 */
int memory_log_slots(struct memory_log *log, bool closed,
		     int (*fn)(void *arg, uint32_t slot, const struct memory_slot *copy),
		     void *arg);

/*
 * Copies at most @count slots from @first on that were ever in use, whatever their state. Returns
 * how many, 0 behind the last; or a negative errno.
 */
int memory_log_read_slots(struct memory_log *log, uint32_t first, uint32_t count,
			  struct memory_slot *to);

/* The deadline that the process told last, on its own CLOCK_MONOTONIC; 0: it could not be read. */
uint64_t memory_log_armed(struct memory_log *log);

/* How many recorders all threads opened, and how many entries they logged. Returns 0 or an error.
 */
int memory_log_count(struct memory_log *log, uint64_t *opened, uint64_t *entries);

/*
 * How many entries were logged to the recorder of a slot, as the sum that memory_log_recording()
 * would have for `total`, most often, at a fraction of the cost. Returns 0 or an error.
 */
int memory_log_entries(struct memory_log *log, const struct memory_slot *copy, uint64_t *total);

/* Copies slot @slot. Returns 0, -ENOENT: there is no such slot, or an error of reading. */
int memory_log_slot(struct memory_log *log, uint32_t slot, struct memory_slot *copy);

/* One entry of a recording; its data is in the recording. */
struct memory_record {
	uint64_t ticks;
	uint64_t order; /* of entries with equal ticks: as they were found */
	uint32_t tid;   /* of the thread that logged it, as the process knows it; 0: not known */
	uint32_t site;
	uint16_t size;
	uint16_t severity_flags;
	uint32_t data; /* offset in bytes[] */
};

/* All that the log has of one recorder, in the order of time. Zeroed it is empty. */
struct memory_recording {
	struct memory_record *record;
	size_t n;
	uint64_t total; /* entries that were logged, with those that are gone */
	size_t gap_at;  /* before record[gap_at] ... */
	uint64_t gap;   /* ... so many are gone */
	unsigned char context[FLIGHTREC_CONTEXT_MAX];
	size_t context_size;
	unsigned char *bytes;
	size_t bytes_used, bytes_room, record_room;
};

/*
 * Reads what is there of the recorder in @slot, of which @copy is what memory_log_slots() showed.
 * At most @limit bytes of entries; what is beyond counts as gone. Returns 0, -ENOMEM, -ESTALE: the
 * slot has another recorder now; or what reading returned. The recording is usable if it is 0.
 */
int memory_log_recording(struct memory_log *log, uint32_t slot, const struct memory_slot *copy,
			 size_t limit, struct memory_recording *to);
void memory_recording_free(struct memory_recording *recording);

/* A call site's texts, NUL-terminated. */
struct memory_site_texts {
	uint32_t line;
	char format[MEMORY_FORMAT_MAX];
	char file[MEMORY_FILE_MAX];
	char function[MEMORY_FUNCTION_MAX];
};

/* Returns 0 or -ENOENT: there is none at @site. */
int memory_log_site(struct memory_log *log, uint32_t site, struct memory_site_texts *to);

#endif /* FLIGHTREC_TARGET_MEMORY_LOG_H */
