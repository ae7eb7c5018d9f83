// SPDX-License-Identifier: BSD-2-Clause
#include "collector/report/report_time.h"

#include <stdio.h>

#include "collector/base/text_buffer.h"

static void make_stamp(const struct tm *tm, char *text, size_t size)
{
	snprintf(text, size, "[%04d-%02d-%02d %02d:%02d:%02d,", tm->tm_year + 1900, tm->tm_mon + 1,
		 tm->tm_mday, tm->tm_hour, tm->tm_min, tm->tm_sec);
}

const struct date_style report_stamp_style = {.local = true, .write = make_stamp};

/* As ctime() does, in any locale. */
static void make_date(const struct tm *tm, char *text, size_t size)
{
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

	snprintf(text, size, "%s %s %2d %02d:%02d:%02d %d", days[tm->tm_wday], months[tm->tm_mon],
		 tm->tm_mday, tm->tm_hour, tm->tm_min, tm->tm_sec, tm->tm_year + 1900);
}

const struct date_style report_date_style = {.local = true, .write = make_date};

/* Writes @thousandths of @unit without trailing zeros. */
static void write_thousandths(struct text_buffer *out, uint64_t thousandths, const char *unit)
{
	text_number(out, thousandths / 1000, 1);
	if (thousandths % 1000) {
		text_char(out, '.');
		text_fraction(out, thousandths % 1000, 3, 0);
	}
	text_string(out, unit);
}

void report_duration(struct text_buffer *out, uint64_t ns)
{
	static const struct {
		uint64_t ms;
		const char *name;
	} units[] = {{86400000, " d"}, {3600000, " h"}, {60000, " min"}};
	uint64_t us = ns / 1000 + (ns % 1000 >= 500);
	uint64_t ms = ns / 1000000 + (ns % 1000000 >= 500000);
	const char *space = "";
	size_t i;

	if (ns < 1000) {
		text_number(out, ns, 1);
		text_string(out, " ns");
	} else if (ns < 1000000) {
		write_thousandths(out, ns, " us");
	} else if (us < 1000000) {
		write_thousandths(out, us, " ms");
	} else {
		for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
			if (ms < units[i].ms)
				continue;
			text_string(out, space);
			text_number(out, ms / units[i].ms, 1);
			text_string(out, units[i].name);
			ms %= units[i].ms;
			space = " ";
		}
		if (ms) {
			text_string(out, space);
			write_thousandths(out, ms, " s");
		}
	}
}
