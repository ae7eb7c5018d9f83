/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports for people: the forms "text" and "detail". The lines are fixed, letter for letter, and
 * each stays one line whatever the observed process put into its strings.
 */
#include "collector/report/report_text.h"

#include <flightrec.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "collector/base/escape.h"
#include "collector/report/frame_text.h"
#include "collector/report/names.h"
#include "collector/report/report_time.h"
#include "collector/report/unfinished.h"

#define SECOND UINT64_C(1000000000)

struct text {
	struct text_buffer *out;
	struct report_form_state *state;
	const struct report *report;
	bool detail;
	/* "[2018-04-19 09:43:55,877: ", the beginning of each line */
	char now[48];
	size_t now_size;
};

static void format_now(struct text *text)
{
	uint64_t time_ns = text->report->time_ns;
	struct text_buffer now = {.data = text->now, .room = sizeof(text->now)};

	text_string(&now, date_text(&text->state->stamps, time_ns, &report_stamp_style));
	text_number(&now, time_ns % SECOND / 1000000, 3);
	text_string(&now, ": ");
	text->now_size = now.size;
}

static void write_date(struct text *text, uint64_t time_ns)
{
	text_string(text->out, date_text(&text->state->dates, time_ns, &report_date_style));
}

static void begin_plain_line(struct text *text, int severity)
{
	text_put(text->out, text->now, text->now_size);
	text_string(text->out, severity_name(severity));
	text_string(text->out, "]: ");
}

/* Begins a line of a block. The block's first line says whose it is. */
static void begin_block_line(struct text *text, int severity)
{
	begin_plain_line(text, severity);
	text_string(text->out, "[Flight Recorder-");
	text_number(text->out, text->report->recorder.id, 1);
	text_string(text->out, "] ");
}

/*
 * Begins a line outside of a block. Several processes may have a recorder of that number, so the
 * line itself names the process.
 */
static void begin_line(struct text *text, int severity)
{
	const struct report *report = text->report;
	const char *comm = report->has_recorder ? report->recorder.comm : report->comm;

	if (report->has_recorder) {
		begin_block_line(text, severity);
	} else {
		begin_plain_line(text, severity);
		text_string(text->out, "[no recorder] ");
	}
	escape_word(text->out, comm);
	text_char(text->out, '[');
	text_integer(text->out, report->has_recorder ? report->recorder.pid : report->pid);
	text_string(text->out, "]: ");
}

static void write_name(struct text *text)
{
	const char *name = text->report->recorder.name;

	if (name && *name)
		escape_quoted(text->out, name);
	else
		text_string(text->out, "(no name)");
}

/* What only we can have written comes first, then what the program chose. */
static void write_head(struct text *text)
{
	const struct report_recorder *recorder = &text->report->recorder;
	struct text_buffer *out = text->out;

	begin_block_line(text, FLIGHTREC_INFO);
	text_string(out, "pid ");
	text_integer(out, recorder->pid);
	text_string(out, ", thread ");
	text_integer(out, recorder->tid);
	if (recorder->timeout_ns < REPORT_NO_TIMEOUT_NS) {
		text_string(out, ", timeout ");
		report_duration(out, recorder->timeout_ns);
	} else {
		text_string(out, ", no timeout");
	}
	text_string(out, recorder->closed ? ", closed after " : ", open for ");
	report_duration(out, recorder->age_ns);
	text_string(out, ": ");
	write_name(text);
	text_string(out, " of ");
	escape_word(out, recorder->comm);
	if (recorder->exe) {
		text_string(out, ", ");
		escape_word(out, recorder->exe);
	}
	text_char(out, '\n');
}

/* How long the recorder has been, or was when it closed, in the step that it did not finish. */
static void write_unfinished(struct text *text)
{
	uint64_t age_ns = text->report->recorder.age_ns;
	struct report_entry entry;

	if (!unfinished_step(text->report, &entry))
		return;
	begin_block_line(text, FLIGHTREC_INFO);
	text_string(text->out, "unfinished for ");
	report_duration(text->out, age_ns > entry.offset_ns ? age_ns - entry.offset_ns : 0);
	text_string(text->out, ": ");
	escape_text(text->out, entry.message);
	text_char(text->out, '\n');
}

