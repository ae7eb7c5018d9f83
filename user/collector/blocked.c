// SPDX-License-Identifier: BSD-2-Clause
#include "collector/blocked.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uthash.h>

#include "collector/base/clock.h"
#include "collector/span/syscall_names.h"
#include "collector/target/proc_names.h"
#include "collector/target/thread_state.h"
#include "collector/target/thread_wait.h"
#include "flightrec.h"

/* Looks are this far apart: so many to a limit, and not closer than this. */
#define LOOKS 8
#define APART_MIN_NS 20000000
#define APART_MAX_NS 1000000000
/* Beyond so many, threads are left out. */
#define THREADS_MAX 65536

struct key {
	pid_t pid;
	pid_t tid;
};

struct waiting_thread {
	struct key key;
	struct thread_wait wait;
	uint64_t since_ns; /* first seen so, CLOCK_MONOTONIC */
	uint64_t id;       /* of its report; 0: none was made */
	uint64_t look;     /* the last that found it */
	UT_hash_handle hh;
};

struct blocked {
	struct blocked_options options;
	struct waiting_thread *threads;
	uint64_t look;
	uint64_t next_ns;
	uint64_t reports;
	char message[256];
};

struct blocked *blocked_new(const struct blocked_options *options)
{
	struct blocked *b = calloc(1, sizeof(*b));

	if (b)
		b->options = *options;
	return b;
}

static void forget(struct blocked *b, struct waiting_thread *thread)
{
	HASH_DEL(b->threads, thread);
	free(thread);
}

void blocked_free(struct blocked *b)
{
	struct waiting_thread *thread, *next;

	if (!b)
		return;
	HASH_ITER(hh, b->threads, thread, next)
	{
		forget(b, thread);
	}
	free(b);
}

uint64_t blocked_next(const struct blocked *b)
{
	return b->next_ns;
}

/* ---- reports ---- */

static void describe(char *to, size_t size, const struct thread_wait *wait, const char *name)
{
	if (wait->syscall == THREAD_WAIT_NOTHING)
		snprintf(to, size, "in no system call");
	else
		snprintf(to, size,
			 "%s(%#" PRIx64 ", %#" PRIx64 ", %#" PRIx64 ", %#" PRIx64 ", %#" PRIx64
			 ", %#" PRIx64 ")",
			 name, wait->arg[0], wait->arg[1], wait->arg[2], wait->arg[3], wait->arg[4],
			 wait->arg[5]);
}

static void fill_entry(const struct report *report, size_t index, struct report_entry *to)
{
	const struct blocked *b = report->entries;

	(void)index;
	*to = (struct report_entry){.time_ns = report->recorder.started_ns,
				    .severity = FLIGHTREC_INFO,
				    .tid = report->recorder.tid,
				    .message = b->message};
}

static const char *name_of(const struct thread_wait *wait)
{
	const char *name = wait->syscall < 0 ? NULL : syscall_name(wait->syscall);

	return name ? name : wait->syscall < 0 ? "no system call" : "unknown system call";
}

static void emit(struct blocked *b, struct waiting_thread *thread, enum report_event event)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC), real_ns = clock_ns(CLOCK_REALTIME);
	char comm[PROC_COMM_SIZE] = "", exe[PATH_MAX];
	const char *name = name_of(&thread->wait);
	struct report report = {.event = event,
				.time_ns = real_ns,
				.has_recorder = true,
				.entry = fill_entry,
				.entries = b};

	proc_comm(thread->key.pid, thread->key.tid, comm);
	report.recorder = (struct report_recorder){
		.id = thread->id,
		.name = name,
		.comm = comm,
		.exe = proc_exe(thread->key.pid, exe, sizeof(exe)) ? exe : NULL,
		.pid = thread->key.pid,
		.tid = thread->key.tid,
		.started_ns = real_ns - (now_ns - thread->since_ns),
		.timeout_ns = b->options.limit_ns,
		.age_ns = now_ns - thread->since_ns,
		.span = "blocked",
		.source = thread->wait.state == 'D' ? "a thread in uninterruptible sleep"
						    : "a thread in one system call"};
	if (event == REPORT_TIMEOUT) {
		describe(b->message, sizeof(b->message), &thread->wait, name);
		report.n_entries = report.entries_total = 1;
		report.state = thread_state_lately(thread->key.pid, thread->key.tid);
	} else {
		report.late_ns = report.recorder.age_ns > b->options.limit_ns
					 ? report.recorder.age_ns - b->options.limit_ns
					 : 0;
	}
	b->options.emit(b->options.arg, &report);
}

/* ---- looks ---- */

static uint64_t apart_ns(const struct blocked *b)
{
	uint64_t ns = b->options.limit_ns / LOOKS;

	return ns < APART_MIN_NS ? APART_MIN_NS : ns > APART_MAX_NS ? APART_MAX_NS : ns;
}

void blocked_begin(struct blocked *b)
{
	b->look++;
	b->next_ns = clock_ns(CLOCK_MONOTONIC) + apart_ns(b);
}

static struct waiting_thread *add(struct blocked *b, struct key key)
{
	struct waiting_thread *thread;

	if (HASH_COUNT(b->threads) >= THREADS_MAX)
		return NULL;
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return NULL;
	thread->key = key;
	HASH_ADD(hh, b->threads, key, sizeof(thread->key), thread);
	return thread;
}

static void look_at(struct blocked *b, struct key key)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	struct waiting_thread *thread;
	struct thread_wait wait;

	HASH_FIND(hh, b->threads, &key, sizeof(key), thread);
	if (thread_wait_read(key.pid, key.tid, &wait))
		return;
	if (thread && !thread_wait_same(&thread->wait, &wait)) {
		if (thread->id)
			emit(b, thread, REPORT_FINISHED);
		forget(b, thread);
		thread = NULL;
	}
	if (!thread) {
		if (!b->options.idle &&
		    thread_wait_is_idle(key.pid, &wait, syscall_name(wait.syscall)))
			return;
		thread = add(b, key);
		if (!thread)
			return;
		thread->wait = wait;
		thread->since_ns = now_ns;
	}
	thread->look = b->look;
	if (thread->id || now_ns - thread->since_ns < b->options.limit_ns)
		return;
	thread->id = ++b->reports;
	emit(b, thread, REPORT_TIMEOUT);
}

void blocked_look(struct blocked *b, pid_t pid)
{
	char path[32];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return;
	while ((entry = readdir(tasks))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (tid > 0)
			look_at(b, (struct key){pid, tid});
	}
	closedir(tasks);
}

/* What was not found again runs, or has ended. */
void blocked_end(struct blocked *b)
{
	struct waiting_thread *thread, *next;

	HASH_ITER(hh, b->threads, thread, next)
	{
		if (thread->look == b->look)
			continue;
		if (thread->id)
			emit(b, thread, REPORT_FINISHED);
		forget(b, thread);
	}
}
