// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "cli/command.h"
#include "collector/base/nearest.h"

const struct command commands[] = {
	{
		.bit = COMMAND_RUN,
		.name = "run",
		.synopsis = "[OPTION...] [--] COMMAND [ARG...]",
		.summary = "start COMMAND and watch it and its children",
		.description =
			"Starts COMMAND and watches it and its children: the log of each recorder\n"
			"that exceeds its timeout is replayed on standard error.\n",
		.operands = OPERANDS_PROGRAM,
	},
	{
		.bit = COMMAND_ATTACH,
		.name = "attach",
		.synopsis = "[OPTION...] -p PID[,PID...] | -a",
		.summary = "watch running processes",
		.description =
			"Watches running processes, until they have all ended: the log of each\n"
			"recorder that exceeds its timeout is replayed on standard output.\n",
		.operands = OPERANDS_PIDS,
	},
	{
		.bit = COMMAND_LIST,
		.name = "list",
		.synopsis = "[-p PID[,PID...]] [--json]",
		.summary = "processes that use the library, and their open recorders",
		.description = "Lists the processes that keep a memory log, and the recorders that "
			       "they have\n"
			       "open. Nothing is stopped, and nobody need have been watching.\n",
		.operands = OPERANDS_PIDS,
	},
	{
		.bit = COMMAND_TOP,
		.name = "top",
		.synopsis = "[OPTION...]",
		.summary = "the same, live",
		.description = "Shows the open recorders of all processes, the most overdue first, "
			       "and anew\n"
			       "each second. Keys: s sorts otherwise, / filters, p pauses, q ends. "
			       "Without a\n"
			       "terminal they are printed once.\n",
		.operands = OPERANDS_NONE,
	},
	{
		.bit = COMMAND_DUMP,
		.name = "dump",
		.synopsis = "[OPTION...] -p PID[,PID...] | --core FILE",
		.summary = "replay every open recorder now",
		.description = "Replays every recorder that is open in a process, or was in a core "
			       "file, on\n"
			       "standard output. Nothing is stopped, and nobody need have been "
			       "watching.\n",
		.operands = OPERANDS_PIDS,
	},
	{
		.bit = COMMAND_SPANS,
		.name = "spans",
		.synopsis = "[OPTION...] -p PID[,PID...] | --packs",
		.summary = "what can be watched of programs without the library",
		.description = "Says which probes a process has, and which spans are possible in "
			       "it: those that\n"
			       "are given, or those of all packs that come with flightrec.\n",
		.operands = OPERANDS_PIDS,
	},
	{
		.bit = COMMAND_DOCTOR,
		.name = "doctor",
		.synopsis = "[OPTION...]",
		.summary = "what this kernel and these privileges allow",
		.description = "Says what this kernel and these privileges allow.\n",
		.operands = OPERANDS_NONE,
	},
	{
		.bit = COMMAND_HELP,
		.name = "help",
		.synopsis = "[COMMAND]",
		.summary = "this, or the page of a command",
		.description = "Shows the page of a command, or an overview.\n",
		.operands = OPERANDS_COMMAND,
	},
	{
		.bit = COMMAND_COMPLETION,
		.name = "completion",
		.synopsis = "bash | zsh",
		.summary = "the completion script of a shell",
		.description =
			"Writes a script to standard output that completes the command line of\n"
			"flightrec in that shell. For bash: source <(flightrec completion bash).\n"
			"For zsh: write it to a file _flightrec in a directory of $fpath.\n",
		.operands = OPERANDS_SHELL,
	},
};
const size_t n_commands = sizeof(commands) / sizeof(commands[0]);

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < n_commands; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

const char *command_nearest(const char *name)
{
	struct nearest search = {.word = name};

	for (size_t i = 0; i < n_commands; i++)
		nearest_try(&search, commands[i].name);
	return search.best;
}
