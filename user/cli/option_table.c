// SPDX-License-Identifier: BSD-2-Clause
#include "cli/option_table.h"

#include <errno.h>
#include <string.h>

#include "cli/options.h"
#include "collector/base/array.h"
#include "collector/base/units.h"
#include "collector/report/names.h"
#include "collector/report/report_forms.h"

#define WATCHING (COMMAND_RUN | COMMAND_ATTACH)
#define INSPECTING (COMMAND_LIST | COMMAND_DUMP)
#define DURATION_EXPECTED "a duration such as 250ms, 10s or 1h30m"
#define BUFFER_MAX (16ULL << 30)
#define RECORDERS_MAX (1u << 24)

static int set_output(struct options *o, const char *value)
{
	if (!*value)
		return -EINVAL;
	o->output = value;
	return 0;
}

static int set_append(struct options *o, const char *value)
{
	(void)value;
	o->append = true;
	return 0;
}

static int set_probes(struct options *o, const char *value)
{
	(void)value;
	o->probes = true;
	return 0;
}

static int set_no_stack(struct options *o, const char *value)
{
	(void)value;
	o->no_stack = true;
	return 0;
}

static int set_exec(struct options *o, const char *value)
{
	if (!*value)
		return -EINVAL;
	o->exec = value;
	return 0;
}

static int set_exec_limit(struct options *o, const char *value)
{
	return parse_count(value, 1, UINT64_MAX, &o->exec_limit);
}

static int set_format(struct options *o, const char *value)
{
	o->form = report_form_find(value);
	return o->form ? 0 : -EINVAL;
}

/* In the order of enum color. */
static const char *color_word(size_t index)
{
	static const char *const words[] = {"auto", "always", "never"};

	return index < sizeof(words) / sizeof(words[0]) ? words[index] : NULL;
}

