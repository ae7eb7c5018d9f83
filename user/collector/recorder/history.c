// SPDX-License-Identifier: BSD-2-Clause
/* No unit test: it only connects other parts, and tests/e2e/cases/attach.sh goes through it. */
#include "collector/recorder/history.h"

#include <stdlib.h>

#include "collector/base/clock.h"
#include "collector/target/log_source.h"
#include "collector/target/target_memory.h"

/*
 * How long the logs of a process are kept before they are looked up again: thousands of its
 * recorders may be due at the same moment; later it may have another log.
 */
#define KEPT_NS 1000000000

struct history {
	struct log_replay *replay;
	struct log_source *source; /* for @pid; NULL: it has none */
	uint32_t pid, generation;  /* of the process that was looked up last */
	uint64_t looked_up_ns;
	struct log_owner owner;
	struct log_recorder recorder;
};

struct history *history_new(void)
{
	struct history *history = calloc(1, sizeof(*history));

	if (!history)
		return NULL;
	history->replay = log_replay_new();
	if (history->replay)
		return history;
	free(history);
	return NULL;
}

void history_free(struct history *history)
{
	if (!history)
		return;
	log_source_close(history->source);
	log_replay_free(history->replay);
	free(history);
}

static struct log_source *source_of(struct history *history, const struct observed_process *process)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	if (history->looked_up_ns && history->pid == process->pid &&
	    history->generation == process->generation && now_ns - history->looked_up_ns < KEPT_NS)
		return history->source;
	log_source_close(history->source);
	history->pid = process->pid;
	history->generation = process->generation;
	history->looked_up_ns = now_ns;
	if (log_source_open_process(&history->source, (pid_t)process->pid))
		history->source = NULL;
	return history->source;
}

/* The library uses the same number for a recorder in its log and in its table. */
static bool read_number(pid_t pid, const struct recorder_slot *slot, uint32_t *number)
{
	struct target target;
	flightrec rec;
	bool found;

	target_init(&target, pid);
	found = target_read(&target, slot->rec, &rec, sizeof(rec)) == 0 && rec.id_ == slot->id;
	target_close(&target);
	*number = rec.slot_;
	return found;
}

/* If there are several copies of the library, the log of the one that opened the recorder. */
static struct memory_log *find_log(struct history *history, struct log_source *source,
				   const struct recorder_slot *slot, uint32_t number)
{
	struct memory_slot *copy = &history->recorder.copy;

	history->recorder.slot = number;
	for (size_t i = 0; i < log_source_logs(source); i++) {
		struct memory_log *log = log_source_log(source, i);

		if (memory_log_slot(log, number, copy) == 0 && copy->id == slot->id &&
		    copy->rec == slot->rec)
			return log;
	}
	return NULL;
}

const struct report *history_find(struct history *history, const struct observed_process *process,
				  const struct recorder_slot *slot, uint64_t until_ns)
{
	struct log_source *source = source_of(history, process);
	struct memory_log *log = NULL;
	struct report *report;
	uint32_t number;

	if (source && read_number((pid_t)process->pid, slot, &number))
		log = find_log(history, source, slot, number);
	if (!log)
		return NULL;
	history->owner = (struct log_owner){.pid = (pid_t)process->pid, .running = true};
	tick_clock_now(&history->owner.clock, &log->header, log_source_process(source)->ahead_ns);
	if (log_replay_make(history->replay, log, &history->recorder, &history->owner, &report))
		return NULL;
	log_replay_cut(history->replay, until_ns + clock_real_offset());
	return report;
}
