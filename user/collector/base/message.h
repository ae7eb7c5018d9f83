/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What flightrec says of itself: one line on standard error, "flightrec: what failed, on what:
 * why; what to do". Unsafe characters in it are escaped. Never waits for a reader that has
 * stopped reading: a line that would block is left out, and the next one that can be written is
 * preceded by how many were. Not thread-safe.
 */
#ifndef FLIGHTREC_MESSAGE_H
#define FLIGHTREC_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

/* "flightrec: " is put before it, and a newline behind it. */
__attribute__((format(printf, 1, 2))) void message(const char *format, ...);

/* The same of a command: "flightrec run: "; without a name it is message(). */
__attribute__((format(printf, 2, 3))) void message_from(const char *command, const char *format,
							...);

/* Whether standard error takes a short line at once. */
bool message_possible(void);

/* At most @lines of a kind in @window_ns; 0: ever. Set those two, zero the rest. */
struct message_limit {
	uint32_t lines;
	uint64_t window_ns;
	/* The rest is message.c's. */
	uint32_t used;
	uint64_t window_start_ns;
	uint64_t held_back;
};

/*
 * The same for what could be said of each of many processes. What is said after a window that was
 * full ends in how many like it were not. Returns whether it was said.
 */
__attribute__((format(printf, 2, 3))) bool message_limited(struct message_limit *limit,
							   const char *format, ...);

/*
 * Whether one more may be said at @now_ns (CLOCK_MONOTONIC); if so, *@held_back is how many were
 * not since the last one.
 */
bool message_limit_admit(struct message_limit *limit, uint64_t now_ns, uint64_t *held_back);

#endif /* FLIGHTREC_MESSAGE_H */
