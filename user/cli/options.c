// SPDX-License-Identifier: BSD-2-Clause
#include "cli/options.h"

#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/units.h"

enum {
	KEY_FORMAT = 256,
	KEY_JSON,
	KEY_MIN_SEVERITY,
	KEY_TIMEOUT,
	KEY_DURATION,
	KEY_MAX_REPORTS,
	KEY_BUFFER,
	KEY_MAX_RECORDERS,
	KEY_HELP,
};

static const struct argp_option common_options[] = {
	{"output", 'o', "FILE", 0, "Write replays to FILE", 0},
	{"format", KEY_FORMAT, "text|detail|json", 0, "How to write them (text)", 0},
	{"json", KEY_JSON, NULL, 0, "The same as --format json: one object a line", 0},
	{"min-severity", KEY_MIN_SEVERITY, "LEVEL", 0,
	 "Leave out entries below debug, info, warning, error or critical", 0},
	{"timeout", KEY_TIMEOUT, "DURATION", 0, "In place of every recorder's own timeout", 0},
	{"duration", KEY_DURATION, "DURATION", 0, "Stop watching after this long", 0},
	{"max-reports", KEY_MAX_REPORTS, "N", 0, "Stop watching after N replays", 0},
	{"buffer", KEY_BUFFER, "SIZE", 0, "Ring buffers in the kernel, all CPUs together (16M)", 0},
	{"max-recorders", KEY_MAX_RECORDERS, "N", 0,
	 "Open recorders that can be tracked at once (131072, which takes about 36 MiB)", 0},
	{"quiet", 'q', NULL, 0, "No totals at the end", 0},
	{"verbose", 'v', NULL, 0, "Say more about what is being done", 0},
	{"help", KEY_HELP, NULL, 0, "Show this", -1},
	{0},
};

static const struct argp_option attach_options[] = {
	{"pid", 'p', "PID[,PID...]", 0, "Watch these processes", 1},
	{"all", 'a', NULL, 0, "Watch every process that uses the library, later ones too", 1},
	{0},
};

/* One line that says what is wrong, where argp would take three; then ends. */
__attribute__((format(printf, 2, 3), noreturn)) static void
usage_error(const struct argp_state *state, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", state->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; try %s --help\n", state->name);
	exit(EXIT_USAGE);
}

static bool is_option(const struct argp_option *options, const char *text)
{
	for (; options->name; options++) {
		if (strncmp(text, "--", 2) == 0 ? strcmp(text + 2, options->name) == 0
						: text[1] == options->key)
			return true;
	}
	return false;
}

/* getopt() stopped: at an option that there is not, or one whose value is missing. */
__attribute__((noreturn)) static void stopped_at(const struct argp_state *state)
{
	const char *option = state->next > 0 ? state->argv[state->next - 1] : "";

	if (is_option(common_options, option) || is_option(attach_options, option))
		usage_error(state, "option '%s' needs a value", option);
	usage_error(state, "unrecognized option '%s'", option);
}

static error_t bad_value(struct argp_state *state, const char *option, const char *value,
			 const char *expected)
{
	usage_error(state, "%s: '%s' is not %s", option, value, expected);
}

