// SPDX-License-Identifier: BSD-2-Clause
/* `flightrec completion`: the completion script of a shell. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/completion.h"
#include "cli/options.h"

int cmd_completion(const struct options *options)
{
	const char *shell = options->operands[0];

	if (completion_print(stdout, shell))
		return usage_error(options->command, "'%s' is not bash or zsh", shell);
	return 0;
}
