// SPDX-License-Identifier: BSD-2-Clause
#include "cli/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/base/nearest.h"
#include "cli/option_table.h"
#include "collector/base/units.h"
#include "collector/base/message.h"
#include "collector/report/report_forms.h"

/* Size of a message about the command line; longer words are cut. */
#define USAGE_MAX 2048

/* The argument of an option, and where it comes from. */
struct argument {
	const char *attached; /* after "=" or the letter; NULL: none */
	const char *next;     /* the next word of the command line; NULL: none */
	bool next_taken;
};

int usage_error(const struct command *command, const char *format, ...)
{
	const char *space = command ? " " : "", *name = command ? command->name : "";
	char text[USAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	message_from(name, "%s; try flightrec %s%s--help", text, name, space);
	return EXIT_USAGE;
}

int usage_unknown(const struct command *command, const char *what, const char *word,
		  const char *meant)
{
	if (!meant)
		return usage_error(command, "%s '%s'", what, word);
	message_from(command ? command->name : "", "%s '%s'; did you mean '%s'?", what, word,
		     meant);
	return EXIT_USAGE;
}

/* "text, detail or json" */
static void list_words(const char *(*word)(size_t), char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; word(i) && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s",
					 !i            ? ""
					 : word(i + 1) ? ", "
						       : " or ",
					 word(i));
}

static int bad_value(const struct options *o, const struct option_spec *option, const char *value)
{
	char words[256], name[64];

	if (option->word)
		list_words(option->word, words, sizeof(words));
	snprintf(name, sizeof(name), "--%s", option->name);
	/* The option that everybody writes as a letter. */
	if (option->completion == COMPLETE_PID)
		snprintf(name, sizeof(name), "-%c", option->letter);
	return usage_error(o->command, "%s: '%s' is not %s", name, value,
			   option->word ? words : option->expected);
}

/* @as_written is for messages. */
static int take(struct options *o, const struct option_spec *option, const char *as_written,
		struct argument *argument)
{
	const char *value = NULL;

	if (option->argument) {
		value = argument->attached ? argument->attached : argument->next;
		argument->next_taken = !argument->attached;
		if (!value)
			return usage_error(o->command, "option '%s' needs a value", as_written);
	} else if (argument->attached) {
		return usage_error(o->command, "option '%s' takes no value", as_written);
	}
	return option->set(o, value) ? bad_value(o, option, value ? value : "") : 0;
}

static int unknown_option(const struct options *o, const char *as_written, const char *name)
{
	struct nearest search = {.word = name};
	char meant[64];

	for (size_t i = 0; i < n_options; i++) {
		if (option_belongs(&option_table[i], o->command->bit))
			nearest_try(&search, option_table[i].name);
	}
	snprintf(meant, sizeof(meant), "--%s", search.best ? search.best : "");
	return usage_unknown(o->command, "unrecognized option", as_written,
			     search.best ? meant : NULL);
}

/* An unambiguous prefix of a name is enough. Returns the last of @matches, or NULL. */
static const struct option_spec *find_long(const struct command *command, const char *name,
					   size_t length, size_t *matches)
{
	const struct option_spec *found = NULL;

	*matches = 0;
	for (size_t i = 0; i < n_options; i++) {
		const struct option_spec *option = &option_table[i];

		if (!option_belongs(option, command->bit) ||
		    strncmp(option->name, name, length) != 0)
			continue;
		found = option;
		++*matches;
		if (!option->name[length]) {
			*matches = 1;
			break;
		}
	}
	return found;
}

static int ambiguous_option(const struct options *o, const char *as_written, size_t matches)
{
	size_t length = strlen(as_written + 2), used = 0;
	char names[512] = "";

	for (size_t i = 0; i < n_options && used < sizeof(names); i++) {
		const char *name = option_table[i].name;

		if (!option_belongs(&option_table[i], o->command->bit) ||
		    strncmp(name, as_written + 2, length) != 0)
			continue;
		matches--;
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s--%s",
					 !used     ? ""
					 : matches ? ", "
						   : " or ",
					 name);
	}
	return usage_error(o->command, "option '%s' could be %s", as_written, names);
}

/* "--name", "--name=value" */
static int take_long(struct options *o, const char *word, struct argument *argument)
{
	const char *name = word + 2;
	size_t length = strcspn(name, "="), matches;
	const struct option_spec *option = find_long(o->command, name, length, &matches);
	char as_written[64];

	snprintf(as_written, sizeof(as_written), "--%.*s", (int)length, name);
	if (matches > 1)
		return ambiguous_option(o, as_written, matches);
	if (!option)
		return unknown_option(o, as_written, as_written + 2);
	argument->attached = name[length] ? name + length + 1 : NULL;
	return take(o, option, as_written, argument);
}

