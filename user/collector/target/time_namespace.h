/* SPDX-License-Identifier: BSD-2-Clause */
/* Time namespaces, in which CLOCK_MONOTONIC is shifted; see time_namespaces(7). */
#ifndef FLIGHTREC_TIME_NAMESPACE_H
#define FLIGHTREC_TIME_NAMESPACE_H

#include <stdint.h>
#include <sys/types.h>

/*
 * By how many nanoseconds CLOCK_MONOTONIC of process @pid is ahead of ours; negative if it is
 * behind; 0 if that cannot be read. Constant while the process lives.
 */
int64_t time_namespace_ahead_ns(pid_t pid);

/* The offset of CLOCK_MONOTONIC in @text, the contents of a /proc/PID/timens_offsets. */
int64_t time_namespace_parse(const char *text);

/* Converts a time from such a process's clock to ours. Times before ours began become 0. */
static inline uint64_t time_namespace_to_ours(uint64_t time_ns, int64_t ahead_ns)
{
	uint64_t by = ahead_ns < 0 ? 0 - (uint64_t)ahead_ns : (uint64_t)ahead_ns;

	if (ahead_ns < 0)
		return time_ns > UINT64_MAX - by ? UINT64_MAX : time_ns + by;
	return time_ns > by ? time_ns - by : 0;
}

#endif /* FLIGHTREC_TIME_NAMESPACE_H */
