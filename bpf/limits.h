/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Sizes that the BPF programs and the collector must agree on. */
#ifndef FLIGHTREC_LIMITS_H
#define FLIGHTREC_LIMITS_H

#define FR_RINGS_MAX 128
#define FR_SHARDS_MAX 64
#define FR_SITES_KNOWN 65536
#define FR_WATCHED_MAX 16384
#define FR_INDEX_WAYS 16
#define FR_USERS_MAX 4096
#define FR_REFUSED_MAX 16384
/* Recorder slots that each process has for certain. */
#define FR_GUARANTEED 2
/* Kept of recorder slots, and of process slots, for recorders that are overdue already. */
#define FR_RESERVE 64
/* Longer timeouts are no different from this one, some 36 years: none at all. */
#define FR_TIMEOUT_MAX (1ULL << 60)
/* Slots whose owners are kept together in a cache line. */
#define FR_OWNERS 32
#define FR_PROBE_WORDS 5 /* FLIGHTREC_PROBE_WORDS */
/* enum flightrec_probe */
#define FR_PROBE_BEGIN 0
#define FR_PROBE_ENTRY 1
#define FR_PROBE_END 2
#define FR_PROBE_EXTEND 3
#define FR_PROBE_CONTEXT 4
#define FR_PROBE_REPLAY 5
#define FR_PROBE_ARM 6
#define FR_PROBE_LATE 7
#define FR_PROBE_STRAY 8
#define FR_PROBE_LEAVE 9
#define FR_PROBES 10
#define FR_NOTICES_BYTES (1024 * 1024)

/*
 * The timing wheel: levels of 256 buckets, each level's bucket 64 times as wide as the one
 * below. The narrowest, 2^18 ns, is what a report may be late for the wheel's sake.
 */
#define FR_WHEEL_LEVELS 6
#define FR_WHEEL_BUCKETS 256
#define FR_WHEEL_WORDS (FR_WHEEL_BUCKETS / 64)
#define FR_WHEEL_SHIFT 18
#define FR_WHEEL_LEVEL_SHIFT 6
/* Nodes that a recorder slot owns. */
#define FR_WHEEL_NODES 4

#endif /* FLIGHTREC_LIMITS_H */
