// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "format/conversion.h"
#include "lib/memory.h"
#include "lib/pack.h"
#include "lib/probe.h"
#include "lib/recorder.h"
#include "lib/thread.h"

#define EXPORT __attribute__((visibility("default")))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* What is to be logged. */
struct entry {
	flightrec *rec;
	struct flightrec_process *process; /* in which it is open; NULL: it is not */
	uint64_t id;
	struct pack_source source; /* if it has no site, the format is packed as well */
};

static inline size_t pack(struct entry *entry, unsigned char *data, size_t capacity, va_list args)
{
	return entry->source.site ? pack_entry(&entry->source, data, capacity, args)
				  : pack_inline(&entry->source, data, capacity, args);
}

/* The call site's place in the log. It is remembered for one log: the one written to last. */
static uint32_t site_in_memory(const struct memory_writer *writer, struct flightrec_site *site)
{
	uint64_t where = __atomic_load_n(&site->where_, __ATOMIC_RELAXED);
	uint32_t at = (uint32_t)where;

	if (likely(where >> 32 == writer->memory->tag && at))
		return at;
	at = memory_site_at(writer->memory, site);
	where = (uint64_t)writer->memory->tag << 32 | at;
	__atomic_store_n(&site->where_, where, __ATOMIC_RELAXED);
	return at;
}

/* Packs the entry into the memory log. Returns where it is there; NULL: nowhere. */
static const unsigned char *pack_in_memory(const struct memory_writer *writer, struct entry *entry,
					   size_t *size, va_list args)
{
	uint32_t how = entry->source.how, at = 0;
	struct memory_place place;
	va_list again;

	if (entry->source.site) {
		at = site_in_memory(writer, entry->source.site);
		/* No room for its texts: the format is packed instead. */
		if (unlikely(!at))
			entry->source.site = NULL;
	}
	if (!memory_place(writer, entry->rec->slot_, entry->id, &place))
		return NULL;
	va_copy(again, args);
	*size = pack(entry, place.entry->data, place.room, again);
	va_end(again);
	if (unlikely(entry->source.how & FLIGHTREC_HOW_CUT && place.room < FLIGHTREC_ENTRY_MAX)) {
		if (!memory_place_again(writer, &place))
			return NULL;
		entry->source.how = how;
		va_copy(again, args);
		*size = pack(entry, place.entry->data, place.room, again);
		va_end(again);
	}
	place.entry->site = at;
	place.entry->severity_flags = (uint16_t)entry->source.how;
	memory_commit(writer, &place, (uint32_t)*size);
	return place.entry->data;
}

/* Whether somebody watches for entries of recorder @id by probes; 0: it is not open. */
static inline bool told(uint64_t id)
{
	return probe_watched(FLIGHTREC_PROBE_ENTRY) ||
	       (!id && probe_watched(FLIGHTREC_PROBE_STRAY));
}

static void tell(const struct probe_entry *entry)
{
	if (probe_watched(FLIGHTREC_PROBE_ENTRY))
		probe_entry(entry);
	if (!entry->id && probe_watched(FLIGHTREC_PROBE_STRAY))
		probe_stray(entry->site, entry->how, entry->data, entry->size);
}

static __attribute__((noinline)) void tell_packed(const struct entry *entry,
						  const unsigned char *data, size_t size)
{
	tell(&(struct probe_entry){.rec = entry->rec,
				   .id = entry->id,
				   .site = entry->source.site,
				   .how = entry->source.how,
				   .data = data,
				   .size = size});
}

/* Not inline: only a process that is watched by probes needs this kilobyte of stack. */
static __attribute__((noinline)) void pack_and_tell(struct entry *entry, va_list args)
{
	unsigned char data[FLIGHTREC_ENTRY_MAX];
	size_t size = pack(entry, data, sizeof(data), args);

	tell_packed(entry, data, size);
}

