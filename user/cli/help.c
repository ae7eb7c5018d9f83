// SPDX-License-Identifier: BSD-2-Clause
#include "cli/help.h"

#include <string.h>

#include "cli/command.h"
#include "cli/option_table.h"

/* The column where an option's text begins. */
#define TEXT_COLUMN 29

/* Prints the lines of @text, all but the first indented. */
static void print_lines(FILE *to, const char *text)
{
	for (size_t length; *text; text += length) {
		length = strcspn(text, "\n");
		fprintf(to, "%.*s", (int)length, text);
		if (text[length]) {
			fprintf(to, "\n%*s", TEXT_COLUMN, "");
			length++;
		}
	}
}

static void print_words(FILE *to, const char *(*word)(size_t))
{
	fprintf(to, ":\n%*s", TEXT_COLUMN, "");
	for (size_t i = 0; word(i); i++)
		fprintf(to, "%s%s", !i ? "" : word(i + 1) ? ", " : " or ", word(i));
}

static void print_option(FILE *to, const struct option_spec *option)
{
	char name[64], letter[] = "-x, ";
	int width;

	letter[1] = option->letter;
	snprintf(name, sizeof(name), "  %s--%s%s%s", option->letter ? letter : "    ", option->name,
		 option->argument ? " " : "", option->argument ? option->argument : "");
	width = fprintf(to, "%-*s", TEXT_COLUMN, name);
	if (width > TEXT_COLUMN)
		fprintf(to, "\n%*s", TEXT_COLUMN, "");
	print_lines(to, option->help);
	if (option->word)
		print_words(to, option->word);
	fputc('\n', to);
}

/* Prints the options that all commands of @set have. */
static void print_options(FILE *to, unsigned int set)
{
	for (size_t i = 0; i < n_options; i++) {
		if ((option_table[i].commands & set) == set)
			print_option(to, &option_table[i]);
	}
}

void help_page(FILE *to, const struct command *command)
{
	fprintf(to, "Usage: flightrec %s %s\n\n%s\n", command->name, command->synopsis,
		command->description);
	print_options(to, command->bit);
	if (command->operands == OPERANDS_PROGRAM || command->operands == OPERANDS_PIDS)
		fputs("\nSee flightrec(8) for more.\n", to);
}

void help_overview(FILE *to)
{
	for (size_t i = 0; i < n_commands; i++)
		fprintf(to, "%s flightrec %s %s\n", i ? "      " : "Usage:", commands[i].name,
			commands[i].synopsis);
	fputs("       flightrec --version | --help\n"
	      "\n"
	      "Replays the log of recorders (see flightrec(3)) that exceed their timeout, while\n"
	      "the program that opened them still hangs.\n"
	      "\n",
	      to);
	for (size_t i = 0; i < n_commands; i++)
		fprintf(to, "  %-12s%s\n", commands[i].name, commands[i].summary);
	fputs("\nOptions of run and attach (flightrec help COMMAND shows all of a command):\n", to);
	print_options(to, COMMAND_RUN | COMMAND_ATTACH);
	fputs("\n"
	      "Exit status: of run, COMMAND's, or 128+N if signal N killed it. Otherwise\n"
	      "0 fine, 1 run-time error, 2 usage, 3 nothing to attach to, 4 not permitted or\n"
	      "not supported here.\n",
	      to);
}