/* "-q", "-qv", "-oFILE", "-qo" */
static int take_letters(struct options *o, const char *word, struct argument *argument)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const struct option_spec *option = NULL;
		char as_written[3] = {'-', *letter, '\0'};
		int err;

		for (size_t i = 0; i < n_options && !option; i++) {
			if (option_table[i].letter == *letter &&
			    option_belongs(&option_table[i], o->command->bit))
				option = &option_table[i];
		}
		if (!option)
			return unknown_option(o, word, word + 1);
		argument->attached = option->argument && letter[1] ? letter + 1 : NULL;
		err = take(o, option, as_written, argument);
		if (err || o->help || option->argument)
			return err;
	}
	return 0;
}

static int take_option(struct options *o, const char *word, struct argument *argument)
{
	return word[1] == '-' ? take_long(o, word, argument) : take_letters(o, word, argument);
}

static int check_pids(struct options *o)
{
	for (size_t i = 0; i < o->n_operands; i++) {
		/* What the shell makes of "-p 1 2 3". */
		if (!o->n_pids || parse_pids(o->operands[i], &o->pids, &o->n_pids))
			return usage_error(o->command, "what is '%s'?", o->operands[i]);
	}
	if (o->command->bit == COMMAND_ATTACH && o->all == (o->n_pids > 0))
		return usage_error(o->command, "name processes with -p, or all with -a");
	if (o->command->bit == COMMAND_SPANS && o->packs == (o->n_pids > 0))
		return usage_error(o->command, "name processes with -p, or all packs with --packs");
	if (o->command->bit == COMMAND_DUMP && !o->core == !o->n_pids)
		return usage_error(o->command, "name processes with -p, or a file with --core");
	return 0;
}

/* Options that only make sense with another one. */
static int check_pairs(const struct options *o)
{
	if (o->append && !o->output)
		return usage_error(o->command, "--append needs --output FILE");
	if (o->idle && !o->blocked_ns)
		return usage_error(o->command, "--idle needs --blocked DURATION");
	if (o->exec_limit && !o->exec)
		return usage_error(o->command, "--exec-limit needs --exec COMMAND");
	return 0;
}

static int check_operands(struct options *o)
{
	size_t most = 0;

	switch (o->command->operands) {
	case OPERANDS_PROGRAM:
		return o->n_operands ? 0 : usage_error(o->command, "which COMMAND?");
	case OPERANDS_PIDS:
		return check_pids(o);
	case OPERANDS_SHELL:
		if (!o->n_operands)
			return usage_error(o->command, "for which shell, bash or zsh?");
		most = 1;
		break;
	case OPERANDS_COMMAND:
		most = 1;
		break;
	case OPERANDS_NONE:
		break;
	}
	return o->n_operands > most ? usage_error(o->command, "what is '%s'?", o->operands[most])
				    : 0;
}

int options_parse(struct options *o, const struct command *command, int argc, char **argv)
{
	bool to_the_end = command->operands == OPERANDS_PROGRAM;
	int i, err;

	*o = (struct options){.command = command,
			      .form = report_form_find(REPORT_FORM_DEFAULT),
			      .buffer = DEFAULT_BUFFER,
			      .max_recorders = DEFAULT_MAX_RECORDERS,
			      .operands = argv + 1};
	if (argc == 2 && strcmp(argv[1], "help") == 0) {
		o->help = true;
		return 0;
	}
	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		struct argument argument = {.next = argv[i + 1]};

		if (argv[i][0] != '-' || !argv[i][1]) {
			if (to_the_end)
				break;
			o->operands[o->n_operands++] = argv[i];
			continue;
		}
		err = take_option(o, argv[i], &argument);
		if (err || o->help)
			return err;
		i += argument.next_taken;
	}
	if (i < argc && strcmp(argv[i], "--") == 0)
		i++;
	while (i < argc)
		o->operands[o->n_operands++] = argv[i++];
	o->operands[o->n_operands] = NULL;
	err = check_pairs(o);
	return err ? err : check_operands(o);
}

void options_free(struct options *o)
{
	free(o->pids);
	free(o->spans);
	memset(o, 0, sizeof(*o));
}
