// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/span_view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/report/render.h"
#include "collector/span/syscall_names.h"
#include "collector/target/proc_file.h"
#include "collector/target/target_memory.h"
#include "flightrec/probes.h"
#include "format/conversion.h"

#define UNREADABLE "(not in memory)"
/* Far longer than any line of a thread's `syscall`. */
#define LINE_MAX_ 256

/* ---- packed arguments ---- */

/* What is left of what was packed, and where it is copied to. */
struct copying {
	struct target *target;
	const unsigned char *from;
	size_t left;
	unsigned char *to;
	size_t room;
	size_t size;
};

static bool copy(struct copying *c, const void *bytes, size_t size)
{
	if (c->room - c->size < size)
		return false;
	memcpy(c->to + c->size, bytes, size);
	c->size += size;
	return true;
}

static bool take(struct copying *c, void *to, size_t size)
{
	if (c->left < size)
		return false;
	memcpy(to, c->from, size);
	c->from += size;
	c->left -= size;
	return true;
}

static bool copy_fixed(struct copying *c, size_t size)
{
	unsigned char bytes[8];

	return take(c, bytes, size) && copy(c, bytes, size);
}

/* A string whose address alone is there. */
static bool copy_unread(struct copying *c, uint32_t limit)
{
	char text[FR_SPAN_STRING_MAX + 1] = UNREADABLE;
	size_t room = limit < FR_SPAN_STRING_MAX ? limit + 1 : FR_SPAN_STRING_MAX + 1;
	uint64_t address;
	uint16_t word;

	if (!take(c, &address, sizeof(address)))
		return false;
	if (target_read_string(c->target, address, text, room, NULL) < 0)
		snprintf(text, sizeof(text), UNREADABLE);
	word = (uint16_t)strlen(text);
	return copy(c, &word, sizeof(word)) && copy(c, text, word);
}

static bool copy_string(struct copying *c, uint32_t limit)
{
	uint16_t word;
	size_t size;

	if (!take(c, &word, sizeof(word)))
		return false;
	if (word == FR_SPAN_STRING_UNREAD)
		return copy_unread(c, limit);
	size = word == FLIGHTREC_STRING_NULL ? 0 : word & ~FLIGHTREC_STRING_CUT;
	if (size > c->left || !copy(c, &word, sizeof(word)) || !copy(c, c->from, size))
		return false;
	c->from += size;
	c->left -= size;
	return true;
}

size_t span_view_read(pid_t pid, const char *format, const struct span_packed *from,
		      unsigned char *to, size_t room)
{
	struct target target;
	struct copying c = {&target, from->data, from->size, to, room, 0};
	struct format_plan plan;
	bool more = format_plan(format, strlen(format), &plan) == FORMAT_OK;

	target_init(&target, pid);
	for (size_t i = 0; more && i < plan.n; i++) {
		if (plan.arg[i].kind == FORMAT_STRING)
			more = copy_string(&c, plan.arg[i].limit);
		else
			more = copy_fixed(&c, plan.arg[i].kind == FORMAT_INT64 ? 8 : 4);
	}
	target_close(&target);
	return c.size;
}

/* ---- what it is ---- */

void span_view_make(struct span_view *view, const struct span_set *set, pid_t pid,
		    const struct span_slot *slot, const char *packed)
{
	unsigned char data[SPAN_VIEW_NAME_MAX];
	const struct span *span;
	const struct span_event *event = span_set_event(set, slot->site, &span);
	struct span_packed from = {(const unsigned char *)packed, slot->name_size};

	*view = (struct span_view){.id = slot->number, .name = "", .span = "", .source = ""};
	if (!event)
		return;
	view->span = view->name = span->name;
	view->source = event->source;
	if (span->format.text) {
		if (from.size > FR_NAME_SIZE)
			from.size = 0;
		render_message(
			&(struct render_input){.format = span->format.text,
					       .format_size = strlen(span->format.text),
					       .data = data,
					       .size = span_view_read(pid, span->format.text, &from,
								      data, sizeof(data))},
			view->text, sizeof(view->text));
		view->name = view->text;
	} else if (event->kind == SPAN_SYSCALL && syscall_name((int)slot->detail)) {
		view->name = syscall_name((int)slot->detail);
	}
}

int span_view_site(const struct span_set *set, uint64_t site, struct call_site_info *info)
{
	const struct span *span;
	const struct span_event *event = set ? span_set_event(set, site, &span) : NULL;

	*info = (struct call_site_info){0};
	if (!event || !event->format.text)
		return -ENOENT;
	info->format = event->format.text;
	info->format_size = strlen(event->format.text);
	info->file = event->source;
	return 0;
}

/* ---- whether it is still open ---- */

static bool has_ended(pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
	return access(path, F_OK) != 0 && errno == ENOENT;
}

/* "202 0x7f00 ... 0x7ffc 0x7f11": the last two are the stack pointer and the next instruction. */
static uint64_t stack_pointer(const char *line)
{
	const char *last = strrchr(line, ' '), *at = last;

	while (at && at > line && at[-1] != ' ')
		at--;
	return at && at > line ? strtoull(at, NULL, 16) : 0;
}

static bool frame_is_gone(pid_t pid, const struct span_slot *span, const char *line)
{
	uint64_t sp = stack_pointer(line), found;
	struct target target;
	bool gone;

	/* Of the same stack: coroutines have others, and wait on theirs. */
	if (sp > span->sp && sp - span->sp < 64 * 1024)
		return true;
	if (!span->return_address || span->flags & FR_SPAN_HIJACKED)
		return false;
	target_init(&target, pid);
	gone = target_read(&target, span->sp, &found, sizeof(found)) == 0 &&
	       found != span->return_address;
	target_close(&target);
	return gone;
}

bool span_view_is_gone(pid_t pid, pid_t tid, const struct span_slot *span)
{
	char line[LINE_MAX_] = "", *end;
	long number;

	if (span->flags & FR_SPAN_OF_THREAD && has_ended(pid, tid))
		return true;
	if (!(span->flags & (FR_SPAN_FRAME | FR_SPAN_SYSCALL)))
		return false;
	/* The line that the kernel has of what it waits in. */
	proc_file_read(pid, tid, "syscall", line, sizeof(line));
	if (span->flags & FR_SPAN_FRAME)
		return frame_is_gone(pid, span, line);
	/* A thread that runs says so, and no more. */
	number = strtol(line, &end, 10);
	return end != line && (uint64_t)number != span->detail;
}
