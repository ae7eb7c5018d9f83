// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reports for people in a hurry: the form "short", a block a hang. Who, in what step and for how
 * long, what it waits for, where it is, and then the last entries. Each line begins with a word
 * that says what it is about, in colour if that is wanted, and ends at the width of the terminal.
 */
#include "collector/report/report_short.h"

#include <flightrec.h>
#include <string.h>
#include <sys/wait.h>

#include "collector/base/escape.h"
#include "collector/report/frame_text.h"
#include "collector/report/names.h"
#include "collector/report/report_time.h"
#include "collector/report/unfinished.h"

/* What is left of the log; the other forms have all of it. */
#define ENTRIES_MAX 12
#define FRAMES_MAX 12

#define RED "\x1b[1;31m"
#define YELLOW "\x1b[33m"
#define GREEN "\x1b[32m"
#define DIM "\x1b[2m"
#define PLAIN "\x1b[0m"

/* Room for the words in front, and a blank. */
#define WORD_WIDTH 6

struct brief {
	struct text_buffer *out;
	const struct report_form_state *state;
	const struct report *report;
	size_t line; /* where what follows the word begins */
};

static void begin_line(struct brief *brief, const char *colour, const char *word)
{
	size_t length = strlen(word);

	if (brief->state->terminal.colour)
		text_string(brief->out, colour);
	text_string(brief->out, word);
	if (brief->state->terminal.colour)
		text_string(brief->out, PLAIN);
	for (; length < WORD_WIDTH; length++)
		text_char(brief->out, ' ');
	brief->line = brief->out->size;
}

/* Cuts what is wider than the terminal; a character is a column. */
static void end_line(struct brief *brief)
{
	struct text_buffer *out = brief->out;
	size_t room = brief->state->terminal.width > WORD_WIDTH + 1
			      ? brief->state->terminal.width - WORD_WIDTH
			      : 0;
	size_t columns = 0, at = brief->line;

	for (; room && !out->failed && at < out->size; at++) {
		bool begins = ((unsigned char)out->data[at] & 0xc0) != 0x80;

		if (begins && ++columns > room) {
			text_buffer_cut(out, at);
			break;
		}
	}
	text_char(out, '\n');
}

/* For what is not to be cut: goes on in another line, between words. */
static void write_wrapped(struct brief *brief, const char *text)
{
	struct text_buffer whole = {0};
	size_t room = brief->state->terminal.width > 3 * WORD_WIDTH
			      ? brief->state->terminal.width - WORD_WIDTH
			      : SIZE_MAX;
	const char *at, *end;

	escape_text(&whole, text);
	text_char(&whole, '\0');
	at = whole.failed ? "" : whole.data;
	while (strlen(at) > room) {
		end = memrchr(at, ' ', room + 1);
		if (!end || end == at)
			break;
		text_put(brief->out, at, (size_t)(end - at));
		text_char(brief->out, '\n');
		begin_line(brief, "", "");
		at = end + 1;
	}
	text_string(brief->out, at);
	end_line(brief);
	text_buffer_free(&whole);
}

static void put_who(struct brief *brief)
{
	const struct report *report = brief->report;
	const struct report_recorder *recorder = &report->recorder;
	struct text_buffer *out = brief->out;

	escape_word(out, report->has_recorder ? recorder->comm : report->comm);
	text_char(out, '[');
	text_integer(out, report->has_recorder ? recorder->pid : report->pid);
	text_char(out, ']');
	if (!report->has_recorder)
		return;
	text_char(out, ' ');
	if (recorder->name && *recorder->name)
		escape_quoted(out, recorder->name);
	else
		text_string(out, "(no name)");
}

static void write_head(struct brief *brief)
{
	const struct report_recorder *recorder = &brief->report->recorder;
	bool timed_out = brief->report->event == REPORT_TIMEOUT;

	begin_line(brief, timed_out ? RED : YELLOW, timed_out ? "HANG" : "OPEN");
	put_who(brief);
	text_string(brief->out, recorder->closed ? " was open for " : " for ");
	report_duration(brief->out, recorder->age_ns);
	if (recorder->timeout_ns < REPORT_NO_TIMEOUT_NS) {
		text_string(brief->out, ", timeout ");
		report_duration(brief->out, recorder->timeout_ns);
	}
	end_line(brief);
}

static void write_step(struct brief *brief)
{
	uint64_t age_ns = brief->report->recorder.age_ns;
	struct report_entry entry;

	if (!unfinished_step(brief->report, &entry))
		return;
	begin_line(brief, YELLOW, "in");
	report_duration(brief->out, age_ns > entry.offset_ns ? age_ns - entry.offset_ns : 0);
	text_string(brief->out, ": ");
	escape_text(brief->out, entry.message + 1);
	end_line(brief);
}

static void write_context(struct brief *brief)
{
	const struct report_recorder *recorder = &brief->report->recorder;

	for (size_t i = 0; i < recorder->n_context; i++) {
		begin_line(brief, DIM, "with");
		escape_word(brief->out, recorder->context[i].key);
		text_string(brief->out, " = ");
		escape_text(brief->out, recorder->context[i].value);
		end_line(brief);
	}
}

