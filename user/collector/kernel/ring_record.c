// SPDX-License-Identifier: BSD-2-Clause
#include "collector/kernel/ring_record.h"

#include <errno.h>
#include <stdbool.h>

static bool entry_fits(const struct entry_record *entry, size_t size,
		       const struct ring_record_limits *limits)
{
	if (size < sizeof(*entry) || entry->size > size - sizeof(*entry))
		return false;
	if (entry->size > (entry->type == RECORD_CONTEXT ? FR_CONTEXT_MAX : FR_ENTRY_DATA_MAX))
		return false;
	if (entry->slot == FR_NONE)
		return entry->type == RECORD_ENTRY;
	return entry->slot < limits->recorders;
}

/* The size of a string includes the NUL that must end it; 0 means it could not be read. */
static bool string_fits(const char *string, size_t size, size_t room)
{
	return !size || (size <= room && string[size - 1] == '\0');
}

static bool site_fits(const struct site_record *site, size_t size)
{
	return size >= sizeof(*site) &&
	       string_fits(site->format, site->format_size, FR_SITE_FORMAT_MAX) &&
	       string_fits(site->file, site->file_size, FR_SITE_FILE_MAX) &&
	       string_fits(site->function, site->function_size, FR_SITE_FUNCTION_MAX);
}

int ring_record_check(const void *data, size_t size, const struct ring_record_limits *limits,
		      struct ring_record *record)
{
	const struct entry_record *entry = data;
	const struct site_record *site = data;

	*record = (struct ring_record){0};
	if (!size)
		return -EBADMSG;
	switch (*(const uint8_t *)data) {
	case RECORD_ENTRY:
	case RECORD_CONTEXT:
		if (!entry_fits(entry, size, limits) || entry->process >= limits->processes)
			return -EBADMSG;
		record->process = entry->process;
		record->entry = entry;
		break;
	case RECORD_SITE:
		if (!site_fits(site, size) || site->process >= limits->processes)
			return -EBADMSG;
		record->process = site->process;
		record->site = site;
		break;
	default:
		return -EBADMSG;
	}
	record->type = *(const uint8_t *)data;
	return 0;
}

const struct notice *ring_record_notice(const void *data, size_t size,
					const struct ring_record_limits *limits)
{
	const struct notice *notice = data;

	if (size < sizeof(*notice))
		return NULL;
	switch (notice->type) {
	case NOTICE_RECORDER:
	case NOTICE_REPLAY:
	case NOTICE_UNQUEUED:
		return notice->index < limits->recorders ? notice : NULL;
	case NOTICE_PROCESS:
		return notice->index < limits->processes ? notice : NULL;
	case NOTICE_REARM:
	case NOTICE_MAPPINGS:
	case NOTICE_FULL:
	case NOTICE_REFUSED:
	case NOTICE_ARM:
	case NOTICE_LATE:
	case NOTICE_ASKED:
	case NOTICE_RETURN:
		return notice;
	default:
		return NULL;
	}
}
