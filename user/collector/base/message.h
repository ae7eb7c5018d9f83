/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What flightrec says about itself: one line on standard error, "flightrec: what failed, on what:
 * why; what to do". Unsafe characters are escaped. Never waits for a reader that has stopped
 * reading: a line that would block is dropped, and the next line that can be written is preceded by
 * a count of those dropped. Not thread-safe.
 */
#ifndef FLIGHTREC_MESSAGE_H
#define FLIGHTREC_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

/* Adds "flightrec: " in front, and a newline. */
__attribute__((format(printf, 1, 2))) void message(const char *format, ...);

/*
 * The same with "flightrec run: " in front, where @command is "run"; if it is "", like message().
 */
__attribute__((format(printf, 2, 3))) void message_from(const char *command, const char *format,
							...);

/* Whether a short line could be written to standard error now without blocking. */
bool message_possible(void);

/* At most @lines of one kind in each @window_ns; 0: ever. Set these two and zero the rest. */
struct message_limit {
	uint32_t lines;
	uint64_t window_ns;
	/* Private. */
	uint32_t used;
	uint64_t window_start_ns;
	uint64_t held_back;
};

/*
 * The same for something that could be said of each of many processes. The first line after a
 * window that was full ends with how many like it were left out. Returns whether it was written.
 */
__attribute__((format(printf, 2, 3))) bool message_limited(struct message_limit *limit,
							   const char *format, ...);

/*
 * Whether one more may be written at @now_ns (CLOCK_MONOTONIC). If so, *@held_back is how many were
 * not since the last one.
 */
bool message_limit_admit(struct message_limit *limit, uint64_t now_ns, uint64_t *held_back);

/* When the next window begins, at the latest: then what was held back can be told. */
static inline uint64_t message_limit_until(const struct message_limit *limit)
{
	return limit->window_start_ns + limit->window_ns;
}

#endif /* FLIGHTREC_MESSAGE_H */