static void write_who(struct text *text)
{
	const struct report_recorder *recorder = &text->report->recorder;
	struct text_buffer *out = text->out;
	size_t i;

	write_head(text);
	if (recorder->parent_id) {
		begin_block_line(text, FLIGHTREC_INFO);
		text_string(out, "inside Flight Recorder-");
		text_number(out, recorder->parent_id, 1);
		text_char(out, '\n');
	}
	if (recorder->span) {
		begin_block_line(text, FLIGHTREC_INFO);
		text_string(out, "span: ");
		escape_word(out, recorder->span);
		text_string(out, ", begun by ");
		escape_text(out, recorder->source);
		text_char(out, '\n');
	}
	for (i = 0; i < recorder->n_context; i++) {
		begin_block_line(text, FLIGHTREC_INFO);
		text_string(out, "context: ");
		escape_word(out, recorder->context[i].key);
		text_string(out, " = ");
		escape_text(out, recorder->context[i].value);
		text_char(out, '\n');
	}
	if (recorder->adopted) {
		begin_block_line(text, FLIGHTREC_INFO);
		text_string(out, "opened ");
		if (recorder->opened_before_ns) {
			report_duration(out, recorder->opened_before_ns);
			text_char(out, ' ');
		}
		text_string(
			out,
			recorder->has_history
				? "before flightrec watched\n"
				: "before flightrec watched: its earlier entries are not known\n");
	}
	write_unfinished(text);
	if (text->report->state) {
		begin_block_line(text, FLIGHTREC_INFO);
		text_string(out, "state: ");
		escape_text(out, text->report->state);
		text_char(out, '\n');
	}
	if (text->report->thread && text->report->thread->waits) {
		begin_block_line(text, FLIGHTREC_INFO);
		text_string(text->out, "waits: ");
		escape_text(text->out, text->report->thread->waits->text);
		text_char(text->out, '\n');
	}
}

/* Where the entry was logged, as far as known: "+0.012 ms [4243] cache.c:21 refresh:" */
static void write_detail(struct text *text, const struct report_entry *entry)
{
	uint64_t us = entry->offset_ns / 1000 + (entry->offset_ns % 1000 >= 500);
	struct text_buffer *out = text->out;

	if (text->report->has_recorder) {
		text_string(out, " +");
		text_number(out, us / 1000, 1);
		text_char(out, '.');
		text_number(out, us % 1000, 3);
		text_string(out, " ms");
	}
	text_string(out, " [");
	text_integer(out, entry->tid);
	text_char(out, ']');
	if (entry->file) {
		text_char(out, ' ');
		escape_word(out, entry->file);
		if (entry->line) {
			text_char(out, ':');
			text_number(out, entry->line, 1);
		}
	}
	if (entry->function) {
		text_char(out, ' ');
		escape_word(out, entry->function);
	}
	text_char(out, ':');
}

/* What follows the beginning of the line. */
static void write_entry(struct text *text, const struct report_entry *entry)
{
	text_char(text->out, '(');
	write_date(text, entry->time_ns);
	text_char(text->out, ')');
	if (text->detail)
		write_detail(text, entry);
	text_char(text->out, ' ');
	escape_text(text->out, entry->message);
	text_char(text->out, '\n');
}

static void write_count(struct text *text, uint64_t entries, const char *what)
{
	text_number(text->out, entries, 1);
	text_string(text->out, entries == 1 ? " entry " : " entries ");
	text_string(text->out, what);
}

static void write_gap(struct text *text)
{
	begin_block_line(text, FLIGHTREC_WARNING);
	text_string(text->out, "... ");
	write_count(text, text->report->gap_lost, "left out here ...\n");
}

static void write_entries(struct text *text)
{
	const struct report *report = text->report;
	struct report_entry entry;
	size_t i;

	for (i = 0; i < report->n_entries; i++) {
		if (report->gap_lost && report->gap_at == i)
			write_gap(text);
		report->entry(report, i, &entry);
		begin_block_line(text, entry.severity);
		write_entry(text, &entry);
	}
	/* A gap behind the last entry, wherever that is, is reported as well. */
	if (report->gap_lost && report->gap_at >= report->n_entries)
		write_gap(text);
}

static void write_lost(struct text *text)
{
	write_count(text, text->report->entries_lost, "lost\n");
}

static void write_traceback(struct text *text, const struct report_thread *thread)
{
	begin_block_line(text, FLIGHTREC_INFO);
	text_string(text->out, "Task traceback\n");
	for (size_t i = 0; i < thread->n_frames; i++) {
		begin_block_line(text, FLIGHTREC_INFO);
		frame_text(text->out, &thread->frame[i], i);
		text_char(text->out, '\n');
	}
	if (!thread->stack_end || strcmp(thread->stack_end, "complete") == 0)
		return;
	begin_block_line(text, FLIGHTREC_INFO);
	text_char(text->out, '(');
	text_string(text->out, thread->stack_end);
	text_string(text->out, ")\n");
}

