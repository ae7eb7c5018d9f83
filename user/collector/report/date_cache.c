// SPDX-License-Identifier: BSD-2-Clause
#include "collector/report/date_cache.h"

#include <string.h>

const char *date_text(struct date_cache *cache, uint64_t time_ns, const struct date_style *style)
{
	time_t second = (time_t)(time_ns / 1000000000);
	struct cached_date *date = &cache->date[(uint64_t)second % DATE_CACHE_SIZE];
	struct tm tm;

	if (date->known && date->second == second)
		return date->text;
	if (!(style->local && localtime_r(&second, &tm)) && !gmtime_r(&second, &tm))
		memset(&tm, 0, sizeof(tm));
	style->write(&tm, date->text, sizeof(date->text));
	date->second = second;
	date->known = true;
	return date->text;
}
