// SPDX-License-Identifier: BSD-2-Clause
/* What all that say what a thread waits for have in common. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "collector/kernel/threads.h"
#include "collector/target/proc_names.h"
#include "collector/where/syscall_text.h"
#include "collector/where/waits.h"

#define HOLDERS_MAX 8
/* Frames of libc: the caller is further out. */
#define INNERMOST 6

void waits_say(struct waits *waits, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_string(&waits->text, text);
}

static void add_holder(struct waits *waits, const struct report_holder *holder)
{
	struct report_waits *found = waits->found;
	struct report_holder *list = (struct report_holder *)found->held_by;

	if (!list)
		list = arena_take(&waits->where->arena, HOLDERS_MAX * sizeof(*list));
	found->held_by = list;
	if (list && found->n_held_by < HOLDERS_MAX)
		list[found->n_held_by++] = *holder;
}

static void say_holder(struct waits *waits, const char *what, struct report_holder holder,
		       bool holds)
{
	char comm[PROC_COMM_SIZE] = "";

	proc_comm(holder.pid, holder.tid, comm);
	holder.comm = arena_string(&waits->where->arena, comm, sizeof(comm));
	waits_say(waits, "%s %d (%s)", what, holder.tid, comm);
	if (holds && holder.comm)
		add_holder(waits, &holder);
}

void waits_say_thread(struct waits *waits, pid_t tid, bool holds)
{
	say_holder(waits, "thread", (struct report_holder){.pid = waits->pid, .tid = tid}, holds);
}

void waits_say_process(struct waits *waits, pid_t pid, bool holds)
{
	say_holder(waits, "process", (struct report_holder){.pid = pid, .tid = pid}, holds);
}

void waits_say_doing(struct waits *waits, pid_t tid)
{
	struct thread_record record;

	if (threads_read(waits->threads, tid, &record))
		return;
	if (!record.state) {
		waits_say(waits, ", which is running");
	} else if (record.state & 1 && syscall_text(&record).name) {
		waits_say(waits, ", which is in ");
		syscall_text_put(&waits->text, &record);
	} else if (where_state_word(&record)) {
		waits_say(waits, ", which is %s", where_state_word(&record));
	}
}

bool waits_is_in(const struct waits *waits, const char *part)
{
	const struct report_thread *thread = &waits->where->thread;

	for (size_t i = 0; i < thread->n_frames && i < INNERMOST; i++) {
		if (thread->frame[i].function && strstr(thread->frame[i].function, part))
			return true;
	}
	return false;
}

void waits_say_peer(struct waits *waits, pid_t pid)
{
	struct report_holder *peer = arena_take(&waits->where->arena, sizeof(*peer));
	char comm[PROC_COMM_SIZE] = "";

	proc_comm(pid, pid, comm);
	if (peer) {
		*peer = (struct report_holder){.pid = pid, .tid = pid};
		peer->comm = arena_string(&waits->where->arena, comm, sizeof(comm));
		waits->found->peer = peer->comm ? peer : NULL;
	}
	waits_say(waits, "process %d (%s)", pid, comm);
	waits_say_doing(waits, pid);
}
