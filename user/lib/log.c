// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "lib/pack.h"
#include "lib/probe.h"
#include "lib/recorder.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void flightrec_entry_(flightrec *rec, struct flightrec_site *site, int severity,
			     const char *format, ...)
{
	unsigned char data[FLIGHTREC_ENTRY_MAX];
	uint32_t how = (uint32_t)severity & FLIGHTREC_HOW_SEVERITY;
	size_t size;
	va_list args;

	if (!rec)
		return;
	va_start(args, format);
	size = pack_entry(site, format, errno, data, sizeof(data), &how, args);
	va_end(args);
	probe_entry(rec, recorder_id(rec), site, how, data, size);
}

EXPORT int flightrec_vlog(flightrec *rec, enum flightrec_severity severity, const char *format,
			  va_list args)
{
	unsigned char data[FLIGHTREC_ENTRY_MAX];
	uint32_t how = (uint32_t)severity & FLIGHTREC_HOW_SEVERITY;
	size_t size;

	if (!format)
		return -EINVAL;
	if (!rec || !probe_watched(FLIGHTREC_PROBE_ENTRY))
		return 0;
	size = pack_inline(format, errno, data, sizeof(data), &how, args);
	probe_entry(rec, recorder_id(rec), NULL, how, data, size);
	return how & FLIGHTREC_HOW_REFUSED ? -EINVAL : 0;
}

EXPORT void flightrec_step_in_(struct flightrec_step *step, flightrec *rec,
			       struct flightrec_site *site, const char *format, ...)
{
	va_list args;

	if (!rec)
		return;
	step->rec_ = rec;
	step->site_ = site;
	step->flags_ = FLIGHTREC_INFO;
	va_start(args, format);
	step->size_ = (uint32_t)pack_entry(site, format, errno, step->data_, sizeof(step->data_),
					   &step->flags_, args);
	va_end(args);
	probe_entry(rec, recorder_id(rec), site, step->flags_ | FLIGHTREC_HOW_STEP_IN, step->data_,
		    step->size_);
}

EXPORT void flightrec_step_out_(struct flightrec_step *step)
{
	/* Not watched on the way in: there is nothing to repeat. */
	if (step->size_ == UINT32_MAX || !probe_watched(FLIGHTREC_PROBE_ENTRY))
		return;
	probe_entry(step->rec_, recorder_id(step->rec_), step->site_,
		    step->flags_ | FLIGHTREC_HOW_STEP_OUT, step->data_, step->size_);
}

/*
 * A context item: 2 bytes, the size of what follows; the key packed like a string; the format
 * and arguments as pack_inline() leaves them.
 */
static size_t pack_context_item(const char *key, const char *format, unsigned char *item,
				size_t capacity, uint32_t *how, va_list args)
{
	size_t key_size = strlen(key);
	size_t size = 2 + 2;
	uint16_t word;

	if (capacity < size || key_size > capacity - size)
		return 0;
	word = (uint16_t)key_size;
	memcpy(item + 2, &word, sizeof(word));
	memcpy(item + 4, key, key_size);
	size += key_size;
	size += pack_inline(format, errno, item + size, capacity - size, how, args);
	word = (uint16_t)(size - 2);
	memcpy(item, &word, sizeof(word));
	return size;
}

static size_t item_size(const unsigned char *item)
{
	uint16_t word;

	memcpy(&word, item, sizeof(word));
	return 2 + (size_t)word;
}

static int same_key(const unsigned char *a, const unsigned char *b)
{
	uint16_t a_size, b_size;

	memcpy(&a_size, a + 2, sizeof(a_size));
	memcpy(&b_size, b + 2, sizeof(b_size));
	return a_size == b_size && memcmp(a + 4, b + 4, a_size) == 0;
}

/* Takes out the item whose key is that of @item; returns the size of what is left. */
static size_t remove_same_key(unsigned char *context, size_t used, const unsigned char *item)
{
	size_t at = 0;

	while (at < used) {
		size_t size = item_size(context + at);

		if (same_key(context + at, item)) {
			memmove(context + at, context + at + size, used - at - size);
			return used - size;
		}
		at += size;
	}
	return used;
}

EXPORT int flightrec_context(flightrec *rec, const char *key, const char *format, ...)
{
	unsigned char item[FLIGHTREC_CONTEXT_MAX], context[FLIGHTREC_CONTEXT_MAX];
	size_t size, used;
	uint32_t how = 0;
	uint64_t id;
	va_list args;

	if (!rec || !key || !format)
		return -EINVAL;
	id = recorder_id(rec);
	if (!id)
		return -ENOENT;
	va_start(args, format);
	size = pack_context_item(key, format, item, sizeof(item), &how, args);
	va_end(args);
	if (how & FLIGHTREC_HOW_REFUSED)
		return -EINVAL;
	if (!size || how & FLIGHTREC_HOW_CUT)
		return -ENOSPC;
	used = rec->context_size_;
	memcpy(context, rec->context_, used);
	used = remove_same_key(context, used, item);
	if (size > sizeof(context) - used)
		return -ENOSPC;
	memcpy(context + used, item, size);
	memcpy(rec->context_, context, used + size);
	rec->context_size_ = (uint16_t)(used + size);
	if (probe_watched(FLIGHTREC_PROBE_CONTEXT))
		probe_context(rec, id, rec->context_, rec->context_size_);
	return 0;
}
