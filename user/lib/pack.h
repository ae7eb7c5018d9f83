/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packs the arguments of an entry in the form that <flightrec/probes.h> describes: raw, to be
 * formatted by the collector. Async-signal-safe: it allocates nothing, takes no lock, and does not
 * call printf.
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
	PACK_BUILDING, /* a thread is writing the plan; the others make their own meanwhile */
	PACK_READY,
	PACK_REFUSED,
	PACK_TOO_LONG, /* the plan does not fit into the site and is made for each entry */
};

/* What is to be packed, apart from the arguments. */
struct pack_source {
	struct flightrec_site *site; /* for pack_entry() */
	const char *format;
	int saved_errno; /* what %m stands for */
	uint32_t how;    /* severity and FLIGHTREC_HOW_*; packing adds to them */
};

/*
 * Packs @args into @data by the call site's plan, which is made the first time. If the format is
 * refused, nothing is packed and FLIGHTREC_HOW_REFUSED is set. Returns the number of bytes packed.
 * Thread-safe. Afterwards the value of @args is undefined, as after va_arg.
 */
size_t pack_entry(struct pack_source *source, unsigned char *data, size_t capacity, va_list args);

/*
 * The same for a format that may change or go away: packs the format itself, then @args, and sets
 * FLIGHTREC_HOW_INLINE. If the format is too long it is cut between two conversions, and arguments
 * of the rest are left out. A format that is refused is packed without arguments.
 */
size_t pack_inline(struct pack_source *source, unsigned char *data, size_t capacity, va_list args);

#endif /* FLIGHTREC_LIB_PACK_H */
