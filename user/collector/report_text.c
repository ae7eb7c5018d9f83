/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports for people: FORMAT_TEXT and FORMAT_DETAIL. The lines are fixed, letter for letter, and
 * a line of a report stays one line whatever the observed process put into its strings.
 */
#include "collector/report.h"
#include "collector/escape.h"

#include <errno.h>
#include <flightrec.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define SECOND UINT64_C(1000000000)

struct text {
	FILE *out;
	const struct report *report;
	bool detail;
	char now[48];
	/* The last date written: neighbours share it, and localtime_r() is slow. */
	bool date_known;
	time_t date_second;
	char date[48];
};

static struct tm local_time(time_t second)
{
	struct tm tm;

	if (!localtime_r(&second, &tm) && !gmtime_r(&second, &tm))
		memset(&tm, 0, sizeof(tm));
	return tm;
}

static void format_now(struct text *text)
{
	uint64_t time_ns = text->report->time_ns;
	struct tm tm = local_time((time_t)(time_ns / SECOND));

	snprintf(text->now, sizeof(text->now), "%04d-%02d-%02d %02d:%02d:%02d,%03d",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (int)(time_ns % SECOND / 1000000));
}

/* As of ctime(), in any locale. */
static const char *format_date(struct text *text, uint64_t time_ns)
{
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t second = (time_t)(time_ns / SECOND);
	struct tm tm;

	if (!text->date_known || text->date_second != second) {
		tm = local_time(second);
		snprintf(text->date, sizeof(text->date), "%s %s %2d %02d:%02d:%02d %d",
			 days[tm.tm_wday], months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min,
			 tm.tm_sec, tm.tm_year + 1900);
		text->date_second = second;
		text->date_known = true;
	}
	return text->date;
}

/* Writes @thousandths of @unit, without zeros at the end. */
static void write_thousandths(FILE *out, uint64_t thousandths, const char *unit)
{
	unsigned int part = (unsigned int)(thousandths % 1000);
	int digits = 3;

	fprintf(out, "%" PRIu64, thousandths / 1000);
	if (part) {
		for (; part % 10 == 0; part /= 10)
			digits--;
		fprintf(out, ".%0*u", digits, part);
	}
	fprintf(out, " %s", unit);
}

/* "250 ms", "10.4 s", "1 h 5 min": at most three digits after the point. */
static void write_duration(FILE *out, uint64_t ns)
{
	static const struct {
		uint64_t ms;
		const char *name;
	} units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}};
	uint64_t us = ns / 1000 + (ns % 1000 >= 500);
	uint64_t ms = ns / 1000000 + (ns % 1000000 >= 500000);
	const char *space = "";
	size_t i;

	if (ns < 1000) {
		fprintf(out, "%" PRIu64 " ns", ns);
	} else if (ns < 1000000) {
		write_thousandths(out, ns, "us");
	} else if (us < 1000000) {
		write_thousandths(out, us, "ms");
	} else {
		for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
			if (ms < units[i].ms)
				continue;
			fprintf(out, "%s%" PRIu64 " %s", space, ms / units[i].ms, units[i].name);
			ms %= units[i].ms;
			space = " ";
		}
		if (ms) {
			fputs(space, out);
			write_thousandths(out, ms, "s");
		}
	}
}

static void begin_plain_line(struct text *text, int severity)
{
	fprintf(text->out, "[%s: %s]: ", text->now, report_severity_name(severity));
}

static void begin_line(struct text *text, int severity)
{
	const struct report *report = text->report;

	begin_plain_line(text, severity);
	if (report->has_recorder) {
		fprintf(text->out, "[Flight Recorder-%" PRIu64 "] ", report->recorder.id);
	} else {
		fputc('[', text->out);
		escape_text(text->out, report->comm);
		fprintf(text->out, " %d] ", (int)report->pid);
	}
}

static void write_name(struct text *text)
{
	const char *name = text->report->recorder.name;

	escape_text(text->out, name && *name ? name : "(no name)");
}

static void write_process(struct text *text)
{
	escape_text(text->out, text->report->recorder.comm);
	fprintf(text->out, "[%d]", (int)text->report->recorder.pid);
}

static void write_who(struct text *text)
{
	const struct report_recorder *recorder = &text->report->recorder;
	FILE *out = text->out;
	size_t i;

	begin_line(text, FLIGHTREC_INFO);
	write_name(text);
	fputs(": ", out);
	write_process(text);
	fprintf(out, " thread %d, timeout ", (int)recorder->tid);
	write_duration(out, recorder->timeout_ns);
	fputs(", open for ", out);
	write_duration(out, recorder->age_ns);
	if (recorder->exe) {
		fputs(", ", out);
		escape_text(out, recorder->exe);
	}
	fputc('\n', out);

	if (recorder->parent_id) {
		begin_line(text, FLIGHTREC_INFO);
		fprintf(out, "inside Flight Recorder-%" PRIu64 "\n", recorder->parent_id);
	}
	for (i = 0; i < recorder->n_context; i++) {
		begin_line(text, FLIGHTREC_INFO);
		fputs("context: ", out);
		escape_text(out, recorder->context[i].key);
		fputs(" = ", out);
		escape_text(out, recorder->context[i].value);
		fputc('\n', out);
	}
	if (recorder->adopted) {
		begin_line(text, FLIGHTREC_INFO);
		fputs("opened before flightrec watched: its earlier entries are not known\n", out);
	}
	if (text->report->state) {
		begin_line(text, FLIGHTREC_INFO);
		fputs("state: ", out);
		escape_text(out, text->report->state);
		fputc('\n', out);
	}
}

