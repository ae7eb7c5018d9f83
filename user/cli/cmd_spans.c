// SPDX-License-Identifier: BSD-2-Clause
/* `flightrec spans`: what spans are possible in a process, and which packs there are. */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/span_options.h"
#include "collector/base/array.h"
#include "collector/base/escape.h"
#include "collector/base/message.h"
#include "collector/base/text_buffer.h"
#include "collector/span_survey.h"

#define PACK_NAME_MAX 64

/* ---- packs ---- */

static void print_needs(const struct span *span)
{
	const char *last = "";

	for (size_t i = 0; i < span->n_events; i++) {
		const struct span_event *event = &span->event[i];
		const char *library = event->library ? event->library : "";

		if (event->kind == SPAN_SYSCALL)
			continue;
		if (strcmp(library, last) != 0)
			printf("%s %s", *last ? "," : "", library);
		last = library;
	}
	if (!*last)
		printf(" nothing");
}

/* The first line of a pack is a comment that says what it is. */
static void print_first_line(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[256];

	if (file && fgets(line, sizeof(line), file) && line[0] == '#')
		printf("%s", line + 1 + (line[1] == ' '));
	else
		printf("\n");
	if (file)
		fclose(file);
}

static int print_pack(void *arg, const char *name)
{
	const struct options *o = arg;
	struct span_option pack = {.text = name, .is_pack = true};
	struct options of_it = {.command = o->command, .spans = &pack, .n_spans = 1};
	struct span_set set;
	char path[PATH_MAX];
	int err = span_options_load(&of_it, &set);

	if (!err && span_options_find(name, path, sizeof(path)) == 0) {
		printf("%-12s", name);
		print_first_line(path);
		for (size_t i = 0; i < set.n_spans; i++) {
			printf("    %-20s needs", set.span[i].name);
			print_needs(&set.span[i]);
			printf("\n");
		}
	}
	span_set_free(&set);
	return err;
}

static int is_pack(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && dot > entry->d_name && strcmp(dot, ".spans") == 0 &&
	       dot - entry->d_name < PACK_NAME_MAX;
}

/* Calls @fn with the name of each pack that comes with this command, in their order. */
static int each_pack(int (*fn)(void *arg, const char *name), void *arg)
{
	char folder[PATH_MAX], name[PACK_NAME_MAX];
	struct dirent **entry = NULL;
	int n = -1, err = 0;

	for (size_t i = 0; n < 0 && span_options_folder(i, folder, sizeof(folder)) == 0; i++)
		n = scandir(folder, &entry, is_pack, alphasort);
	if (n < 0) {
		message("no packs are installed in %s", folder);
		return EXIT_FAILED;
	}
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%.*s",
			 (int)(strrchr(entry[i]->d_name, '.') - entry[i]->d_name),
			 entry[i]->d_name);
		err = err ? err : fn(arg, name);
		free(entry[i]);
	}
	free(entry);
	return err;
}

/* ---- a process ---- */

/* What is written of a process: names are its own. */
struct listing {
	struct text_buffer text;
	char path[PATH_MAX]; /* of the file that is being looked at */
	size_t lines;
};

static void write_file(struct listing *to, const char *path)
{
	if (strcmp(to->path, path) == 0)
		return;
	snprintf(to->path, sizeof(to->path), "%s", path);
	escape_text(&to->text, path);
	text_char(&to->text, '\n');
}

static void on_probe(void *arg, const char *path, const char *name, size_t arguments)
{
	struct listing *to = arg;
	const char *base = strrchr(path, '/');

	write_file(to, path);
	text_string(&to->text, "    usdt:");
	escape_text(&to->text, base ? base + 1 : path);
	text_char(&to->text, ':');
	escape_text(&to->text, name);
	text_string(&to->text, ", ");
	text_number(&to->text, arguments, 1);
	text_string(&to->text, arguments == 1 ? " argument\n" : " arguments\n");
	to->lines++;
}

static void on_span(void *arg, const struct span *span, const char *path, const char *problem)
{
	struct listing *to = arg;

	write_file(to, path);
	text_string(&to->text, "    span ");
	escape_word(&to->text, span->name);
	text_string(&to->text, problem ? ": not possible: " : ": possible");
	escape_text(&to->text, problem ? problem : "");
	text_char(&to->text, '\n');
	to->lines++;
}

static int survey(const struct span_set *set, pid_t pid)
{
	struct listing to = {.lines = 0};
	const struct span_survey survey = {on_probe, on_span, &to};
	int err = span_survey(pid, set, &survey);

	fwrite(to.text.data, 1, to.text.size, stdout);
	text_buffer_free(&to.text);
	if (err) {
		message("cannot look at process %d: %s", pid, strerror(-err));
		return err == -ESRCH ? EXIT_NOTHING : EXIT_UNSUPPORTED;
	}
	if (!to.lines)
		message("process %d has no probes; functions and system calls are possible", pid);
	return 0;
}

/* All packs, and what the command line has. */
static int add_pack(void *arg, const char *name)
{
	struct options *all = arg;
	struct span_option pack = {.text = strdup(name), .is_pack = true};

	if (!pack.text || array_reserve(all->spans, all->spans_room, all->n_spans + 1)) {
		free((char *)pack.text);
		return EXIT_FAILED;
	}
	all->spans[all->n_spans++] = pack;
	return 0;
}

static int load_spans(const struct options *o, struct span_set *set)
{
	struct options all = {.command = o->command};
	int err = 0;

	if (o->n_spans)
		return span_options_load(o, set);
	/* Without packs, there are the probes. */
	if (each_pack(add_pack, &all) && all.n_spans)
		err = EXIT_FAILED;
	err = err ? err : span_options_load(&all, set);
	for (size_t i = 0; i < all.n_spans; i++)
		free((char *)all.spans[i].text);
	free(all.spans);
	return err;
}

int cmd_spans(const struct options *o)
{
	struct span_set set = {0};
	int status;

	if (o->packs)
		return each_pack(print_pack, (void *)o);
	status = load_spans(o, &set);
	for (size_t i = 0; i < o->n_pids && !status; i++) {
		if (o->n_pids > 1)
			printf("process %d\n", o->pids[i]);
		status = survey(&set, o->pids[i]);
	}
	span_set_free(&set);
	return status;
}