/* What it waits for; if that is not known, what it is doing. */
static void write_waits(struct brief *brief)
{
	const struct report_thread *thread = brief->report->thread;
	const char *text = thread && thread->waits ? thread->waits->text : brief->report->state;

	if (!text)
		return;
	begin_line(brief, YELLOW, thread && thread->waits ? "waits" : "is");
	write_wrapped(brief, text);
}

static void write_stack(struct brief *brief)
{
	const struct report_thread *thread = brief->report->thread;

	for (size_t i = 0; thread && i < thread->n_frames; i++) {
		begin_line(brief, DIM, i ? "" : "at");
		if (i == FRAMES_MAX) {
			text_string(brief->out, "... ");
			text_number(brief->out, thread->n_frames - i, 1);
			text_string(brief->out, " more");
			end_line(brief);
			return;
		}
		frame_text(brief->out, &thread->frame[i], i);
		end_line(brief);
	}
}

static const char *severity_colour(int severity)
{
	return severity >= FLIGHTREC_ERROR ? RED : severity == FLIGHTREC_WARNING ? YELLOW : DIM;
}

static void write_entry(struct brief *brief, const struct report_entry *entry, const char *word)
{
	begin_line(brief, severity_colour(entry->severity), word);
	if (brief->report->has_recorder) {
		text_char(brief->out, '+');
		text_number(brief->out, entry->offset_ns / 1000000000, 1);
		text_char(brief->out, '.');
		text_number(brief->out, entry->offset_ns / 1000000 % 1000, 3);
		text_char(brief->out, ' ');
	}
	escape_text(brief->out, entry->message);
	end_line(brief);
}

static void write_entries(struct brief *brief)
{
	const struct report *report = brief->report;
	size_t first = report->n_entries > ENTRIES_MAX ? report->n_entries - ENTRIES_MAX : 0;
	uint64_t shown = report->n_entries - first;
	struct report_entry entry;

	if (report->entries_total > shown) {
		begin_line(brief, DIM, "log");
		text_string(brief->out, "... ");
		text_number(brief->out, report->entries_total - shown, 1);
		text_string(brief->out, " more");
		end_line(brief);
	}
	for (size_t i = first; i < report->n_entries; i++) {
		report->entry(report, i, &entry);
		write_entry(brief, &entry, "log");
	}
}

static void write_hang(struct brief *brief)
{
	write_head(brief);
	write_step(brief);
	write_context(brief);
	write_waits(brief);
	write_stack(brief);
	write_entries(brief);
	text_char(brief->out, '\n');
}

static void write_finished(struct brief *brief)
{
	begin_line(brief, GREEN, "DONE");
	put_who(brief);
	text_string(brief->out, " after ");
	report_duration(brief->out, brief->report->recorder.age_ns);
	end_line(brief);
}

static void write_died(struct brief *brief)
{
	int status = brief->report->wait_status;

	begin_line(brief, RED, "DIED");
	put_who(brief);
	if (status == -1) {
		text_string(brief->out, ": execve()");
	} else if (WIFEXITED(status)) {
		text_string(brief->out, ": exit status ");
		text_integer(brief->out, WEXITSTATUS(status));
	} else {
		text_string(brief->out, ": signal ");
		text_integer(brief->out, WTERMSIG(status));
		if (signal_name(WTERMSIG(status))) {
			text_char(brief->out, ' ');
			text_string(brief->out, signal_name(WTERMSIG(status)));
		}
	}
	end_line(brief);
}

/* @who: it is of one process. */
static void write_missing(struct brief *brief, uint64_t count, const char *what, bool who)
{
	begin_line(brief, YELLOW, "LOST");
	if (who) {
		put_who(brief);
		text_string(brief->out, ": ");
	}
	text_number(brief->out, count, 1);
	text_string(brief->out, what);
	end_line(brief);
}

static void append(struct report_form_state *state, struct text_buffer *to,
		   const struct report *report)
{
	struct brief brief = {.out = to, .state = state, .report = report};
	struct report_entry entry;

	switch (report->event) {
	case REPORT_TIMEOUT:
	case REPORT_REPLAY:
		write_hang(&brief);
		break;
	case REPORT_ENTRY:
		report->entry(report, 0, &entry);
		begin_line(&brief, severity_colour(entry.severity), "LATER");
		put_who(&brief);
		text_string(to, ": ");
		escape_text(to, entry.message);
		end_line(&brief);
		break;
	case REPORT_FINISHED:
		write_finished(&brief);
		break;
	case REPORT_DIED:
		write_died(&brief);
		break;
	case REPORT_HELD_BACK:
		write_missing(&brief, report->held_back, " lines held back", true);
		break;
	case REPORT_LOST:
		write_missing(&brief, report->reports_lost, " reports: not read fast enough",
			      false);
		break;
	case REPORT_END:
		break;
	}
}

const struct report_form report_form_short = {.name = "short", .append = append};
