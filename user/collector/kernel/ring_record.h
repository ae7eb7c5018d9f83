/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A record taken out of a ring, checked: sizes, strings and numbers in it can be relied on. The
 * kernel wrote its header; what it holds came from an observed process.
 */
#ifndef FLIGHTREC_RING_RECORD_H
#define FLIGHTREC_RING_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"

/* What indexes must stay below. */
struct ring_record_limits {
	uint32_t recorders;
	uint32_t processes;
};

struct ring_record {
	uint8_t type; /* enum record_type */
	uint32_t process;
	const struct entry_record *entry; /* of RECORD_ENTRY and RECORD_CONTEXT */
	const struct site_record *site;   /* of RECORD_SITE */
};

/*
 * Checks @size bytes at @data, aligned to 8. Returns 0, or -EBADMSG: that is no record; @record
 * is then all zero.
 */
int ring_record_check(const void *data, size_t size, const struct ring_record_limits *limits,
		      struct ring_record *record);

/* Likewise, of a record of the notices' ring. NULL: that is no notice. */
const struct notice *ring_record_notice(const void *data, size_t size,
					const struct ring_record_limits *limits);

#endif /* FLIGHTREC_RING_RECORD_H */
