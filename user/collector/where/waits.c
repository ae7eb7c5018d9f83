// SPDX-License-Identifier: BSD-2-Clause
#include "collector/where/waits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "collector/target/host_tid.h"
#include "collector/target/proc_file.h"
#include "collector/where/syscall_text.h"

#define KERNEL_FRAMES_MAX 16

/* ---- by the state of the thread ---- */

static const char frozen[] = "to be thawed: its control group is frozen";

/* Two that have no state of their own: the kernel's function that it sleeps in tells. */
static bool for_kernel_function(struct waits *waits)
{
	char function[64];

	proc_file_read(waits->pid, waits->where->thread.tid, "wchan", function, sizeof(function));
	if (strcmp(function, "do_freezer_trap") == 0) {
		waits->found->kind = "frozen";
		waits_say(waits, "%s", frozen);
	} else if (strcmp(function, "handle_userfault") == 0) {
		waits->found->kind = "page";
		waits_say(waits, "for a page of its memory, which userfaultfd is to bring");
	}
	return waits->text.size;
}

static bool for_state(struct waits *waits)
{
	static const struct {
		const char *word, *kind, *text;
	} states[] = {
		{"stopped", "stopped", "for SIGCONT: it was stopped by a signal"},
		{"traced", "traced", "for the debugger that stopped it"},
		{"frozen", "frozen", frozen},
	};
	const struct thread_record *record = &waits->where->record;
	const char *word = where_state_word(record);

	for (size_t i = 0; word && i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(word, states[i].word) != 0)
			continue;
		waits->found->kind = states[i].kind;
		waits_say(waits, "%s", states[i].text);
		return true;
	}
	if (record->state)
		return for_kernel_function(waits);
	waits->found->kind = "running";
	waits_say(waits, "for nothing: it is running");
	return true;
}

/* Of a thread in the kernel that no signal wakes: by the functions that it is in there. */
static void read_kernel_stack(struct waits *waits)
{
	struct report_thread *thread = &waits->where->thread;
	const char **frames = arena_take(&waits->where->arena, KERNEL_FRAMES_MAX * sizeof(*frames));
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stack", waits->pid, thread->tid);
	file = frames ? fopen(path, "re") : NULL;
	while (file && thread->n_kernel_stack < KERNEL_FRAMES_MAX &&
	       fgets(line, sizeof(line), file)) {
		char *name = strstr(line, "] ");

		if (!name)
			continue;
		name += 2;
		name[strcspn(name, "+\n")] = '\0';
		frames[thread->n_kernel_stack] = arena_string(&waits->where->arena, name, 128);
		if (frames[thread->n_kernel_stack])
			thread->n_kernel_stack++;
	}
	if (file)
		fclose(file);
	thread->kernel_stack = frames;
}

/* ---- by the call that it is in ---- */

/* The first child; there may be more. Returns 0 if there is none, or that cannot be found out. */
static pid_t first_child(const struct waits *waits, bool *more)
{
	char path[64];
	int pid = 0, next;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", waits->pid,
		 waits->where->thread.tid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	*more = fscanf(file, "%d %d", &pid, &next) == 2;
	fclose(file);
	return pid;
}

static void for_child(struct waits *waits, const struct syscall_text *call)
{
	const uint64_t *arg = waits->where->record.arg;
	bool is_waitid = strcmp(call->name, "waitid") == 0, more = false;
	int32_t wanted = (int32_t)arg[is_waitid];
	pid_t child = 0;

	waits->found->kind = "child";
	if (!is_waitid && wanted > 0)
		child = host_tid(waits->pid, wanted);
	else if (is_waitid && arg[0] == P_PID)
		child = host_tid(waits->pid, wanted);
	else
		child = first_child(waits, &more);
	waits_say(waits, "in %s() for ", call->name);
	if (child <= 0) {
		waits_say(waits, "a child");
		return;
	}
	waits_say_process(waits, child, true);
	if (more)
		waits_say(waits, " or another child");
	waits_say_doing(waits, child);
}

static void by_call(struct waits *waits, const struct syscall_text *call)
{
	const struct thread_record *record = &waits->where->record;
	int fd = (int32_t)record->arg[0];

	switch (call->wait) {
	case SYSCALL_FUTEX:
		if (waits_for_futex(waits))
			return;
		waits_say(waits, "for something at 0x%" PRIx64, record->arg[0]);
		return;
	case SYSCALL_CHILD:
		for_child(waits, call);
		return;
	case SYSCALL_TIME:
		waits->found->kind = "time";
		break;
	case SYSCALL_LOCK:
		waits_for_lock(waits, fd);
		return;
	case SYSCALL_FILE:
	case SYSCALL_EPOLL:
		waits_for_file(waits, fd);
		return;
	case SYSCALL_POLL:
	case SYSCALL_SIGNAL:
	case SYSCALL_OTHER:
		break;
	}
	waits_say(waits, "in ");
	syscall_text_put(&waits->text, record);
}

static void fill_syscall(struct where *where, const struct syscall_text *call)
{
	struct report_syscall *to = arena_take(&where->arena, sizeof(*to));
	const char **args = arena_take(&where->arena, THREAD_SYSCALL_ARGS * sizeof(*args));

	if (!to || !args)
		return;
	for (unsigned int i = 0; i < call->args; i++) {
		struct text_buffer text = {0};

		syscall_text_arg(&text, call, &where->record, i);
		text_char(&text, '\0');
		args[i] = text.failed ? NULL : arena_string(&where->arena, text.data, text.size);
		text_buffer_free(&text);
	}
	*to = (struct report_syscall){call->name, args, call->args};
	where->thread.syscall = to;
}

void waits_find(struct where *where, struct threads *threads)
{
	struct waits waits = {.threads = threads, .where = where, .pid = (pid_t)where->record.pid};
	struct syscall_text call = syscall_text(&where->record);

	waits.found = arena_take(&where->arena, sizeof(*waits.found));
	if (!waits.found)
		return;
	*waits.found = (struct report_waits){.kind = "unknown", .fd = -1};
	/* Of no process there is nothing to read. */
	target_init(&waits.memory, where->untouchable ? -1 : waits.pid);
	if (call.name && where->record.state)
		fill_syscall(where, &call);
	if (where->record.state & 2)
		read_kernel_stack(&waits);
	if (!for_state(&waits) && call.name)
		by_call(&waits, &call);
	if (where->thread.n_kernel_stack && !waits.text.size) {
		waits.found->kind = "kernel";
		waits_say(&waits, "in the kernel, in %s()", where->thread.kernel_stack[0]);
	}
	if (waits.text.size) {
		text_char(&waits.text, '\0');
		waits.found->text = arena_string(&where->arena, waits.text.data, 4096);
		where->thread.waits = waits.found->text ? waits.found : NULL;
	}
	text_buffer_free(&waits.text);
	target_close(&waits.memory);
}
