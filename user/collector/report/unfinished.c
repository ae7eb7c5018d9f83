// SPDX-License-Identifier: BSD-2-Clause
#include "collector/report/unfinished.h"

#include <ctype.h>
#include <string.h>

#include "collector/base/text_buffer.h"

/*
 * Steps that were left, read from the last entry back: each waits for the entry that entered it.
 * They are strings, one behind the other. What is bounded is time, as the program decides how deep
 * its steps are.
 */
#define LEFT_MAX 65536
#define COMPARED_MAX 100000

struct left {
	struct text_buffer text;
	size_t compared;
};

/* "get(user) = 7" leaves "get(user)", but "get_all" does not leave "get". */
static bool leaves(const char *left, const char *entered)
{
	size_t size = strlen(entered);

	return strncmp(left, entered, size) == 0 && !isalnum((unsigned char)left[size]) &&
	       left[size] != '_';
}

/* Takes out the step that was entered here. Returns whether it was among those that were left. */
static bool take_out(struct left *left, const char *entered)
{
	char *end = left->text.data + left->text.size;

	/* From the end: the one that was left first, as steps inside each other are. */
	while (end > left->text.data) {
		char *at = end - 1;

		while (at > left->text.data && at[-1])
			at--;
		left->compared++;
		if (leaves(at, entered)) {
			memmove(at, end, (size_t)(left->text.data + left->text.size - end));
			left->text.size -= (size_t)(end - at);
			return true;
		}
		end = at;
	}
	return false;
}

static bool search(const struct report *report, struct left *left, struct report_entry *entry)
{
	/* Where entries are missing, one of them may have left what was entered before. */
	size_t first = report->gap_lost ? report->gap_at : 0;

	for (size_t i = report->n_entries; i > first; i--) {
		const char *message;

		report->entry(report, i - 1, entry);
		message = entry->message ? entry->message : "";
		if (message[0] == '-')
			text_put(&left->text, message + 1, strlen(message));
		else if (message[0] == '+' && !take_out(left, message + 1))
			return true;
		if (left->text.failed || left->text.size > LEFT_MAX ||
		    left->compared > COMPARED_MAX)
			return false;
	}
	return false;
}

bool unfinished_step(const struct report *report, struct report_entry *entry)
{
	struct left left = {0};
	bool found;

	if (report->entries_lost > report->gap_lost)
		return false;
	found = search(report, &left, entry);
	text_buffer_free(&left.text);
	return found;
}
