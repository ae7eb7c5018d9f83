// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/report/deaths.c */
/* link: user/cli/help.c user/cli/option_table.c user/cli/options.c user/cli/commands.c */
/* link: user/collector/base/nearest.c user/collector/base/units.c */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/* link: user/collector/base/message.c */
/* link: user/collector/report/names.c user/collector/report/unfinished.c */
/* link: user/collector/report/report_json_thread.c user/collector/report/frame_text.c */
/* link: user/collector/report/report_short.c */
/* link: user/collector/report/report_forms.c user/collector/report/report_text.c */
/* link: user/collector/report/report_time.c */
/* link: user/collector/report/report_json.c user/collector/report/date_cache.c */
/* The pages of help; and that the manual page agrees with the tables they are made from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/option_table.h"

#define MANUAL "user/doc/flightrec.8"

static char *page;
static size_t page_size;

static const char *written(const struct command *command)
{
	FILE *file;

	free(page);
	file = open_memstream(&page, &page_size);
	assert_non_null(file);
	if (command)
		help_page(file, command);
	else
		help_overview(file);
	fclose(file);
	return page;
}

static void must_have(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("no '%s' in:\n%s", what, text);
}

static void check_width(const char *text)
{
	for (size_t length; *text; text += length + 1) {
		length = strcspn(text, "\n");
		if (length > 80 || (length && text[length - 1] == ' '))
			fail_msg("%.*s", (int)length, text);
	}
}

static void test_overview(void **state)
{
	const char *text = written(NULL);

	(void)state;
	check_width(text);
	for (size_t i = 0; i < n_commands; i++) {
		must_have(text, commands[i].name);
		must_have(text, commands[i].summary);
	}
	must_have(text, "Usage: flightrec run [OPTION...] [--] COMMAND [ARG...]\n");
	must_have(text, "3 nothing to attach to");
}

/* Whether the command has another option of the same name. */
static bool has_other(const struct command *command, size_t option)
{
	for (size_t i = 0; i < n_options; i++) {
		if (i != option && option_belongs(&option_table[i], command->bit) &&
		    strcmp(option_table[i].name, option_table[option].name) == 0)
			return true;
	}
	return false;
}

static void test_pages(void **state)
{
	char option[64];

	(void)state;
	for (size_t i = 0; i < n_commands; i++) {
		const char *text = written(&commands[i]);

		check_width(text);
		must_have(text, commands[i].synopsis);
		for (size_t j = 0; j < n_options; j++) {
			snprintf(option, sizeof(option), "--%s%s%s\n", option_table[j].name,
				 option_table[j].argument ? " " : "",
				 option_table[j].argument ? option_table[j].argument : "");
			option[strlen(option) - 1] = '\0';
			if (option_belongs(&option_table[j], commands[i].bit))
				must_have(text, option);
			else if (strstr(text, option) && !has_other(&commands[i], j))
				fail_msg("'%s' on the page of %s", option, commands[i].name);
		}
	}
	must_have(written(command_find("attach")), "  -p, --pid PID[,PID...]     these");
	must_have(written(command_find("run")), "text, detail, json or short\n");
}

/* ---- the manual page ---- */

/* Its text, without troff's markup. */
static char *read_manual(void)
{
	FILE *file = fopen(MANUAL, "r");
	char *text = calloc(1, 1 << 20), *to = text;
	int c;

	if (!file)
		skip();
	assert_non_null(text);
	while ((c = getc(file)) != EOF) {
		if (c == '\\') {
			c = getc(file);
			if (c == 'f')
				getc(file); /* a font */
			else
				*to++ = (char)c;
		} else if (c != '"' && c != ' ') {
			*to++ = (char)c;
		}
	}
	fclose(file);
	return text;
}

/* ".BR -o , --output =FILE", without its blanks. */
static void manual_line(const struct option_spec *option, char *line, size_t size)
{
	char letter[8] = "";

	if (option->letter)
		snprintf(letter, sizeof(letter), "-%c,", option->letter);
	snprintf(line, size, "%s--%s%s", letter, option->name, option->argument ? "=" : "");
}

static void test_manual_has_every_option(void **state)
{
	char *manual = read_manual(), line[64];

	(void)state;
	for (size_t i = 0; i < n_options; i++) {
		manual_line(&option_table[i], line, sizeof(line));
		must_have(manual, line);
		for (size_t j = 0; option_table[i].word && option_table[i].word(j); j++)
			must_have(manual, option_table[i].word(j));
	}
	for (size_t i = 0; i < n_commands; i++) {
		snprintf(line, sizeof(line), "flightrec%s", commands[i].name);
		must_have(manual, line);
	}
	free(manual);
}

/* Everything that looks like an option at the start of a paragraph is one. */
static void test_manual_has_no_other_option(void **state)
{
	char *manual = read_manual(), *at = manual, name[64];

	(void)state;
	while ((at = strstr(at, "\n.TP\n"))) {
		char *option;
		size_t length;
		bool known = false;

		at += strlen("\n.TP\n");
		length = strcspn(at, "\n");
		option = strstr(at, "--");
		if (at[0] != '.' || !option || option > at + length)
			continue;
		length = strspn(option + 2, "abcdefghijklmnopqrstuvwxyz-");
		snprintf(name, sizeof(name), "%.*s", (int)length, option + 2);
		for (size_t i = 0; i < n_options; i++)
			known = known || strcmp(option_table[i].name, name) == 0;
		if (!known && strcmp(name, "version") != 0)
			fail_msg("there is no --%s", name);
	}
	free(manual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overview),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_manual_has_every_option),
		cmocka_unit_test(test_manual_has_no_other_option),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(page);
	return failed;
}
