// SPDX-License-Identifier: BSD-2-Clause
#include "collector/report/report_copy.h"

#include <stdlib.h>

#include "collector/base/arena.h"

struct report_copy {
	struct report report;
	struct arena arena;
	size_t most;
	bool failed;
};

static const char *copy_string(struct report_copy *copy, const char *string)
{
	const char *copied = arena_string(&copy->arena, string, copy->most);

	if ((string && !copied) || copy->arena.size > copy->most)
		copy->failed = true;
	return copied;
}

static void *take(struct report_copy *copy, size_t n, size_t size)
{
	void *taken = n > copy->most / size ? NULL : arena_take(&copy->arena, n * size);

	if (!taken || copy->arena.size > copy->most)
		copy->failed = true;
	return copy->failed ? NULL : taken;
}

static void copy_recorder(struct report_copy *copy)
{
	struct report_recorder *recorder = &copy->report.recorder;
	const struct report_context *from = recorder->context;
	struct report_context *to = take(copy, recorder->n_context + 1, sizeof(*to));

	recorder->name = copy_string(copy, recorder->name);
	recorder->comm = copy_string(copy, recorder->comm);
	recorder->exe = copy_string(copy, recorder->exe);
	recorder->context = to;
	for (size_t i = 0; to && i < recorder->n_context; i++) {
		to[i].key = copy_string(copy, from[i].key);
		to[i].value = copy_string(copy, from[i].value);
	}
}

static void fill_entry(const struct report *report, size_t index, struct report_entry *entry)
{
	*entry = ((const struct report_entry *)report->entries)[index];
}

static void copy_entries(struct report_copy *copy, const struct report *from)
{
	struct report_entry *entries = take(copy, from->n_entries + 1, sizeof(*entries));

	for (size_t i = 0; i < from->n_entries && !copy->failed; i++) {
		from->entry(from, i, &entries[i]);
		entries[i].message = copy_string(copy, entries[i].message);
		entries[i].file = copy_string(copy, entries[i].file);
		entries[i].function = copy_string(copy, entries[i].function);
	}
	copy->report.entry = fill_entry;
	copy->report.entries = entries;
}

struct report_copy *report_copy_new(const struct report *report, size_t most)
{
	struct report_copy *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	copy->most = most;
	copy->report = *report;
	copy->report.comm = copy_string(copy, report->comm);
	copy->report.state = copy_string(copy, report->state);
	copy_recorder(copy);
	copy_entries(copy, report);
	if (!copy->failed)
		return copy;
	report_copy_free(copy);
	return NULL;
}

void report_copy_free(struct report_copy *copy)
{
	if (copy)
		arena_free(&copy->arena);
	free(copy);
}

struct report *report_copy_get(struct report_copy *copy)
{
	return &copy->report;
}

size_t report_copy_size(const struct report_copy *copy)
{
	return sizeof(*copy) + copy->arena.size;
}
