// SPDX-License-Identifier: BSD-2-Clause
#include "cli/completion.h"

#include <errno.h>
#include <string.h>

#include "cli/command.h"
#include "cli/option_table.h"

static void print_commands(FILE *to)
{
	for (size_t i = 0; i < n_commands; i++)
		fprintf(to, "%s%s", i ? " " : "", commands[i].name);
}

/* ---- bash ---- */

/* The patterns of a `case` for one option: "-o | --output". */
static void bash_pattern(FILE *to, const struct option_spec *option)
{
	if (option->letter)
		fprintf(to, "-%c | ", option->letter);
	fprintf(to, "--%s", option->name);
}

static void bash_value(FILE *to, const struct option_spec *option)
{
	fputc('\t', to);
	bash_pattern(to, option);
	fputs(")\n\t\t", to);
	if (option->word) {
		fputs("COMPREPLY=($(compgen -W '", to);
		for (size_t i = 0; option->word(i); i++)
			fprintf(to, "%s%s", i ? " " : "", option->word(i));
		fputs("' -- \"$word\"))\n", to);
	} else if (option->completion == COMPLETE_FILE) {
		fputs("compopt -o filenames\n\t\tCOMPREPLY=($(compgen -f -- \"$word\"))\n", to);
	} else if (option->completion == COMPLETE_PROGRAM) {
		fputs("COMPREPLY=($(compgen -c -- \"$word\"))\n", to);
	} else if (option->completion == COMPLETE_PID) {
		fputs("COMPREPLY=($(compgen -W \"$(ps -A -o pid=)\" -- \"$word\"))\n", to);
	}
	fputs("\t\treturn ;;\n", to);
}

/* The options that take a value: all of them, or only those whose value cannot be completed. */
static void bash_with_value(FILE *to, bool all)
{
	bool first = true;

	for (size_t i = 0; i < n_options; i++) {
		const struct option_spec *option = &option_table[i];

		if (!option->argument || (!all && (option->word || option->completion)))
			continue;
		fputs(first ? "" : " | ", to);
		bash_pattern(to, option);
		first = false;
	}
}

static void bash_command(FILE *to, const struct command *command)
{
	fprintf(to, "\t%s)\n\t\toptions='", command->name);
	for (size_t i = 0; i < n_options; i++) {
		const struct option_spec *option = &option_table[i];

		if (!option_belongs(option, command->bit))
			continue;
		if (option->letter)
			fprintf(to, "-%c ", option->letter);
		fprintf(to, "--%s ", option->name);
	}
	fputs("' operands='", to);
	if (command->operands == OPERANDS_COMMAND)
		print_commands(to);
	for (size_t i = 0; command->operands == OPERANDS_SHELL && completion_shell(i); i++)
		fprintf(to, "%s%s", i ? " " : "", completion_shell(i));
	fputs("' ;;\n", to);
}

/* From which word on the line belongs to the command of `run`, which has its own completion. */
static void bash_run(FILE *to)
{
	fputs("\tif [[ $command = run ]]; then\n"
	      "\t\tfor ((at = 2; at < COMP_CWORD; at++)); do\n"
	      "\t\t\tcase ${COMP_WORDS[at]} in\n"
	      "\t\t\t--) ((at++)); break ;;\n\t\t\t",
	      to);
	bash_with_value(to, true);
	fputs(")\n"
	      "\t\t\t\t((at++))\n"
	      "\t\t\t\t[[ ${COMP_WORDS[at]} != '=' ]] || ((at++)) ;;\n"
	      "\t\t\t-*) ;;\n"
	      "\t\t\t*) break ;;\n"
	      "\t\t\tesac\n"
	      "\t\tdone\n"
	      "\t\tif ((at < COMP_CWORD)) && declare -F _command_offset >/dev/null; then\n"
	      "\t\t\t_command_offset \"$at\"\n"
	      "\t\t\treturn\n"
	      "\t\tfi\n"
	      "\tfi\n",
	      to);
}

static void bash_values(FILE *to)
{
	fputs("\t# --option=value is three words to bash.\n"
	      "\t[[ $word != '=' ]] || word=''\n"
	      "\t[[ $before != '=' ]] || before=${COMP_WORDS[COMP_CWORD - 2]}\n"
	      "\tcase $before in\n",
	      to);
	for (size_t i = 0; i < n_options; i++) {
		const struct option_spec *option = &option_table[i];

		if (option->argument && (option->word || option->completion))
			bash_value(to, option);
	}
	fputc('\t', to);
	bash_with_value(to, false);
	fputs(")\n\t\treturn ;;\n\tesac\n", to);
}

