// SPDX-License-Identifier: BSD-2-Clause
/* `flightrec list`: processes that use the library, and their open recorders. */

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/inspect.h"
#include "cli/options.h"
#include "collector/base/escape.h"
#include "collector/base/message.h"
#include "collector/base/text_buffer.h"
#include "collector/inspection.h"

struct list {
	const struct options *options;
	struct text_buffer text;
	uint64_t processes;
	uint64_t recorders; /* of the process at hand */
	int status;
};

static void write_out(struct list *list)
{
	fwrite(list->text.data, 1, list->text.size, stdout);
	text_buffer_cut(&list->text, 0);
}

/* The user's name, or the number if there is no name. */
static const char *user_name(uid_t uid)
{
	static char number[16];
	const struct passwd *user = getpwuid(uid);

	if (user)
		return user->pw_name;
	snprintf(number, sizeof(number), "%u", uid);
	return number;
}

/* ---- JSON ---- */

static void put_member(struct text_buffer *to, const char *key, const char *string)
{
	text_string(to, ",\"");
	text_string(to, key);
	text_string(to, "\":");
	if (string)
		escape_json(to, string);
	else
		text_string(to, "null");
}

static void put_ms(struct text_buffer *to, const char *key, int64_t ns)
{
	char number[48];

	snprintf(number, sizeof(number), ",\"%s\":%.4f", key, (double)ns / 1e6);
	text_string(to, number);
}

static void put_number(struct text_buffer *to, const char *key, uint64_t number)
{
	text_string(to, ",\"");
	text_string(to, key);
	text_string(to, "\":");
	text_number(to, number > INT64_MAX ? INT64_MAX : number, 1);
}

static int put_recorder(void *arg, const struct report *report)
{
	struct list *list = arg;
	const struct report_recorder *recorder = &report->recorder;
	struct text_buffer *to = &list->text;

	text_string(to, list->recorders++ ? ",{" : "{");
	text_string(to, "\"ident\":\"Flight Recorder-");
	text_number(to, recorder->id, 1);
	text_char(to, '"');
	put_number(to, "id", recorder->id);
	put_member(to, "name", recorder->name);
	put_number(to, "tid", (uint64_t)recorder->tid);
	put_ms(to, "age_ms", inspect_ns(recorder->age_ns));
	put_ms(to, "timeout_ms", inspect_ns(recorder->timeout_ns));
	put_ms(to, "left_ms", inspect_left_ns(recorder));
	put_number(to, "entries", report->entries_total);
	put_member(to, "last", inspect_last(report));
	text_char(to, '}');
	write_out(list);
	return 0;
}

static int put_process(struct list *list, struct inspection *inspection)
{
	const struct inspected_process *process = inspection_process(inspection);
	struct text_buffer *to = &list->text;
	int err;

	text_string(to, "{\"event\":\"process\"");
	put_number(to, "pid", (uint64_t)process->pid);
	put_member(to, "comm", process->comm);
	put_member(to, "exe", process->exe);
	put_member(to, "user", user_name(process->uid));
	put_member(to, "container", process->container);
	put_member(to, "library", process->library);
	put_member(to, "linked", process->shared ? "shared" : "static");
	text_string(to, ",\"recorders\":[");
	err = inspection_replay(inspection, false, put_recorder, list);
	text_string(to, "]}\n");
	write_out(list);
	return err;
}

/* ---- text ---- */

static void write_seconds(struct text_buffer *to, int64_t ns)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f s", (double)ns / 1e9);
	text_string(to, text);
}

static void write_left(struct text_buffer *to, const struct report_recorder *recorder)
{
	int64_t left = inspect_left_ns(recorder);

	if (recorder->timeout_ns >= REPORT_NO_TIMEOUT_NS) {
		text_string(to, ", no timeout");
		return;
	}
	text_string(to, left < 0 ? ", overdue by " : ", times out in ");
	write_seconds(to, left < 0 ? -left : left);
}

static int write_recorder(void *arg, const struct report *report)
{
	struct list *list = arg;
	const struct report_recorder *recorder = &report->recorder;
	const char *last = inspect_last(report);
	struct text_buffer *to = &list->text;
	list->recorders++;
	text_string(to, "  [Flight Recorder-");
	text_number(to, recorder->id, 1);
	text_string(to, "] open for ");
	write_seconds(to, inspect_ns(recorder->age_ns));
	write_left(to, recorder);
	text_string(to, ", thread ");
	text_integer(to, recorder->tid);
	text_string(to, ", ");
	text_number(to, report->entries_total, 1);
	text_string(to, report->entries_total == 1 ? " entry: " : " entries: ");
	if (recorder->name && *recorder->name)
		escape_quoted(to, recorder->name);
	else
		text_string(to, "(no name)");
	if (last) {
		text_string(to, ", last ");
		escape_quoted(to, last);
	}
	text_char(to, '\n');
	write_out(list);
	return 0;
}

static int write_process(struct list *list, struct inspection *inspection)
{
	const struct inspected_process *process = inspection_process(inspection);
	struct text_buffer *to = &list->text;
	int err;

	text_string(to, "pid ");
	text_integer(to, process->pid);
	text_string(to, ", user ");
	escape_word(to, user_name(process->uid));
	text_string(to, ", library ");
	escape_word(to, process->library);
	text_string(to, process->shared ? " (shared)" : " (static)");
	if (process->container) {
		text_string(to, ", container ");
		text_put(to, process->container, 12);
	}
	text_string(to, ": ");
	escape_word(to, process->comm);
	if (process->exe) {
		text_string(to, ", ");
		escape_word(to, process->exe);
	}
	text_char(to, '\n');
	err = inspection_replay(inspection, false, write_recorder, list);
	if (!err && !list->recorders)
		text_string(to, "  no open recorder\n");
	write_out(list);
	return err;
}

/* ---- either ---- */

static int list_process(void *arg, struct inspection *inspection)
{
	struct list *list = arg;
	int err;

	list->processes++;
	list->recorders = 0;
	err = list->options->json ? put_process(list, inspection) : write_process(list, inspection);
	/* The process may have ended meanwhile. */
	if (err && err != -ESRCH) {
		message("process %d: %s", inspection_process(inspection)->pid, strerror(-err));
		list->status = EXIT_FAILED;
	}
	return 0;
}

static int list_named(struct list *list)
{
	struct inspection *inspection;
	int status = 0;

	for (size_t i = 0; i < list->options->n_pids; i++) {
		status = inspect_status(status, inspect_open(&inspection, list->options->pids[i]));
		if (!inspection)
			continue;
		list_process(list, inspection);
		inspection_close(inspection);
	}
	return status;
}

int cmd_list(const struct options *options)
{
	struct list list = {.options = options};
	int err;

	if (options->n_pids) {
		list.status = inspect_status(list_named(&list), list.status);
	} else {
		err = inspection_each(list_process, &list);
		if (err) {
			message("cannot read /proc: %s", strerror(-err));
			list.status = EXIT_FAILED;
		} else if (!list.processes) {
			message("no process here keeps a memory log, or none may be "
				"looked at: try as root");
		}
	}
	text_buffer_free(&list.text);
	return list.status;
}
