/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a process's memory log (format/memory_log.h), whether the process is alive, killed, or in a
 * core file, through a function that reads parts of the region. Everything is checked before it is
 * used: a log that lies spoils its own reports and takes bounded time. Not thread-safe.
 */
#ifndef FLIGHTREC_TARGET_MEMORY_LOG_H
#define FLIGHTREC_TARGET_MEMORY_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/memory_log.h"

/* Reads @size bytes at @offset in the region. Returns 0 or a negative errno. */
typedef int (*memory_log_read_fn)(void *arg, uint64_t offset, void *to, size_t size);

struct memory_log {
	memory_log_read_fn read;
	void *arg;
	struct memory_header header; /* checked */
};

/* Returns 0; -EBADMSG if it is not a log or its version is unknown; or what @read returned. */
int memory_log_open(struct memory_log *log, memory_log_read_fn read, void *arg);

/*
 * Passes each open slot to @fn, and with @closed also those of closed recorders. Each is a copy,
 * which may be newer than the one before. Stops when @fn returns non-zero, and returns that.
 */
int memory_log_slots(struct memory_log *log, bool closed,
		     int (*fn)(void *arg, uint32_t slot, const struct memory_slot *copy),
		     void *arg);

/*
 * Copies at most @count slots from @first on that were ever in use, whatever their state. Names are
 * terminated, as in all copies of slots. Returns how many, 0 behind the last; or a negative errno.
 */
int memory_log_read_slots(struct memory_log *log, uint32_t first, uint32_t count,
			  struct memory_slot *to);

/* The deadline that the process told last, on its own CLOCK_MONOTONIC; 0: it could not be read. */
uint64_t memory_log_armed(struct memory_log *log);

/* Counts what all threads opened and logged. Returns 0 or an error. */
int memory_log_count(struct memory_log *log, uint64_t *opened, uint64_t *entries);

/*
 * How many entries were logged to the recorder of a slot: nearly always what memory_log_recording()
 * would find for `total`, at a fraction of the cost. Returns 0 or an error.
 */
int memory_log_entries(struct memory_log *log, const struct memory_slot *copy, uint64_t *total);

/* Copies slot @slot. Returns 0, -ENOENT if there is no such slot, or an error from reading. */
int memory_log_slot(struct memory_log *log, uint32_t slot, struct memory_slot *copy);

/* An entry of a recording, which holds its data. */
struct memory_record {
	uint64_t ticks;
	uint64_t order; /* for entries with equal ticks: the order in which they were found */
	uint32_t tid;   /* of the thread that logged it, as its process sees it; 0: unknown */
	uint32_t site;
	uint16_t size;
	uint16_t severity_flags;
	uint32_t data; /* offset in bytes[] */
};

/* All that the log has of one recorder, ordered by time. Zeroed, it is empty. */
struct memory_recording {
	struct memory_record *record;
	size_t n;
	uint64_t total; /* entries that were logged, including those that are gone */
	size_t gap_at;  /* before record[gap_at] ... */
	uint64_t gap;   /* ... this many are gone */
	unsigned char context[FLIGHTREC_CONTEXT_MAX];
	size_t context_size;
	unsigned char *bytes;
	size_t bytes_used, bytes_room, record_room;
};

/*
 * Reads what there is of the recorder in @slot; @copy is what memory_log_slots() showed of it.
 * Reads at most @limit bytes of entries; more count as gone. Returns 0, -ENOMEM, -ESTALE if the
 * slot has another recorder now, or what reading returned. The recording is usable only after 0.
 */
int memory_log_recording(struct memory_log *log, uint32_t slot, const struct memory_slot *copy,
			 size_t limit, struct memory_recording *to);
void memory_recording_free(struct memory_recording *recording);

/* The texts of a call site, NUL-terminated. */
struct memory_site_texts {
	uint32_t line;
	char format[MEMORY_FORMAT_MAX];
	char file[MEMORY_FILE_MAX];
	char function[MEMORY_FUNCTION_MAX];
};

/* Returns 0; or -ENOENT if there is none at @site. */
int memory_log_site(struct memory_log *log, uint32_t site, struct memory_site_texts *to);

#endif /* FLIGHTREC_TARGET_MEMORY_LOG_H */
