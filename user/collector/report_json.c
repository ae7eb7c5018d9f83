/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports for programs: FORMAT_JSON, one object a line. Entries are encoded one by one: a tree
 * of all of them would take ten times the memory that the collector allows itself for them.
 */
#include "collector/report.h"
#include "collector/escape.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

/* 15 digits are what a double surely holds: 0.1 stays 0.1. */
#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

/* Adds a value that the object takes over; NULL, as from a failed allocation, is an error. */
static int set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new_nocheck(object, key, value);
}

static json_t *new_string(const char *bytes)
{
	json_t *value;
	char *clean;

	if (!bytes)
		return json_null();
	if (utf8_valid(bytes))
		return json_string_nocheck(bytes);
	clean = utf8_sanitize(bytes);
	if (!clean)
		return NULL;
	value = json_string_nocheck(clean);
	free(clean);
	return value;
}

/* For what is always there. */
static json_t *new_text(const char *bytes)
{
	return new_string(bytes ? bytes : "");
}

static json_t *new_count(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *new_milliseconds(uint64_t ns)
{
	uint64_t rounded = ns / 100 + (ns % 100 >= 50);

	return json_real((double)rounded / 1e4);
}

/* As of RFC 3339, UTC. */
static json_t *new_timestamp(uint64_t time_ns)
{
	time_t second = (time_t)(time_ns / 1000000000);
	char date[24] = "1970-01-01T00:00:00";
	struct tm tm;

	if (gmtime_r(&second, &tm))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	return json_sprintf("%s.%06dZ", date, (int)(time_ns % 1000000000 / 1000));
}

static json_t *new_ident(uint64_t id)
{
	char name[48];

	snprintf(name, sizeof(name), "Flight Recorder-%" PRIu64, id);
	return json_string_nocheck(name);
}

static int set_context(json_t *context, const struct report_context *item)
{
	char *clean = utf8_sanitize(item->key ? item->key : "");
	int error;

	if (!clean)
		return -1;
	error = set(context, clean, new_text(item->value));
	free(clean);
	return error;
}

static json_t *new_context(const struct report_recorder *recorder)
{
	json_t *context = json_object();
	int error = !context;
	size_t i;

	for (i = 0; i < recorder->n_context; i++)
		error |= set_context(context, &recorder->context[i]);
	if (error) {
		json_decref(context);
		return NULL;
	}
	return context;
}

static json_t *new_recorder(const struct report_recorder *recorder)
{
	json_t *object = json_object();
	int error = !object;

	error |= set(object, "ident", new_ident(recorder->id));
	error |= set(object, "id", new_count(recorder->id));
	error |= set(object, "name", new_text(recorder->name));
	error |= set(object, "pid", json_integer(recorder->pid));
	error |= set(object, "tid", json_integer(recorder->tid));
	error |= set(object, "comm", new_text(recorder->comm));
	error |= set(object, "exe", new_string(recorder->exe));
	error |= set(object, "started", new_timestamp(recorder->started_ns));
	error |= set(object, "timeout_ms", new_milliseconds(recorder->timeout_ns));
	error |= set(object, "age_ms", new_milliseconds(recorder->age_ns));
	error |= set(object, "context", new_context(recorder));
	error |= set(object, "parent",
		     recorder->parent_id ? new_count(recorder->parent_id) : json_null());
	if (recorder->adopted)
		error |= set(object, "adopted", json_true());
	if (error) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *new_entry(const struct report *report, const struct report_entry *entry)
{
	json_t *object = json_object();
	int error = !object;

	error |= set(object, "time", new_timestamp(entry->time_ns));
	error |= set(object, "offset_ms",
		     report->has_recorder ? new_milliseconds(entry->offset_ns) : json_null());
	error |= set(object, "severity", json_string(report_severity_name(entry->severity)));
	error |= set(object, "message", new_text(entry->message));
	error |= set(object, "tid", json_integer(entry->tid));
	error |= set(object, "file", new_string(entry->file));
	error |= set(object, "line", entry->line ? json_integer(entry->line) : json_null());
	error |= set(object, "function", new_string(entry->function));
	if (error) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static const char *event_name(enum report_event event)
{
	switch (event) {
	case REPORT_TIMEOUT:
		return "timeout";
	case REPORT_REPLAY:
		return "replay";
	case REPORT_ENTRY:
		return "entry";
	case REPORT_FINISHED:
		return "finished";
	case REPORT_DIED:
		return "died";
	case REPORT_END:
		return "end";
	}
	return NULL;
}

/* What every event begins with. */
static json_t *new_head(const struct report *report)
{
	json_t *object = json_object();
	int error = !object;

	error |= set(object, "event", json_string(event_name(report->event)));
	error |= set(object, "time", new_timestamp(report->time_ns));
	if (report->has_recorder) {
		error |= set(object, "recorder", new_recorder(&report->recorder));
	} else if (report->event == REPORT_ENTRY) {
		error |= set(object, "pid", json_integer(report->pid));
		error |= set(object, "comm", new_text(report->comm));
	}
	if (error) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static int add_entry_counts(json_t *object, const struct report *report)
{
	int error = 0;

	error |= set(object, "entries_total", new_count(report->entries_total));
	error |= set(object, "entries_lost", new_count(report->entries_lost));
	return error;
}

static int add_replay(json_t *object, const struct report *report)
{
	int error = add_entry_counts(object, report);
	size_t at = report->gap_at < report->n_entries ? report->gap_at : report->n_entries;

	if (report->gap_lost)
		error |= set(object, "entries_gap",
			     json_pack("{s:o, s:o}", "at", new_count(at), "lost",
				       new_count(report->gap_lost)));
	if (report->state)
		error |= set(object, "state", new_string(report->state));
	return error;
}

static int add_died(json_t *object, const struct report *report)
{
	int status = report->wait_status;
	int error = 0;

	if (status == -1) {
		error |= set(object, "execve", json_true());
	} else if (WIFEXITED(status)) {
		error |= set(object, "exit_status", json_integer(WEXITSTATUS(status)));
	} else {
		error |= set(object, "signal", json_integer(WTERMSIG(status)));
		error |= set(object, "signal_name",
			     new_string(report_signal_name(WTERMSIG(status))));
		if (WCOREDUMP(status))
			error |= set(object, "core_dumped", json_true());
	}
	return error;
}

static int add_totals(json_t *object, const struct report_totals *totals)
{
	const struct report_losses *losses = &totals->losses;
	json_t *lost = json_object();
	int error = !lost;

	error |= set(lost, "ring", new_count(losses->ring));
	error |= set(lost, "share", new_count(losses->share));
	error |= set(lost, "unreadable", new_count(losses->unreadable));
	error |= set(lost, "untracked", new_count(losses->untracked));
	error |= set(lost, "buffer", new_count(losses->buffer));

	error |= set(object, "recorders_opened", new_count(totals->opened));
	error |= set(object, "recorders_timed_out", new_count(totals->timed_out));
	error |= set(object, "entries_seen", new_count(totals->entries));
	error |= set(object, "entries_lost", new_count(totals->lost));
	error |= set(object, "lost", lost);
	error |= set(object, "recorders_untracked", new_count(totals->untracked));
	error |= set(object, "reports_lost", new_count(totals->reports_lost));
	return error;
}

static int write_escaped(const char *json, size_t size, void *out)
{
	escape_json(out, json, size);
	return 0;
}

/* Takes @value over. */
static int dump(FILE *out, json_t *value, size_t flags)
{
	int error = -ENOMEM;

	if (value && !json_dump_callback(value, write_escaped, out, DUMP_FLAGS | flags))
		error = 0;
	json_decref(value);
	return error;
}

static int write_replay(FILE *out, const struct report *report)
{
	json_t *tail;
	size_t i;
	int error;

	fputc('{', out);
	error = dump(out, new_head(report), JSON_EMBED);
	fputs(",\"entries\":[", out);
	for (i = 0; i < report->n_entries && !error; i++) {
		if (i)
			fputc(',', out);
		error = dump(out, new_entry(report, &report->entries[i]), 0);
	}
	fputs("],", out);
	if (error)
		return error;

	tail = json_object();
	if (add_replay(tail, report)) {
		json_decref(tail);
		return -ENOMEM;
	}
	error = dump(out, tail, JSON_EMBED);
	fputs("}\n", out);
	return error;
}

static int write_object(FILE *out, const struct report *report, const struct report_entry *entry)
{
	json_t *object = new_head(report);
	int error = !object;

	if (entry)
		error |= set(object, "entry", new_entry(report, entry));
	else if (report->event == REPORT_FINISHED)
		error |= set(object, "late_ms", new_milliseconds(report->late_ns));
	else if (report->event == REPORT_DIED)
		error |= add_died(object, report);
	else
		error |= add_totals(object, &report->totals);
	/* Entries after the replay: left out unless the collector counted. */
	if (report->event != REPORT_ENTRY && report->has_recorder && report->entries_total)
		error |= add_entry_counts(object, report);
	if (error) {
		json_decref(object);
		return -ENOMEM;
	}
	error = dump(out, object, 0);
	fputc('\n', out);
	return error;
}

int report_json(FILE *out, const struct report *report)
{
	int error = 0;
	size_t i;

	switch (report->event) {
	case REPORT_TIMEOUT:
	case REPORT_REPLAY:
		return write_replay(out, report);
	case REPORT_ENTRY:
		for (i = 0; i < report->n_entries && !error; i++)
			error = write_object(out, report, &report->entries[i]);
		return error;
	case REPORT_FINISHED:
	case REPORT_DIED:
	case REPORT_END:
		return write_object(out, report, NULL);
	}
	return -EINVAL;
}
