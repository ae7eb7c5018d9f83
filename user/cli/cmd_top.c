// SPDX-License-Identifier: BSD-2-Clause
/* `flightrec top`: the open recorders of all processes, live; once where there is no terminal. */
#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/top_table.h"
#include "collector/base/message.h"
#include "collector/inspection.h"

#define EVERY_MS 1000
#define FILTER_MAX 64
/* Lines above the first row. */
#define HEAD 3

struct top {
	struct top_table table;
	const struct inspected_process *process; /* at hand */
	enum top_order order;
	char filter[FILTER_MAX];
	bool typing; /* the filter */
	bool paused;
	size_t first; /* row shown on top */
	struct text_buffer line;
};

/* ---- reading ---- */

static int add_recorder(void *arg, const struct report *report)
{
	struct top *top = arg;

	top_table_add(&top->table, top->process->pid, top->process->comm, report);
	return 0;
}

static int add_process(void *arg, struct inspection *inspection)
{
	struct top *top = arg;

	top->table.processes++;
	top->process = inspection_process(inspection);
	/* What ends meanwhile, or cannot be read, is shown as far as it was. */
	inspection_replay(inspection, false, add_recorder, top);
	return 0;
}

static int read_all(struct top *top)
{
	int err;

	top_table_clear(&top->table);
	err = inspection_each(add_process, top);
	top_table_arrange(&top->table, top->order, top->filter);
	return err;
}

/* ---- once ---- */

static void print_line(struct top *top)
{
	text_char(&top->line, '\n');
	fwrite(top->line.data, 1, top->line.size, stdout);
	text_buffer_cut(&top->line, 0);
}

static int print_once(struct top *top)
{
	int err = read_all(top);

	if (err) {
		message("cannot read /proc: %s", strerror(-err));
		return EXIT_FAILED;
	}
	top_write_totals(&top->line, &top->table);
	print_line(top);
	if (top->table.n) {
		top_write_columns(&top->line);
		print_line(top);
	}
	for (size_t i = 0; i < top->table.n; i++) {
		top_write_row(&top->line, &top->table.row[i]);
		print_line(top);
	}
	return 0;
}

/* ---- on a terminal ---- */

static void show_line(struct top *top, int y, attr_t look)
{
	size_t fits = top_fitting(top->line.data, top->line.size, (size_t)COLS);

	attrset(look);
	mvaddnstr(y, 0, top->line.data, (int)fits);
	clrtoeol();
	attrset(A_NORMAL);
	text_buffer_cut(&top->line, 0);
}

static void show_keys(struct top *top)
{
	text_string(&top->line, "by ");
	text_string(&top->line, top_order_name(top->order));
	text_string(&top->line, top->paused ? ", paused" : "");
	if (top->typing || *top->filter) {
		text_string(&top->line, ", with \"");
		text_string(&top->line, top->filter);
		text_string(&top->line, top->typing ? "_\" (Enter)" : "\"");
	}
	text_string(&top->line, "    s sort  / filter  p pause  arrows scroll  q quit");
	show_line(top, 1, A_DIM);
}

static void show(struct top *top)
{
	size_t rows = LINES > HEAD ? (size_t)(LINES - HEAD) : 0;

	if (top->first + rows > top->table.n)
		top->first = top->table.n > rows ? top->table.n - rows : 0;
	erase();
	top_write_totals(&top->line, &top->table);
	show_line(top, 0, A_BOLD);
	show_keys(top);
	top_write_columns(&top->line);
	show_line(top, 2, A_REVERSE);
	for (size_t i = 0; i < rows && top->first + i < top->table.n; i++) {
		const struct top_row *row = &top->table.row[top->first + i];

		top_write_row(&top->line, row);
		show_line(top, HEAD + (int)i, row->left_ns < 0 ? A_BOLD : A_NORMAL);
	}
	refresh();
}

static void type(struct top *top, int key)
{
	size_t length = strlen(top->filter);

	if (key == '\n' || key == KEY_ENTER || key == 27) {
		top->typing = false;
		if (key == 27)
			top->filter[0] = '\0';
	} else if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
		if (length)
			top->filter[length - 1] = '\0';
	} else if (key >= ' ' && key < 256 && length < FILTER_MAX - 1) {
		top->filter[length] = (char)key;
		top->filter[length + 1] = '\0';
	}
}

/* Returns whether to go on. */
static bool on_key(struct top *top, int key)
{
	if (top->typing) {
		type(top, key);
		return true;
	}
	switch (key) {
	case 'q':
		return false;
	case 's':
		top->order = (enum top_order)((top->order + 1) % TOP_ORDERS);
		break;
	case '/':
		top->typing = true;
		break;
	case 'p':
		top->paused = !top->paused;
		break;
	case KEY_DOWN:
		top->first++;
		break;
	case KEY_UP:
		top->first -= top->first != 0;
		break;
	case KEY_NPAGE:
		top->first += (size_t)LINES;
		break;
	case KEY_PPAGE:
		top->first -= top->first < (size_t)LINES ? top->first : (size_t)LINES;
		break;
	}
	return true;
}

static int show_live(struct top *top)
{
	int err = 0;
	bool on = true;

	setlocale(LC_CTYPE, "");
	/* Of a terminal that is not known. */
	if (!newterm(NULL, stdout, stdin))
		return print_once(top);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	set_escdelay(50);
	while (on && !err) {
		int key;

		/* While it is paused only what is asked of the rows changes. */
		if (!top->paused || top->typing)
			err = read_all(top);
		else
			top_table_arrange(&top->table, top->order, top->filter);
		show(top);
		timeout(EVERY_MS);
		key = getch();
		if (key != ERR)
			on = on_key(top, key);
		/* Without a terminal any more, getch() fails at once. */
		else if (!isatty(STDIN_FILENO))
			on = false;
	}
	endwin();
	if (err)
		message("cannot read /proc: %s", strerror(-err));
	return err ? EXIT_FAILED : 0;
}

int cmd_top(const struct options *options)
{
	struct top top = {.order = TOP_BY_TIME_LEFT};
	const char *terminal = getenv("TERM");
	int status;

	(void)options;
	if (isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) && terminal && *terminal)
		status = show_live(&top);
	else
		status = print_once(&top);
	text_buffer_free(&top.line);
	top_table_free(&top.table);
	return status;
}
