// SPDX-License-Identifier: BSD-2-Clause
#include "cli/top_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/inspect.h"
#include "collector/base/array.h"
#include "collector/base/escape.h"

/* Whether it is one of the bytes of a character that follow its first. */
static bool is_inside(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* ---- reading ---- */

static void keep(struct top_table *table, char *to, size_t size, const char *text)
{
	size_t length;

	text_buffer_cut(&table->scratch, 0);
	escape_text(&table->scratch, text ? text : "");
	length = table->scratch.size;
	if (length >= size) {
		length = size - 1;
		while (length && is_inside(table->scratch.data[length]))
			length--;
	}
	if (length)
		memcpy(to, table->scratch.data, length);
	to[length] = '\0';
}

void top_table_add(struct top_table *table, pid_t pid, const char *comm,
		   const struct report *report)
{
	const struct report_recorder *recorder = &report->recorder;
	int64_t left_ns = inspect_left_ns(recorder);
	struct top_row *row;

	table->recorders++;
	if (recorder->timeout_ns >= REPORT_NO_TIMEOUT_NS)
		left_ns = INT64_MAX;
	table->overdue += left_ns < 0;
	if (table->n == TOP_ROWS_MAX || array_reserve(table->row, table->room, table->n + 1))
		return;
	row = &table->row[table->n++];
	*row = (struct top_row){.pid = pid,
				.id = recorder->id,
				.age_ns = inspect_ns(recorder->age_ns),
				.left_ns = left_ns,
				.entries = report->entries_total};
	keep(table, row->comm, sizeof(row->comm), comm);
	keep(table, row->name, sizeof(row->name), recorder->name);
	keep(table, row->last, sizeof(row->last), inspect_last(report));
}

void top_table_clear(struct top_table *table)
{
	table->n = table->processes = table->recorders = table->overdue = 0;
}

void top_table_free(struct top_table *table)
{
	free(table->row);
	text_buffer_free(&table->scratch);
	*table = (struct top_table){0};
}

/* ---- order ---- */

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int by_process(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int pids = compare(x->pid, y->pid);

	return pids ? pids : (x->id > y->id) - (x->id < y->id);
}

static int by_time_left(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int left = compare(x->left_ns, y->left_ns);

	return left ? left : by_process(a, b);
}

static int by_age(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int age = compare(y->age_ns, x->age_ns);

	return age ? age : by_process(a, b);
}

static int by_entries(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int entries = (x->entries < y->entries) - (x->entries > y->entries);

	return entries ? entries : by_process(a, b);
}

static const struct {
	const char *name;
	int (*compare)(const void *a, const void *b);
} orders[TOP_ORDERS] = {
	[TOP_BY_TIME_LEFT] = {"time left", by_time_left},
	[TOP_BY_AGE] = {"age", by_age},
	[TOP_BY_ENTRIES] = {"entries", by_entries},
	[TOP_BY_PROCESS] = {"process", by_process},
};

const char *top_order_name(enum top_order order)
{
	return orders[order].name;
}

void top_table_arrange(struct top_table *table, enum top_order order, const char *filter)
{
	size_t kept = 0;

	for (size_t i = 0; i < table->n; i++) {
		const struct top_row *row = &table->row[i];

		if (strstr(row->comm, filter) || strstr(row->name, filter) ||
		    strstr(row->last, filter))
			table->row[kept++] = *row;
	}
	table->n = kept;
	if (kept)
		qsort(table->row, kept, sizeof(*table->row), orders[order].compare);
}

/* ---- writing ---- */

static const char *plural(size_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

void top_write_totals(struct text_buffer *to, const struct top_table *table)
{
	char line[128];

	snprintf(line, sizeof(line), "%zu %s, %zu open %s, %zu overdue", table->processes,
		 plural(table->processes, "process", "processes"), table->recorders,
		 plural(table->recorders, "recorder", "recorders"), table->overdue);
	text_string(to, line);
}

void top_write_columns(struct text_buffer *to)
{
	char line[128];

	snprintf(line, sizeof(line), "%8s %-15s %8s %11s %11s %8s  %s", "PID", "COMMAND",
		 "RECORDER", "OPEN s", "LEFT s", "ENTRIES", "NAME: LAST ENTRY");
	text_string(to, line);
}

void top_write_row(struct text_buffer *to, const struct top_row *row)
{
	char line[128], left[32] = "-";

	if (row->left_ns != INT64_MAX)
		snprintf(left, sizeof(left), "%.1f", (double)row->left_ns / 1e9);
	snprintf(line, sizeof(line), "%8d %-15.31s %8llu %11.1f %11s %8llu  ", row->pid, row->comm,
		 (unsigned long long)row->id, (double)row->age_ns / 1e9, left,
		 (unsigned long long)row->entries);
	text_string(to, line);
	text_string(to, *row->name ? row->name : "(no name)");
	if (*row->last) {
		text_string(to, ": ");
		text_string(to, row->last);
	}
}

size_t top_fitting(const char *text, size_t size, size_t columns)
{
	size_t at = 0;

	while (at < size && columns--) {
		at++;
		while (at < size && is_inside(text[at]))
			at++;
	}
	return at;
}
