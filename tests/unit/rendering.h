/* SPDX-License-Identifier: BSD-2-Clause */
/* Packs and renders entries for a test, and makes random ones. */
#ifndef FLIGHTREC_UNIT_RENDERING_H
#define FLIGHTREC_UNIT_RENDERING_H

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/report/render.h"
#include "flightrec.h"
#include "flightrec/probes.h"
#include "lib/pack.h"

#define OUT_MAX 8192

static unsigned int seed = 1;
static unsigned int test_case; /* of a random test, to name the case that failed */

static inline int seed_random(void **state)
{
	const char *text = getenv("FLIGHTREC_TEST_SEED");

	(void)state;
	if (text)
		seed = (unsigned int)atoi(text);
	srandom(seed);
	return 0;
}

static inline unsigned int below(unsigned int n)
{
	return (unsigned int)random() % n;
}

/* Packs into @capacity and renders, for what cannot be compared with libc. */
static inline const char *rendered(size_t capacity, const char *format, ...)
{
	static char out[OUT_MAX];
	unsigned char data[FLIGHTREC_ENTRY_MAX];
	struct flightrec_site site = {.file = "", .function = ""};
	struct pack_source source = {&site, format, errno, FLIGHTREC_ERROR};
	va_list args;
	size_t size;

	va_start(args, format);
	size = pack_entry(&source, data, capacity, args);
	va_end(args);
	render_message(&(struct render_input){format, strlen(format), data, size, source.how}, out,
		       sizeof(out));
	return out;
}

#endif /* FLIGHTREC_UNIT_RENDERING_H */
