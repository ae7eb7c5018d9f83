// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/thread_state.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/target/proc_file.h"

#define STATE_MAX 256
#define STATE_KEPT_NS 5000000

/* The letters for "state" in proc(5). */
static const struct {
	char letter;
	const char *phrase;
} states[] = {
	{'R', "running"},
	{'S', "sleeping"},
	{'D', "in uninterruptible sleep"},
	{'T', "stopped by a signal"},
	{'t', "stopped by a debugger"},
	{'I', "idle"},
};

/* What /proc/PID/task/TID/stat says about a thread. */
struct thread_stat {
	char state;
	int threads; /* of the process */
};

static int read_stat(pid_t pid, pid_t tid, struct thread_stat *stat)
{
	char buffer[512];
	char *end;

	if (proc_file_read(pid, tid, "stat", buffer, sizeof(buffer)) <= 0)
		return -ENOENT;
	/* The name in parentheses may contain anything, even parentheses. */
	end = strrchr(buffer, ')');
	if (!end || sscanf(end + 1,
			   " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d",
			   &stat->state, &stat->threads) != 2)
		return -ENOENT;
	return 0;
}

static bool has_ended(const struct thread_stat *stat)
{
	return stat->state == 'Z' || stat->state == 'X';
}

/* A first thread that has ended stays until all others have ended and the process was reaped. */
static bool process_runs(pid_t pid)
{
	struct thread_stat first;

	return read_stat(pid, pid, &first) == 0 && (!has_ended(&first) || first.threads > 1);
}

int thread_state(pid_t pid, pid_t tid, char *text, size_t size)
{
	const char *phrase = "in an unknown state";
	struct thread_stat stat;
	char wchan[256];

	text[0] = '\0';
	if (read_stat(pid, tid, &stat) || has_ended(&stat)) {
		if (!process_runs(pid))
			return -ENOENT;
		snprintf(text, size, "thread %d has ended", tid);
		return 0;
	}
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (states[i].letter == stat.state)
			phrase = states[i].phrase;
	}
	/* "0" if it is running, or if we are not allowed to know. */
	if (proc_file_read(pid, tid, "wchan", wchan, sizeof(wchan)) > 0 && strcmp(wchan, "0") != 0)
		snprintf(text, size, "thread %d is %s in %.200s", tid, phrase, wchan);
	else
		snprintf(text, size, "thread %d is %s", tid, phrase);
	return 0;
}

const char *thread_state_lately(pid_t pid, pid_t tid)
{
	static struct {
		pid_t pid, tid;
		uint64_t asked_ns;
		char text[STATE_MAX];
	} last;
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	if (last.pid != pid || last.tid != tid || now_ns - last.asked_ns > STATE_KEPT_NS) {
		last.pid = pid;
		last.tid = tid;
		last.asked_ns = now_ns;
		thread_state(pid, tid, last.text, sizeof(last.text));
	}
	return last.text[0] ? last.text : NULL;
}
