/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Sizes that the BPF programs and the collector must agree on. */
#ifndef FLIGHTREC_LIMITS_H
#define FLIGHTREC_LIMITS_H

#define RINGS_MAX 128
#define SHARDS_MAX 64
#define SITES_KNOWN 65536
#define WATCHED_MAX 16384
#define INDEX_WAYS 16
#define PROBE_WORDS 5 /* FLIGHTREC_PROBE_WORDS */
#define NOTICES_BYTES (1024 * 1024)

/*
 * The timing wheel: levels of 256 buckets, each level's bucket 64 times as wide as the one
 * below. The narrowest, 2^18 ns, is what a report may be late for the wheel's sake.
 */
#define WHEEL_LEVELS 6
#define WHEEL_BUCKETS 256
#define WHEEL_WORDS (WHEEL_BUCKETS / 64)
#define WHEEL_SHIFT 18
#define WHEEL_LEVEL_SHIFT 6

#endif /* FLIGHTREC_LIMITS_H */