static void write_replay(struct text *text)
{
	const struct report *report = text->report;

	if (report->event == REPORT_TIMEOUT) {
		begin_plain_line(text, FLIGHTREC_WARNING);
		text_string(text->out, "Warning: Task timed out!\n");
		begin_plain_line(text, FLIGHTREC_WARNING);
		text_string(text->out, "Please make sure it is hanging before restarting.\n");
	}
	write_who(text);
	begin_block_line(text, FLIGHTREC_INFO);
	text_string(text->out, "(started at ");
	write_date(text, report->recorder.started_ns);
	text_string(text->out, ") Replaying logs...\n");
	write_entries(text);
	begin_block_line(text, FLIGHTREC_INFO);
	text_string(text->out, "-End of log-\n");
	if (report->entries_lost) {
		begin_block_line(text, FLIGHTREC_WARNING);
		write_lost(text);
	}
	if (report->thread)
		write_traceback(text, report->thread);
}

/* Follows what became of a recorder. */
static void write_lost_later(struct text *text)
{
	if (text->report->entries_lost) {
		begin_line(text, FLIGHTREC_WARNING);
		write_lost(text);
	}
}

static void write_finished(struct text *text)
{
	begin_line(text, FLIGHTREC_INFO);
	write_name(text);
	text_string(text->out, " finished after ");
	report_duration(text->out, text->report->recorder.age_ns);
	text_string(text->out, ", ");
	report_duration(text->out, text->report->late_ns);
	text_string(text->out, " past its deadline\n");
	write_lost_later(text);
}

static void write_signal(struct text_buffer *out, int status)
{
	const char *name = signal_name(WTERMSIG(status));

	text_string(out, "was killed by signal ");
	text_integer(out, WTERMSIG(status));
	if (name) {
		text_string(out, " (");
		text_string(out, name);
		text_char(out, ')');
	}
	if (WCOREDUMP(status))
		text_string(out, ", core dumped");
}

static void write_died(struct text *text)
{
	int status = text->report->wait_status;

	begin_line(text, FLIGHTREC_WARNING);
	write_name(text);
	text_string(text->out, " never finished: its process ");
	if (status == -1) {
		text_string(text->out, "called execve()");
	} else if (WIFEXITED(status)) {
		text_string(text->out, "exited with status ");
		text_integer(text->out, WEXITSTATUS(status));
	} else {
		write_signal(text->out, status);
	}
	text_char(text->out, '\n');
	if (text->report->in_time)
		write_replay(text);
	else
		write_lost_later(text);
}

static void write_held_back(struct text *text)
{
	begin_line(text, FLIGHTREC_WARNING);
	text_number(text->out, text->report->held_back, 1);
	text_string(text->out, text->report->held_back == 1 ? " line" : " lines");
	text_string(text->out, " held back: more than ");
	text_number(text->out, text->report->lines_per_second, 1);
	text_string(text->out, " in a second\n");
}

static void write_reports_lost(struct text *text)
{
	begin_plain_line(text, FLIGHTREC_WARNING);
	text_number(text->out, text->report->reports_lost, 1);
	text_string(text->out, text->report->reports_lost == 1 ? " report" : " reports");
	text_string(text->out, " lost here: what flightrec wrote was not read fast enough\n");
}

static void append(struct text *text)
{
	const struct report *report = text->report;
	struct report_entry entry;

	format_now(text);
	switch (report->event) {
	case REPORT_TIMEOUT:
	case REPORT_REPLAY:
		write_replay(text);
		break;
	case REPORT_ENTRY:
		report->entry(report, 0, &entry);
		begin_line(text, entry.severity);
		write_entry(text, &entry);
		break;
	case REPORT_FINISHED:
		write_finished(text);
		break;
	case REPORT_DIED:
		write_died(text);
		break;
	case REPORT_HELD_BACK:
		write_held_back(text);
		break;
	case REPORT_LOST:
		write_reports_lost(text);
		break;
	case REPORT_END:
		/* The command's closing line shows the totals. */
		break;
	}
}

static void append_text(struct report_form_state *state, struct text_buffer *to,
			const struct report *report)
{
	struct text text = {.out = to, .state = state, .report = report};

	append(&text);
}

static void append_detail(struct report_form_state *state, struct text_buffer *to,
			  const struct report *report)
{
	struct text text = {.out = to, .state = state, .report = report, .detail = true};

	append(&text);
}

const struct report_form report_form_text = {.name = "text", .append = append_text};
const struct report_form report_form_detail = {.name = "detail", .append = append_detail};