static void print_bash(FILE *to)
{
	fputs("# bash completion of flightrec(8), made by `flightrec completion bash`\n"
	      "_flightrec()\n{\n"
	      "\tlocal word=$2 before=$3 command=${COMP_WORDS[1]} options='' operands='' at\n"
	      "\n"
	      "\tif ((COMP_CWORD == 1)); then\n"
	      "\t\tCOMPREPLY=($(compgen -W '",
	      to);
	print_commands(to);
	fputs(" --version --help' -- \"$word\"))\n\t\treturn\n\tfi\n", to);
	bash_run(to);
	bash_values(to);
	fputs("\tcase $command in\n", to);
	for (size_t i = 0; i < n_commands; i++)
		bash_command(to, &commands[i]);
	fputs("\tesac\n"
	      "\tif [[ $word = -* ]]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
	      "\telif [[ $command = run ]]; then\n"
	      "\t\tCOMPREPLY=($(compgen -c -- \"$word\"))\n"
	      "\telse\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$operands\" -- \"$word\"))\n"
	      "\tfi\n"
	      "}\n"
	      "complete -F _flightrec flightrec\n",
	      to);
}

/* ---- zsh ---- */

/* Text in single quotes; some characters mean something to _arguments. */
static void zsh_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputc(' ', to);
		else if (*text == '\'')
			fputs("'\\''", to);
		else if (strchr("[]:\\", *text))
			fprintf(to, "\\%c", *text);
		else
			fputc(*text, to);
	}
}

static void zsh_value(FILE *to, const struct option_spec *option)
{
	fputc(':', to);
	zsh_text(to, option->argument);
	fputc(':', to);
	if (option->word) {
		fputc('(', to);
		for (size_t i = 0; option->word(i); i++)
			fprintf(to, "%s%s", i ? " " : "", option->word(i));
		fputc(')', to);
	} else if (option->completion == COMPLETE_FILE) {
		fputs("_files", to);
	} else if (option->completion == COMPLETE_PROGRAM) {
		fputs("_cmdstring", to);
	} else if (option->completion == COMPLETE_PID) {
		fputs("_sequence _pids", to);
	} else {
		fputc(' ', to);
	}
}

static void zsh_option(FILE *to, const struct option_spec *option)
{
	fputs("\t\t\t", to);
	if (option->letter)
		fprintf(to, "'(-%c --%s)'{-%c%s,--%s%s}'[", option->letter, option->name,
			option->letter, option->argument ? "+" : "", option->name,
			option->argument ? "=" : "");
	else
		fprintf(to, "'--%s%s[", option->name, option->argument ? "=" : "");
	zsh_text(to, option->help);
	fputc(']', to);
	if (option->argument)
		zsh_value(to, option);
	fputs("' \\\n", to);
}

static void zsh_operands(FILE *to, const struct command *command)
{
	fputs("\t\t\t", to);
	switch (command->operands) {
	case OPERANDS_PROGRAM:
		fputs("'(-):command: _command_names -e' '*::arguments: _normal'", to);
		break;
	case OPERANDS_PIDS:
		fputs("'*:process:_pids'", to);
		break;
	case OPERANDS_COMMAND:
		fputs("':command:(", to);
		print_commands(to);
		fputs(")'", to);
		break;
	case OPERANDS_SHELL:
		fputs("':shell:(", to);
		for (size_t i = 0; completion_shell(i); i++)
			fprintf(to, "%s%s", i ? " " : "", completion_shell(i));
		fputs(")'", to);
		break;
	case OPERANDS_NONE:
		fputs("':: :'", to);
		break;
	}
	fputs(" ;;\n", to);
}

static void print_zsh(FILE *to)
{
	fputs("#compdef flightrec\n"
	      "# zsh completion of flightrec(8), made by `flightrec completion zsh`\n"
	      "_flightrec()\n{\n"
	      "\tlocal -a commands=(\n",
	      to);
	for (size_t i = 0; i < n_commands; i++) {
		fprintf(to, "\t\t'%s:", commands[i].name);
		zsh_text(to, commands[i].summary);
		fputs("'\n", to);
	}
	fputs("\t)\n"
	      "\tif ((CURRENT == 2)); then\n"
	      "\t\t_describe command commands\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tlocal command=$words[2]\n"
	      "\tshift words\n"
	      "\t((CURRENT--))\n"
	      "\tcase $command in\n",
	      to);
	for (size_t i = 0; i < n_commands; i++) {
		fprintf(to, "\t%s)\n\t\t_arguments -s -S \\\n", commands[i].name);
		for (size_t j = 0; j < n_options; j++) {
			if (option_belongs(&option_table[j], commands[i].bit))
				zsh_option(to, &option_table[j]);
		}
		zsh_operands(to, &commands[i]);
	}
	fputs("\tesac\n}\n_flightrec \"$@\"\n", to);
}

/* ---- both ---- */

static const struct {
	const char *name;
	void (*print)(FILE *to);
} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}};

const char *completion_shell(size_t index)
{
	return index < sizeof(shells) / sizeof(shells[0]) ? shells[index].name : NULL;
}

int completion_print(FILE *to, const char *shell)
{
	for (size_t i = 0; completion_shell(i); i++) {
		if (strcmp(completion_shell(i), shell) == 0) {
			shells[i].print(to);
			return 0;
		}
	}
	return -EINVAL;
}
