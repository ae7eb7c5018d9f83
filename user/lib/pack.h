/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packs the arguments of an entry, in the form that <flightrec/probes.h> describes. What is
 * packed is raw: formatting is the collector's. Nothing is allocated, no lock is taken, libc's
 * printf is not called: async-signal-safe.
 *
 * Of @capacity at most FLIGHTREC_ENTRY_MAX is used. What does not fit is left out, the ends of
 * strings first, the last arguments next, and FLIGHTREC_HOW_CUT is set in @how.
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

/*
 * Packs @args into @data by the plan of @site, made from @format at the first pass.
 * FLIGHTREC_HOW_REFUSED is set in @how, and nothing packed, if the format is refused.
 * Returns the number of bytes packed. Thread-safe. Leaves @args as va_arg left it.
 */
size_t pack_entry(struct flightrec_site *site, const char *format, int saved_errno,
		  unsigned char *data, size_t capacity, uint32_t *how, va_list args);

/*
 * Packs @format, and then @args, into @data, and sets FLIGHTREC_HOW_INLINE. A format that is too
 * long is cut between conversions, and the arguments of those cut off are left out; a refused one
 * is packed without arguments.
 */
size_t pack_inline(const char *format, int saved_errno, unsigned char *data, size_t capacity,
		   uint32_t *how, va_list args);

#endif /* FLIGHTREC_LIB_PACK_H */
