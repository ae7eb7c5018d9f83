// SPDX-License-Identifier: BSD-2-Clause
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/help.h"
#include "collector/base/nearest.h"
#include "cli/options.h"
#include "cli/startup.h"
#include "collector/session.h"
#include "flightrec.h"

static int run(const struct options *options)
{
	switch (options->command->bit) {
	case COMMAND_RUN:
		return cmd_run(options);
	case COMMAND_ATTACH:
		return cmd_attach(options);
	case COMMAND_LIST:
		return cmd_list(options);
	case COMMAND_TOP:
		return cmd_top(options);
	case COMMAND_DUMP:
		return cmd_dump(options);
	case COMMAND_SPANS:
		return cmd_spans(options);
	case COMMAND_DOCTOR:
		return cmd_doctor(options);
	case COMMAND_HELP:
		return cmd_help(options);
	case COMMAND_COMPLETION:
		return cmd_completion(options);
	case COMMAND_EVERY:
		break;
	}
	return EXIT_USAGE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct options options;
	int status = options_parse(&options, command, argc, argv);

	if (!status && options.help)
		help_page(stdout, command);
	else if (!status)
		status = run(&options);
	options_free(&options);
	return status;
}

static int unknown_command(const char *word)
{
	static const char *const others[] = {"--version", "--help"};
	struct nearest search = {.word = word};

	if (word[0] != '-')
		return usage_unknown(NULL, "unknown command", word, command_nearest(word));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		nearest_try(&search, others[i]);
	if (search.best)
		return usage_unknown(NULL, "unrecognized option", word, search.best);
	return usage_error(NULL, "'%s' in place of a command: options follow it", word);
}

static bool is_either(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	const struct command *command;
	int status;

	startup_occupy_streams();
	if (!word) {
		help_overview(stderr);
		return EXIT_USAGE;
	}
	status = argc == 2 ? session_help(word) : -1;
	if (status >= 0)
		return status;
	if (is_either(word, "--version", "-V")) {
		printf("flightrec %s\n", FLIGHTREC_VERSION_STRING);
		return 0;
	}
	if (is_either(word, "--help", "-h"))
		word = "help";
	command = command_find(word);
	return command ? run_command(command, argc - 1, argv + 1) : unknown_command(word);
}
