/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A record from a ring, checked, so that its sizes, strings and numbers can be relied on. The
 * kernel wrote its header, but the contents come from an observed process.
 */
#ifndef FLIGHTREC_RING_RECORD_H
#define FLIGHTREC_RING_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"

/* Indexes must be below these. */
struct ring_record_limits {
	uint32_t recorders;
	uint32_t processes;
};

struct ring_record {
	uint8_t type; /* enum record_type */
	uint32_t process;
	const struct entry_record *entry; /* for RECORD_ENTRY and RECORD_CONTEXT */
	const struct site_record *site;   /* for RECORD_SITE */
};

/*
 * Checks @size bytes at @data, aligned to 8. Returns 0; or -EBADMSG, with @record zeroed, if this
 * is not a record.
 */
int ring_record_check(const void *data, size_t size, const struct ring_record_limits *limits,
		      struct ring_record *record);

/* The same for a record from the ring of notices. Returns NULL if it is not a notice. */
const struct notice *ring_record_notice(const void *data, size_t size,
					const struct ring_record_limits *limits);

#endif /* FLIGHTREC_RING_RECORD_H */