static int set_color(struct options *o, const char *value)
{
	for (size_t i = 0; color_word(i); i++) {
		if (strcmp(color_word(i), value) == 0) {
			o->color = (enum color)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_json(struct options *o, const char *value)
{
	(void)value;
	o->json = true;
	o->form = report_form_find("json");
	return 0;
}

static int set_deaths(struct options *o, const char *value)
{
	int deaths = deaths_parse(value);

	if (deaths < 0)
		return deaths;
	o->deaths = (enum deaths)deaths;
	return 0;
}

static int set_min_severity(struct options *o, const char *value)
{
	int severity = severity_parse(value);

	if (severity < 0)
		return severity;
	o->min_severity = severity;
	return 0;
}

static int set_timeout(struct options *o, const char *value)
{
	return parse_duration(value, &o->timeout_ns);
}

static int set_duration(struct options *o, const char *value)
{
	return parse_duration(value, &o->duration_ns);
}

static int set_max_reports(struct options *o, const char *value)
{
	return parse_count(value, 1, UINT64_MAX, &o->max_reports);
}

static int set_buffer(struct options *o, const char *value)
{
	uint64_t size;

	if (parse_size(value, &size) || size > BUFFER_MAX)
		return -EINVAL;
	o->buffer = size;
	o->buffer_given = true;
	return 0;
}

static int set_max_recorders(struct options *o, const char *value)
{
	return parse_count(value, 1, RECORDERS_MAX, &o->max_recorders);
}

static int set_quiet(struct options *o, const char *value)
{
	(void)value;
	o->quiet = true;
	return 0;
}

static int set_verbose(struct options *o, const char *value)
{
	(void)value;
	o->verbose++;
	return 0;
}

static int set_pid(struct options *o, const char *value)
{
	return parse_pids(value, &o->pids, &o->n_pids);
}

static int set_all(struct options *o, const char *value)
{
	(void)value;
	o->all = true;
	return 0;
}

static int set_closed(struct options *o, const char *value)
{
	(void)value;
	o->closed = true;
	return 0;
}

static int set_core(struct options *o, const char *value)
{
	if (!*value)
		return -EINVAL;
	o->core = value;
	return 0;
}

static int add_span(struct options *o, const char *text, bool is_pack)
{
	if (!*text || array_reserve(o->spans, o->spans_room, o->n_spans + 1))
		return -EINVAL;
	o->spans[o->n_spans++] = (struct span_option){text, is_pack};
	return 0;
}

static int set_span(struct options *o, const char *value)
{
	return add_span(o, value, false);
}

static int set_pack(struct options *o, const char *value)
{
	return add_span(o, value, true);
}

static int set_blocked(struct options *o, const char *value)
{
	return parse_duration(value, &o->blocked_ns);
}

static int set_idle(struct options *o, const char *value)
{
	(void)value;
	o->idle = true;
	return 0;
}

static int set_packs(struct options *o, const char *value)
{
	(void)value;
	o->packs = true;
	return 0;
}

static int set_verifier(struct options *o, const char *value)
{
	(void)value;
	o->verifier = true;
	return 0;
}

static int set_help(struct options *o, const char *value)
{
	(void)value;
	o->help = true;
	return 0;
}

const struct option_spec option_table[] = {
	{
		.name = "pid",
		.letter = 'p',
		.argument = "PID[,PID...]",
		.help = "these processes",
		.commands = COMMAND_ATTACH | COMMAND_SPANS | INSPECTING,
		.completion = COMPLETE_PID,
		.set = set_pid,
		.expected = "a process number, or several",
	},
	{
		.name = "all",
		.letter = 'a',
		.help = "watch every process that uses the library, also\nlater ones",
		.commands = COMMAND_ATTACH,
		.set = set_all,
	},
	{
		.name = "core",
		.argument = "FILE",
		.help = "a core file, in place of processes",
		.commands = COMMAND_DUMP,
		.completion = COMPLETE_FILE,
		.set = set_core,
		.expected = "the name of a file",
	},
	{
		.name = "all",
		.help = "recorders that are closed as well, as far as they\nare still in memory",
		.commands = COMMAND_DUMP,
		.set = set_closed,
	},
	{
		.name = "output",
		.letter = 'o',
		.argument = "FILE",
		.help = "write replays to FILE, which is emptied first",
		.commands = WATCHING | COMMAND_DUMP,
		.completion = COMPLETE_FILE,
		.set = set_output,
		.expected = "the name of a file",
	},
	{
		.name = "append",
		.letter = 'A',
		.help = "keep what FILE holds",
		.commands = WATCHING | COMMAND_DUMP,
		.set = set_append,
	},
	{
		.name = "format",
		.argument = "FORMAT",
		.help = "how replays are written",
		.commands = WATCHING | COMMAND_DUMP,
		.word = report_form_name,
		.set = set_format,
	},
	{
		.name = "color",
		.argument = "WHEN",
		.help = "colours, in the format short",
		.commands = WATCHING | COMMAND_DUMP,
		.word = color_word,
		.set = set_color,
	},
	{
		.name = "json",
		.help = "one JSON object a line",
		.commands = WATCHING | INSPECTING,
		.set = set_json,
	},
	{
		.name = "min-severity",
		.argument = "LEVEL",
		.help = "leave out entries below LEVEL",
		.commands = WATCHING,
		.word = severity_word,
		.set = set_min_severity,
	},
	{
		.name = "deaths",
		.argument = "WHICH",
		.help = "also report what was open when its process died",
		.commands = WATCHING,
		.word = deaths_word,
		.set = set_deaths,
	},
	{
		.name = "timeout",
		.argument = "DURATION",
		.help = "in place of every recorder's own timeout, such as\n250ms, 10s, 1h30m",
		.commands = WATCHING,
		.set = set_timeout,
		.expected = DURATION_EXPECTED,
	},
	{
		.name = "duration",
		.argument = "DURATION",
		.help = "stop watching after this long",
		.commands = WATCHING,
		.set = set_duration,
		.expected = DURATION_EXPECTED,
	},
	{
		.name = "max-reports",
		.argument = "N",
		.help = "stop watching after N replays",
		.commands = WATCHING,
		.set = set_max_reports,
		.expected = "a number from 1",
	},
	{
		.name = "exec",
		.argument = "COMMAND",
		.help = "run COMMAND by sh for each timeout, with the\n"
			"report as JSON on standard input",
		.commands = WATCHING,
		.completion = COMPLETE_PROGRAM,
		.set = set_exec,
		.expected = "a command",
	},
	{
		.name = "exec-limit",
		.argument = "N",
		.help = "run it N times at most",
		.commands = WATCHING,
		.set = set_exec_limit,
		.expected = "a number from 1",
	},
	{
		.name = "buffer",
		.argument = "SIZE",
		.help = "ring buffers in the kernel, all CPUs together, such\nas 64M (16M)",
		.commands = WATCHING,
		.set = set_buffer,
		.expected = "a size such as 512K or 64M, up to 16G",
	},
	{
		.name = "max-recorders",
		.argument = "N",
		.help = "recorders that one process can have open (131072,\nwhich takes about 75 "
			"MiB)",
		.commands = WATCHING,
		.set = set_max_recorders,
		.expected = "a number from 1 to 16777216",
	},
	{
		.name = "probes",
		.help = "entries and deadlines by probes, not by memory",
		.commands = WATCHING,
		.set = set_probes,
	},
	{
		.name = "no-stack",
		.help = "reports without the stacks of threads that hang",
		.commands = WATCHING | COMMAND_DUMP,
		.set = set_no_stack,
	},
	{
		.name = "span",
		.letter = 's',
		.argument = "SPAN",
		.help = "watch this of a program that does not use the\nlibrary: "
			"uprobe:LIBRARY:FUNCTION 2s, or\nsyscall:NAME,... 1s; "
			"flightrec-spans(7)",
		.commands = WATCHING | COMMAND_SPANS,
		.set = set_span,
		.expected = "the description of a span",
	},
	{
		.name = "pack",
		.argument = "NAME|FILE",
		.help = "spans that are described in a file",
		.commands = WATCHING | COMMAND_SPANS,
		.completion = COMPLETE_FILE,
		.set = set_pack,
		.expected = "the name of a pack, or of a file",
	},
	{
		.name = "blocked",
		.argument = "DURATION",
		.help = "report threads that are in one system call, or do\nnot run for another "
			"reason, for longer",
		.commands = WATCHING,
		.set = set_blocked,
		.expected = DURATION_EXPECTED,
	},
	{
		.name = "idle",
		.help = "with --blocked, also those that may just have\nnothing to do",
		.commands = WATCHING,
		.set = set_idle,
	},
	{
		.name = "packs",
		.help = "the packs that there are, and what each needs",
		.commands = COMMAND_SPANS,
		.set = set_packs,
	},
	{
		.name = "quiet",
		.letter = 'q',
		.help = "no totals at the end",
		.commands = WATCHING,
		.set = set_quiet,
	},
	{
		.name = "verbose",
		.letter = 'v',
		.help = "say more about what is being done",
		.commands = WATCHING,
		.set = set_verbose,
	},
	{
		.name = "verifier",
		.help = "the verifier's instruction counts as well",
		.commands = COMMAND_DOCTOR,
		.set = set_verifier,
	},
	{
		.name = "help",
		.letter = 'h',
		.help = "show this",
		.commands = COMMAND_EVERY,
		.set = set_help,
	},
};
const size_t n_options = sizeof(option_table) / sizeof(option_table[0]);

bool option_belongs(const struct option_spec *option, unsigned int command)
{
	return (option->commands & command) != 0;
}