static int parse_format(const char *text)
{
	static const char *const names[] = {"text", "detail", "json"};

	for (int i = 0; i < 3; i++) {
		if (strcmp(text, names[i]) == 0)
			return i;
	}
	return -EINVAL;
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	static const char duration[] = "a duration such as 250ms, 10s or 5m";
	struct options *o = state->input;
	int value;

	switch (key) {
	case 'o':
		o->output = arg;
		return 0;
	case KEY_FORMAT:
		value = parse_format(arg);
		if (value < 0)
			return bad_value(state, "--format", arg, "text, detail or json");
		o->format = (enum report_format)value;
		return 0;
	case KEY_JSON:
		o->format = FORMAT_JSON;
		return 0;
	case KEY_MIN_SEVERITY:
		o->min_severity = parse_severity(arg);
		if (o->min_severity < 0)
			return bad_value(state, "--min-severity", arg,
					 "debug, info, warning, error or critical");
		return 0;
	case KEY_TIMEOUT:
		if (parse_duration(arg, &o->timeout_ns))
			return bad_value(state, "--timeout", arg, duration);
		return 0;
	case KEY_DURATION:
		if (parse_duration(arg, &o->duration_ns))
			return bad_value(state, "--duration", arg, duration);
		return 0;
	case KEY_MAX_REPORTS:
		if (parse_count(arg, 1, UINT64_MAX, &o->max_reports))
			return bad_value(state, "--max-reports", arg, "a number from 1");
		return 0;
	case KEY_BUFFER:
		if (parse_size(arg, &o->buffer) || o->buffer > 16ULL << 30)
			return bad_value(state, "--buffer", arg, "a size such as 512K or 64M");
		return 0;
	case KEY_MAX_RECORDERS:
		if (parse_count(arg, 1, MAX_RECORDERS_LIMIT, &o->max_recorders))
			return bad_value(state, "--max-recorders", arg, "a number up to 16777216");
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case 'v':
		o->verbose++;
		return 0;
	case KEY_HELP:
		/* Not argp's own, which ARGP_NO_ERRS silences as well. */
		argp_help(state->root_argp, stdout, ARGP_HELP_STD_HELP, state->name);
		exit(0);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_run(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		return 0;
	case ARGP_KEY_ARGS:
		o->command = state->argv + state->next;
		return 0;
	case ARGP_KEY_ERROR:
		stopped_at(state);
	case ARGP_KEY_NO_ARGS:
		usage_error(state, "which COMMAND?");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_attach(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		return 0;
	case 'p':
		if (parse_pids(arg, &o->pids, &o->n_pids))
			return bad_value(state, "-p", arg, "a process number, or several");
		return 0;
	case 'a':
		o->all = true;
		return 0;
	case ARGP_KEY_ARG:
		/* What the shell made of -p 1 2 3. */
		if (o->n_pids && parse_pids(arg, &o->pids, &o->n_pids) == 0)
			return 0;
		usage_error(state, "what is '%s'?", arg);
	case ARGP_KEY_ERROR:
		stopped_at(state);
	case ARGP_KEY_END:
		if (o->all == (o->n_pids > 0))
			usage_error(state, "name processes with -p, or all with -a");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int options_parse(struct options *options, bool run, int argc, char **argv)
{
	static const struct argp common = {common_options, parse_common, NULL, NULL,
					   NULL,           NULL,         NULL};
	static const struct argp_child children[] = {{&common, 0, NULL, 0}, {0}};
	static const struct argp run_argp = {
		NULL,
		parse_run,
		"[--] COMMAND [ARG...]",
		"Start COMMAND and watch it and its children: recorders that exceed their timeout "
		"are replayed on standard error.",
		children,
		NULL,
		NULL};
	static const struct argp attach_argp = {
		attach_options,
		parse_attach,
		NULL,
		"Watch running processes: recorders that exceed their timeout are replayed on "
		"standard output.",
		children,
		NULL,
		NULL};
	const struct argp *argp = run ? &run_argp : &attach_argp;
	unsigned int flags;
	char name[32];

	*options = (struct options){
		.run = run, .buffer = DEFAULT_BUFFER, .max_recorders = DEFAULT_MAX_RECORDERS};
	argp_err_exit_status = EXIT_USAGE;
	/* argp's messages begin with it. */
	snprintf(name, sizeof(name), "flightrec %s", argv[0]);
	argv[0] = name;
	/* In order: what comes after COMMAND is COMMAND's. */
	flags = ARGP_NO_ERRS | ARGP_NO_HELP | (run ? ARGP_IN_ORDER : 0);
	return argp_parse(argp, argc, argv, flags, NULL, options) ? EXIT_USAGE : 0;
}

void options_free(struct options *options)
{
	free(options->pids);
	memset(options, 0, sizeof(*options));
}
