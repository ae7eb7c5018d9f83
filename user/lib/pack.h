/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packs the arguments of an entry, in the form that <flightrec/probes.h> describes. What is
 * packed is raw: formatting is the collector's. Nothing is allocated, no lock is taken, libc's
 * printf is not called: async-signal-safe.
 *
 * At most FLIGHTREC_ENTRY_MAX bytes of @capacity are used. What does not fit is left out, the ends
 * of strings first, the last arguments next, and FLIGHTREC_HOW_CUT is set in `how`.
 */
#ifndef FLIGHTREC_LIB_PACK_H
#define FLIGHTREC_LIB_PACK_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "flightrec.h"

/* plan_state_ of a call site. */
enum pack_state {
	PACK_NONE,     /* not passed yet */
	PACK_BUILDING, /* a thread is writing the plan; others do without */
	PACK_READY,
	PACK_REFUSED,
	PACK_TOO_LONG, /* the plan does not fit into the site: made anew each time */
};

/* What is to be packed, but for the arguments. */
struct pack_source {
	struct flightrec_site *site; /* pack_inline() needs none */
	const char *format;
	int saved_errno; /* what %m stands for */
	uint32_t how;    /* severity and FLIGHTREC_HOW_*; packing adds to them */
};

/*
 * Packs @args into @data by the plan of the call site, made from the format at the first pass. If
 * the format is refused, nothing is packed, and FLIGHTREC_HOW_REFUSED is set.
 * Returns the number of bytes packed. Thread-safe. Leaves @args as va_arg left it.
 */
size_t pack_entry(struct pack_source *source, unsigned char *data, size_t capacity, va_list args);

/*
 * The same for a format that may change or go away: packs the format itself, then @args, and sets
 * FLIGHTREC_HOW_INLINE. A format that is too long is cut between conversions, and the arguments of
 * those cut off are left out; a refused one is packed without arguments.
 */
size_t pack_inline(struct pack_source *source, unsigned char *data, size_t capacity, va_list args);

#endif /* FLIGHTREC_LIB_PACK_H */
