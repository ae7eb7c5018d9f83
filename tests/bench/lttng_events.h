/* SPDX-License-Identifier: BSD-2-Clause */
/* The bench's LTTng-UST tracepoints. Read more than once, as LTTng wants it. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER flightrec_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "lttng_events.h"

#if !defined(BENCH_LTTNG_EVENTS_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define BENCH_LTTNG_EVENTS_H

#include <lttng/tracepoint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT(flightrec_bench, begin,
	LTTNG_UST_TP_ARGS(uint64_t, id, const char *, name, uint64_t, timeout_ns),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, id, id)
		lttng_ust_field_string(name, name)
		lttng_ust_field_integer(uint64_t, timeout_ns, timeout_ns)
	)
)

LTTNG_UST_TRACEPOINT_EVENT(flightrec_bench, entry,
	LTTNG_UST_TP_ARGS(uint64_t, id, int, number, const char *, key),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, id, id)
		lttng_ust_field_integer(int, number, number)
		lttng_ust_field_string(key, key)
	)
)

LTTNG_UST_TRACEPOINT_EVENT(flightrec_bench, end,
	LTTNG_UST_TP_ARGS(uint64_t, id),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, id, id)
	)
)
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
