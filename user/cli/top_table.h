/* SPDX-License-Identifier: BSD-2-Clause */
/* What `top` shows: the open recorders of all processes, sorted and filtered, a line each. */
#ifndef FLIGHTREC_TOP_TABLE_H
#define FLIGHTREC_TOP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/base/text_buffer.h"
#include "collector/report/report.h"

/* Of more recorders the others are counted and left out. */
#define TOP_ROWS_MAX 10000

enum top_order {
	TOP_BY_TIME_LEFT, /* the most overdue first */
	TOP_BY_AGE,       /* the oldest first */
	TOP_BY_ENTRIES,   /* the most first */
	TOP_BY_PROCESS,
	TOP_ORDERS
};

struct top_row {
	pid_t pid;
	uint64_t id;
	int64_t age_ns;
	int64_t left_ns; /* negative: overdue; INT64_MAX: it has no timeout */
	uint64_t entries;
	char comm[32]; /* escaped, as all of these, and cut */
	char name[96];
	char last[192]; /* "": there is no entry */
};

struct top_table {
	struct top_row *row;
	size_t n;
	size_t room;
	size_t processes;
	size_t recorders; /* with those left out */
	size_t overdue;
	struct text_buffer scratch;
};

/* Adds a recorder of process @pid (@comm). Without memory it is only counted. */
void top_table_add(struct top_table *table, pid_t pid, const char *comm,
		   const struct report *report);
void top_table_clear(struct top_table *table);
void top_table_free(struct top_table *table);

/* Sorts, and drops those that do not have @filter in their command, name or last entry. */
void top_table_arrange(struct top_table *table, enum top_order order, const char *filter);
const char *top_order_name(enum top_order order);

/* Each is one line without its end: the totals, the names of columns, a row. */
void top_write_totals(struct text_buffer *to, const struct top_table *table);
void top_write_columns(struct text_buffer *to);
void top_write_row(struct text_buffer *to, const struct top_row *row);

/* How many bytes of @text take up at most @columns columns, of one for each character. */
size_t top_fitting(const char *text, size_t size, size_t columns);

#endif /* FLIGHTREC_TOP_TABLE_H */