static void log_entry(struct entry *entry, va_list args)
{
	struct flightrec_site *site = entry->source.site;
	uint32_t how = entry->source.how;
	const unsigned char *data = NULL;
	struct memory_writer writer;
	size_t size;

	if (likely(entry->process && thread_enter(entry->process, &writer))) {
		data = pack_in_memory(&writer, entry, &size, args);
		if (data && probe_watched(FLIGHTREC_PROBE_ENTRY))
			tell_packed(entry, data, size);
		thread_leave(&writer);
	}
	if (likely(data) || !told(entry->id))
		return;
	entry->source.site = site;
	entry->source.how = how;
	pack_and_tell(entry, args);
}

EXPORT void flightrec_entry_(flightrec *rec, struct flightrec_site *site, int severity,
			     const char *format, ...)
{
	struct entry entry = {.rec = rec,
			      .source = {.site = site,
					 .format = format,
					 .saved_errno = errno,
					 .how = (uint32_t)severity & FLIGHTREC_HOW_SEVERITY}};
	va_list args;

	if (!rec)
		return;
	entry.process = recorder_process(rec, &entry.id);
	va_start(args, format);
	log_entry(&entry, args);
	va_end(args);
}

EXPORT int flightrec_vlog(flightrec *rec, enum flightrec_severity severity, const char *format,
			  va_list args)
{
	struct entry entry = {.rec = rec,
			      .source = {.format = format,
					 .saved_errno = errno,
					 .how = (uint32_t)severity & FLIGHTREC_HOW_SEVERITY}};

	if (!format)
		return -EINVAL;
	if (!rec || !flightrec_wanted_())
		return 0;
	entry.process = recorder_process(rec, &entry.id);
	log_entry(&entry, args);
	return entry.source.how & FLIGHTREC_HOW_REFUSED ? -EINVAL : 0;
}

/* A text to be logged as it is, without a format. */
struct message {
	flightrec *rec;
	struct flightrec_process *process; /* in which it is open */
	uint64_t id;
	const struct flightrec_site *site; /* on the stack: nobody may keep its address */
	uint32_t how;
	const char *text;
	size_t size;
};

/* Packs as much of it as fits, like the argument of a "%s". */
static size_t pack_text(struct message *message, unsigned char *data, size_t capacity)
{
	size_t size = message->size;
	uint16_t word;

	if (size > capacity - 2) {
		size = format_whole_characters(message->text, capacity - 2);
		message->how |= FLIGHTREC_HOW_CUT;
		word = (uint16_t)(size | FLIGHTREC_STRING_CUT);
	} else {
		word = (uint16_t)size;
	}
	memcpy(data, &word, sizeof(word));
	memcpy(data + sizeof(word), message->text, size);
	return sizeof(word) + size;
}

static void message_in_memory(struct message *message)
{
	size_t want =
		message->size < FLIGHTREC_ENTRY_MAX - 2 ? message->size + 2 : FLIGHTREC_ENTRY_MAX;
	struct memory_writer writer;
	struct memory_place place;
	uint32_t at;

	if (!thread_enter(message->process, &writer))
		return;
	at = memory_site_at(writer.memory, message->site);
	if (at && memory_place(&writer, message->rec->slot_, message->id, &place) &&
	    (place.room >= want || memory_place_again(&writer, &place))) {
		want = pack_text(message, place.entry->data, want);
		place.entry->site = at;
		place.entry->severity_flags = (uint16_t)message->how;
		memory_commit(&writer, &place, (uint32_t)want);
	}
	thread_leave(&writer);
}

/* Tells those who watch by probes. The format is packed, as the call site is gone afterwards. */
static __attribute__((noinline)) void tell_message(struct message *message)
{
	static const char format[4] = {2, 0, '%', 's'};
	unsigned char data[FLIGHTREC_ENTRY_MAX];
	size_t size;

	memcpy(data, format, sizeof(format));
	size = sizeof(format) +
	       pack_text(message, data + sizeof(format), sizeof(data) - sizeof(format));
	tell(&(struct probe_entry){.rec = message->rec,
				   .id = message->id,
				   .how = message->how | FLIGHTREC_HOW_INLINE,
				   .data = data,
				   .size = size});
}