/* Where the entry was made, as much as is known: "+0.012 ms [4243] cache.c:21 refresh:" */
static void write_detail(struct text *text, const struct report_entry *entry)
{
	uint64_t us = entry->offset_ns / 1000 + (entry->offset_ns % 1000 >= 500);
	FILE *out = text->out;

	if (text->report->has_recorder)
		fprintf(out, " +%" PRIu64 ".%03u ms", us / 1000, (unsigned int)(us % 1000));
	fprintf(out, " [%d]", (int)entry->tid);
	if (entry->file) {
		fputc(' ', out);
		escape_text(out, entry->file);
		if (entry->line)
			fprintf(out, ":%u", entry->line);
	}
	if (entry->function) {
		fputc(' ', out);
		escape_text(out, entry->function);
	}
	fputc(':', out);
}

static void write_entry(struct text *text, const struct report_entry *entry)
{
	begin_line(text, entry->severity);
	fprintf(text->out, "(%s)", format_date(text, entry->time_ns));
	if (text->detail)
		write_detail(text, entry);
	fputc(' ', text->out);
	escape_text(text->out, entry->message);
	fputc('\n', text->out);
}

static void write_gap(struct text *text)
{
	uint64_t lost = text->report->gap_lost;

	begin_line(text, FLIGHTREC_WARNING);
	fprintf(text->out, "... %" PRIu64 " %s left out here ...\n", lost,
		lost == 1 ? "entry" : "entries");
}

static void write_entries(struct text *text)
{
	const struct report *report = text->report;
	size_t i;

	for (i = 0; i < report->n_entries; i++) {
		if (report->gap_lost && report->gap_at == i)
			write_gap(text);
		write_entry(text, &report->entries[i]);
	}
	/* Beyond the last entry, wherever that is: said all the same. */
	if (report->gap_lost && report->gap_at >= report->n_entries)
		write_gap(text);
}

static void write_lost(struct text *text)
{
	uint64_t lost = text->report->entries_lost;

	if (!lost)
		return;
	begin_line(text, FLIGHTREC_WARNING);
	fprintf(text->out, "%" PRIu64 " %s lost\n", lost, lost == 1 ? "entry" : "entries");
}

static void write_replay(struct text *text)
{
	const struct report *report = text->report;

	if (report->event == REPORT_TIMEOUT) {
		begin_plain_line(text, FLIGHTREC_WARNING);
		fputs("Warning: Task timed out!\n", text->out);
		begin_plain_line(text, FLIGHTREC_WARNING);
		fputs("Please make sure it is hanging before restarting.\n", text->out);
	}
	write_who(text);
	begin_line(text, FLIGHTREC_INFO);
	fprintf(text->out, "(started at %s) Replaying logs...\n",
		format_date(text, report->recorder.started_ns));
	write_entries(text);
	begin_line(text, FLIGHTREC_INFO);
	fputs("-End of log-\n", text->out);
	write_lost(text);
}

static void write_finished(struct text *text)
{
	begin_line(text, FLIGHTREC_INFO);
	write_name(text);
	fputs(" finished after ", text->out);
	write_duration(text->out, text->report->recorder.age_ns);
	fputs(", ", text->out);
	write_duration(text->out, text->report->late_ns);
	fputs(" past its deadline\n", text->out);
	write_lost(text);
}

static void write_signal(FILE *out, int status)
{
	const char *name = report_signal_name(WTERMSIG(status));

	fprintf(out, " was killed by signal %d", WTERMSIG(status));
	if (name)
		fprintf(out, " (%s)", name);
	if (WCOREDUMP(status))
		fputs(", core dumped", out);
}

static void write_died(struct text *text)
{
	int status = text->report->wait_status;

	begin_line(text, FLIGHTREC_WARNING);
	write_name(text);
	fputs(" never finished: ", text->out);
	write_process(text);
	if (status == -1)
		fputs(" called execve()", text->out);
	else if (WIFEXITED(status))
		fprintf(text->out, " exited with status %d", WEXITSTATUS(status));
	else
		write_signal(text->out, status);
	fputc('\n', text->out);
	write_lost(text);
}

int report_text(FILE *out, enum report_format format, const struct report *report)
{
	struct text text = {.out = out, .report = report, .detail = format == FORMAT_DETAIL};
	size_t i;

	format_now(&text);
	switch (report->event) {
	case REPORT_TIMEOUT:
	case REPORT_REPLAY:
		write_replay(&text);
		return 0;
	case REPORT_ENTRY:
		for (i = 0; i < report->n_entries; i++)
			write_entry(&text, &report->entries[i]);
		return 0;
	case REPORT_FINISHED:
		write_finished(&text);
		return 0;
	case REPORT_DIED:
		write_died(&text);
		return 0;
	case REPORT_END:
		/* The command's closing line says it. */
		return 0;
	}
	return -EINVAL;
}
