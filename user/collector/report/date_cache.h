/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last few seconds that were written as dates. Consecutive reports share them, and
 * localtime_r() with snprintf() takes as long as the rest of a report. Zeroed, it is empty. Not
 * thread-safe.
 */
#ifndef FLIGHTREC_DATE_CACHE_H
#define FLIGHTREC_DATE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define DATE_CACHE_SIZE 8

struct date_cache {
	struct cached_date {
		bool known;
		time_t second;
		char text[40];
	} date[DATE_CACHE_SIZE];
};

/* A way to write dates. A cache holds dates of one style. */
struct date_style {
	bool local; /* local time rather than UTC */
	void (*write)(const struct tm *tm, char *text, size_t size);
};

/* The date of @time_ns since the Epoch, to the second. Valid until the next call with @cache. */
const char *date_text(struct date_cache *cache, uint64_t time_ns, const struct date_style *style);

#endif /* FLIGHTREC_DATE_CACHE_H */