EXPORT int flightrec_message(flightrec *rec, enum flightrec_severity severity, const char *file,
			     unsigned line, const char *function, const char *text, size_t size)
{
	const struct flightrec_site site = {
		.format = "%s", .file = file, .function = function, .line = line};
	struct message message = {.rec = rec,
				  .site = &site,
				  .how = (uint32_t)severity & FLIGHTREC_HOW_SEVERITY,
				  .text = text,
				  .size = size};

	if (!text)
		return -EINVAL;
	if (!rec)
		return 0;
	message.process = recorder_process(rec, &message.id);
	if (message.process)
		message_in_memory(&message);
	message.how &= FLIGHTREC_HOW_SEVERITY;
	if (told(message.id))
		tell_message(&message);
	return 0;
}

/* Logs what a step packed on its way in. */
static void log_step(struct flightrec_step *step, uint32_t flag)
{
	struct flightrec_process *process;
	struct memory_writer writer;
	struct memory_place place;
	uint64_t id;
	uint32_t at;

	process = recorder_process(step->rec_, &id);
	if (likely(process && thread_enter(process, &writer))) {
		at = site_in_memory(&writer, step->site_);
		if (memory_place(&writer, step->rec_->slot_, id, &place) &&
		    (place.room >= step->size_ || memory_place_again(&writer, &place))) {
			memcpy(place.entry->data, step->data_, step->size_);
			place.entry->site = at;
			place.entry->severity_flags = (uint16_t)(step->flags_ | flag);
			memory_commit(&writer, &place, step->size_);
		}
		thread_leave(&writer);
	}
	if (likely(!told(id)))
		return;
	tell(&(struct probe_entry){.rec = step->rec_,
				   .id = id,
				   .site = step->site_,
				   .how = step->flags_ | flag,
				   .data = step->data_,
				   .size = step->size_});
}

EXPORT void flightrec_step_in_(struct flightrec_step *step, flightrec *rec,
			       struct flightrec_site *site, const char *format, ...)
{
	struct pack_source source = {
		.site = site, .format = format, .saved_errno = errno, .how = FLIGHTREC_INFO};
	va_list args;

	if (!rec)
		return;
	step->rec_ = rec;
	step->site_ = site;
	va_start(args, format);
	step->size_ = (uint32_t)pack_entry(&source, step->data_, sizeof(step->data_), args);
	va_end(args);
	step->flags_ = source.how;
	log_step(step, FLIGHTREC_HOW_STEP_IN);
}

EXPORT void flightrec_step_out_(struct flightrec_step *step)
{
	/* If nothing was logged on the way in, there is nothing to repeat. */
	if (step->size_ != UINT32_MAX)
		log_step(step, FLIGHTREC_HOW_STEP_OUT);
}

/*
 * Packs a context item: 2 bytes with the size of what follows, the key, packed like a string, and
 * what pack_inline() makes of the value. Returns its size; 0: it does not fit.
 */
static size_t pack_context_item(const char *key, struct pack_source *value, unsigned char *item,
				size_t capacity, va_list args)
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
	size += pack_inline(value, item + size, capacity - size, args);
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

/* Removes the item that has the key of @item, if there is one. Returns what size is left. */
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
	struct pack_source value = {.format = format, .saved_errno = errno};
	size_t size, used;
	struct flightrec_process *process;
	uint64_t id;
	va_list args;

	if (!rec || !key || !format)
		return -EINVAL;
	process = recorder_process(rec, &id);
	if (!process)
		return -ENOENT;
	va_start(args, format);
	size = pack_context_item(key, &value, item, sizeof(item), args);
	va_end(args);
	if (value.how & FLIGHTREC_HOW_REFUSED)
		return -EINVAL;
	if (!size || value.how & FLIGHTREC_HOW_CUT)
		return -ENOSPC;
	used = rec->context_size_;
	memcpy(context, rec->context_, used);
	used = remove_same_key(context, used, item);
	if (size > sizeof(context) - used)
		return -ENOSPC;
	memcpy(context + used, item, size);
	memcpy(rec->context_, context, used + size);
	rec->context_size_ = (uint16_t)(used + size);
	recorder_keep_context(process, rec, id);
	if (probe_watched(FLIGHTREC_PROBE_CONTEXT))
		probe_context(rec, id, rec->context_, rec->context_size_);
	return 0;
}
