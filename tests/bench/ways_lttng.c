// SPDX-License-Identifier: BSD-2-Clause
/* Linked into a program of its own: liblttng-ust starts its threads before main(). */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng_events.h"

#include "work.h"

const char *work_key = "user:1000042";

static void work_lttng(uint64_t n, unsigned int entries)
{
	for (uint64_t i = 0; i < n; i++) {
		lttng_ust_tracepoint(flightrec_bench, begin, i, "work", 60000000000);
		for (unsigned int j = 0; j < entries; j++)
			lttng_ust_tracepoint(flightrec_bench, entry, i, (int)j, work_key);
		lttng_ust_tracepoint(flightrec_bench, end, i);
	}
}

const struct way ways[] = {
	{"lttng", NULL, work_lttng, false},
	{0},
};
