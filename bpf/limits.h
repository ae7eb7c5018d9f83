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
/* Recorder slots that every process can rely on having. */
#define FR_GUARANTEED 2
/* Recorder slots, and process slots, reserved for recorders that are already overdue. */
#define FR_RESERVE 64
/* Longer timeouts (some 36 years) are treated like this one: as no timeout at all. */
#define FR_TIMEOUT_MAX (1ULL << 60)
/* Slots whose owners are stored together in a cache line. */
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
 * The timing wheel has levels of 256 buckets; a bucket is 64 times as wide as one of the level
 * below. The narrowest, 2^18 ns, is how late the wheel may make a report.
 */
#define FR_WHEEL_LEVELS 6
#define FR_WHEEL_BUCKETS 256
#define FR_WHEEL_WORDS (FR_WHEEL_BUCKETS / 64)
#define FR_WHEEL_SHIFT 18
#define FR_WHEEL_LEVEL_SHIFT 6
/* Wheel nodes of each recorder slot. */
#define FR_WHEEL_NODES 4

#endif /* FLIGHTREC_LIMITS_H */
