// SPDX-License-Identifier: BSD-2-Clause
/* `flightrec help`: the pages of help. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/options.h"

int cmd_help(const struct options *options)
{
	const char *name = options->operands[0];
	const struct command *command;

	if (!name) {
		help_overview(stdout);
		return 0;
	}
	command = command_find(name);
	if (!command)
		return usage_unknown(NULL, "unknown command", name, command_nearest(name));
	help_page(stdout, command);
	return 0;
}
