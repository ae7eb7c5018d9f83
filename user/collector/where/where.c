// SPDX-License-Identifier: BSD-2-Clause
#include "collector/where/where.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/target/modules.h"
#include "collector/unwind/unwind_protocol.h"

/* TASK_* of the kernel: the names that ps(1) has for them. */
const char *where_state_word(const struct thread_record *record)
{
	static const struct {
		uint32_t bits;
		const char *word;
	} words[] = {{0x8000, "frozen"},
		     {0x0008, "traced"},
		     {0x0004, "stopped"},
		     {0x0002, "uninterruptible"},
		     {0x0001, "sleeping"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (record->state & words[i].bits)
			return words[i].word;
	}
	return record->state ? NULL : "running";
}

struct where *where_new(const struct thread_record *record)
{
	struct where *where = calloc(1, sizeof(*where));

	if (where) {
		where->users = 1;
		where->record = *record;
		where->thread.tid = (pid_t)record->tid;
		where->thread.state = where_state_word(record);
	}
	return where;
}

void where_put(struct where *where)
{
	if (!where || --where->users)
		return;
	arena_free(&where->arena);
	free(where);
}

static bool is_reply(const struct unwind_reply *reply, size_t size)
{
	const size_t head = offsetof(struct unwind_reply, strings);

	return size >= head && reply->type == UNWIND_REPLY && reply->end < UNWIND_ENDS &&
	       reply->n_frames <= UNWIND_FRAMES_MAX && reply->strings_size == size - head &&
	       (!reply->strings_size || !reply->strings[reply->strings_size - 1]);
}

/* NULL if there is none there. */
static const char *string_at(struct where *where, const struct unwind_reply *reply, uint32_t at)
{
	return at < reply->strings_size
		       ? arena_string(&where->arena, reply->strings + at, reply->strings_size)
		       : NULL;
}

static const char *hexadecimal(struct where *where, const struct unwind_frame *frame)
{
	char text[2 * UNWIND_BUILD_ID_MAX + 1] = "";

	if (!frame->build_id_size || frame->build_id_size > UNWIND_BUILD_ID_MAX)
		return NULL;
	for (size_t i = 0; i < frame->build_id_size; i++)
		snprintf(text + 2 * i, sizeof(text) - 2 * i, "%02x", frame->build_id[i]);
	return arena_string(&where->arena, text, sizeof(text));
}

static void take_frame(struct where *where, struct report_frame *to,
		       const struct unwind_reply *reply, const struct unwind_frame *from,
		       const struct modules *modules)
{
	*to = (struct report_frame){
		.pc = from->pc,
		.function = string_at(where, reply, from->function),
		.offset = from->offset,
		.file = string_at(where, reply, from->file),
		.line = from->line,
		.build_id = hexadecimal(where, from),
		.inlined = from->inlined != 0,
		.times = from->times,
	};
	if (from->module < modules->n)
		to->module = arena_string(&where->arena, modules->module[from->module].path, 4096);
	else if (from->pc >= modules->vdso_start && from->pc < modules->vdso_end)
		to->module = "[vdso]";
}

/* What comes before main() or a thread's function says nothing. */
static bool is_startup(const struct report_frame *frame)
{
	static const char *const names[] = {"__libc_start_call_main",
					    "__libc_start_main",
					    "__libc_start_main_impl",
					    "_start",
					    "start_thread",
					    "clone",
					    "__clone",
					    "clone3",
					    "__clone3"};
	static const char *const libraries[] = {"libc.so", "libc-", "libpthread", "ld-linux"};
	const char *base = frame->module ? strrchr(frame->module, '/') : NULL;

	for (size_t i = 0; frame->function && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(frame->function, names[i]) == 0)
			return true;
	}
	for (size_t i = 0; base && i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		if (strncmp(base + 1, libraries[i], strlen(libraries[i])) == 0)
			return true;
	}
	return false;
}

static void drop_startup(struct report_thread *thread)
{
	size_t kept = thread->n_frames;

	/* _start, in a program without names. */
	if (kept > 1 && !thread->frame[kept - 1].function && is_startup(&thread->frame[kept - 2]))
		kept--;
	while (kept && is_startup(&thread->frame[kept - 1]))
		kept--;
	/* A thread of libc's own is in nothing else. */
	if (kept)
		thread->n_frames = kept;
}

static const char *end_text(struct where *where, const struct unwind_reply *reply)
{
	static const char *const texts[UNWIND_ENDS] = {
		[UNWIND_COMPLETE] = "complete",
		[UNWIND_TOO_DEEP] = "there are more frames than are looked at",
		[UNWIND_BEYOND_COPY] = "more of the stack would have to be read",
		[UNWIND_NO_INFO] = "the file does not say how to go on",
		[UNWIND_IMPOSSIBLE] = "nothing is known of where it is",
	};
	char text[64];

	if (where->thread.n_frames <= WHERE_FRAMES_MAX)
		return texts[reply->end];
	where->thread.n_frames = WHERE_FRAMES_MAX;
	snprintf(text, sizeof(text), "these are the innermost of %u frames", reply->total);
	return arena_string(&where->arena, text, sizeof(text));
}

bool where_take_reply(struct where *where, const struct unwind_reply *reply, size_t size,
		      const struct modules *modules)
{
	struct report_frame *frames;

	if (!is_reply(reply, size))
		return false;
	frames = arena_take(&where->arena, (reply->n_frames + 1) * sizeof(*frames));
	for (size_t i = 0; frames && i < reply->n_frames; i++)
		take_frame(where, &frames[i], reply, &reply->frame[i], modules);
	where->thread.frame = frames;
	where->thread.n_frames = frames ? reply->n_frames : 0;
	if (reply->end == UNWIND_COMPLETE)
		drop_startup(&where->thread);
	where->thread.stack_end = end_text(where, reply);
	return true;
}
