// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/report/deaths.c */
/* link: user/cli/options.c user/cli/option_table.c user/cli/commands.c */
/* link: user/collector/base/nearest.c user/collector/base/units.c */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/* link: user/collector/report/names.c user/collector/report/unfinished.c */
/* link: user/collector/report/report_json_thread.c user/collector/report/frame_text.c */
/* link: user/collector/report/report_short.c */
/* link: user/collector/report/report_forms.c user/collector/report/report_text.c */
/* link: user/collector/report/report_time.c */
/* link: user/collector/report/report_json.c user/collector/report/date_cache.c */
/* Command lines: a digit for the command, then words, each on a line of its own. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"
#include "collector/base/message.h"
#include "fuzz.h"

#define WORDS_MAX 64

const struct fuzz_bounds fuzz_bounds = {
	.cpu_ns = {20000000, 20000},
	.allocated = {65536, 64},
};

/* What was said: a line, if one message was. */
static unsigned int said_lines;

static void say(const char *format, va_list args)
{
	char text[8192];
	int size = vsnprintf(text, sizeof(text), format, args);

	fuzz_check(size > 0);
	said_lines += 1 + (memchr(text, '\n', strlen(text)) != NULL);
}

void message(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void message_from(const char *command, const char *format, ...)
{
	va_list args;

	fuzz_check(command);
	va_start(args, format);
	say(format, args);
	va_end(args);
}

static int split(char *text, char **words)
{
	int n = 0;

	words[n++] = "command";
	while (text && *text && n < WORDS_MAX) {
		words[n++] = text;
		text = strchr(text, '\n');
		if (text)
			*text++ = '\0';
	}
	words[n] = NULL;
	return n;
}

static void check_options(const struct options *o, int argc)
{
	size_t n = 0;

	fuzz_check(o->form);
	if (o->help)
		return;
	fuzz_check(o->n_operands < (size_t)argc && !o->operands[o->n_operands]);
	while (o->operands[n])
		n++;
	fuzz_check(n == o->n_operands);
	for (size_t i = 0; i < o->n_pids; i++)
		fuzz_check(o->pids[i] > 0);
	fuzz_check(!o->append || o->output);
	fuzz_check(o->buffer && o->max_recorders);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	const struct command *command = &commands[fuzz_byte(&data, &size) % n_commands];
	char *words[WORDS_MAX + 1], *text = malloc(size + 1);
	struct options o;
	int argc, err;

	fuzz_check(text);
	memcpy(text, data, size);
	text[size] = '\0';
	argc = split(text, words);
	said_lines = 0;
	err = options_parse(&o, command, argc, words);
	fuzz_check(err == 0 || err == EXIT_USAGE);
	fuzz_check(said_lines == (err ? 1 : 0));
	if (!err)
		check_options(&o, argc);
	options_free(&o);
	free(text);
}

void fuzz_seeds(void)
{
	static const char *const lines[] = {
		"0-o\nfile\n--append\n--\nprogram\n-x",
		"0--timeout=1h30m\n--duration\n1.5s\n-qv\n./program",
		"1-p1,2 3\n--max-reports=3\n-vv\n4",
		"1--all\n--buffer=64KiB\n--max-recorders\n1000\n--min-severity=error",
		"3--core=core\n--format\njson\n--closed",
		"2--json\n-p\n1",
		"1--exec\ncommand\n--exec-limit\n5\n--a",
		"5run",
		"6bash",
		"4--verifier\n--help",
	};
	char name[16];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(name, sizeof(name), "line-%zu", i);
		fuzz_seed(name, lines[i], strlen(lines[i]));
	}
}
