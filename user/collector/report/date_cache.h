/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last seconds that were written as a date: reports in a row share theirs, and localtime_r()
 * with snprintf() takes as long as all else in a report. Zeroed it is empty. Not thread-safe.
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

/* A way to write dates: one cache holds the dates of one. */
struct date_style {
	bool local; /* local time, not UTC */
	void (*write)(const struct tm *tm, char *text, size_t size);
};

/* The second of @time_ns, which is since the Epoch; good until the next call with @cache. */
const char *date_text(struct date_cache *cache, uint64_t time_ns, const struct date_style *style);

#endif /* FLIGHTREC_DATE_CACHE_H */
