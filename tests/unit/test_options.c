// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/report/deaths.c */
/* link: user/cli/options.c user/cli/option_table.c user/cli/commands.c */
/* link: user/collector/base/nearest.c user/collector/base/units.c */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/* link: user/collector/base/message.c */
/* link: user/collector/report/names.c user/collector/report/unfinished.c */
/* link: user/collector/report/report_json_thread.c user/collector/report/frame_text.c */
/* link: user/collector/report/report_short.c */
/* link: user/collector/report/report_forms.c user/collector/report/report_text.c */
/* link: user/collector/report/report_time.c */
/* link: user/collector/report/report_json.c user/collector/report/date_cache.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "captured.h"
#include "cli/command.h"
#include "cli/option_table.h"
#include "cli/options.h"
#include "flightrec.h"

#define WORDS_MAX 16

static struct options o;
static char line[4096];        /* a copy of the command line */
static char *words[WORDS_MAX]; /* of it */
static const char *said = "";

/* Splits at blanks; "''" is an empty word. */
static int split(const char *text)
{
	int n = 0;

	snprintf(line, sizeof(line), "%s", text);
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		assert_true(n < WORDS_MAX - 1);
		words[n++] = strcmp(word, "''") ? word : word + 2;
	}
	words[n] = NULL;
	return n;
}

/* Parses it. What was written to standard error is in said. */
static int parse(const char *text)
{
	int argc = split(text), status;
	const struct command *command = command_find(words[0]);

	assert_non_null(command);
	options_free(&o);
	assert_int_equal(capture_begin(), 0);
	status = options_parse(&o, command, argc, words);
	said = capture_end();
	return status;
}

static void parsed(const char *text)
{
	if (parse(text))
		fail_msg("'%s': %s", text, said);
	assert_string_equal(said, "");
}

/* An error is one line. */
static void refused(const char *text, const char *message)
{
	if (parse(text) != EXIT_USAGE)
		fail_msg("'%s' is taken", text);
	if (!strstr(said, message) || strchr(said, '\n') != said + strlen(said) - 1)
		fail_msg("'%s' says '%s'", text, said);
}

static void test_defaults(void **state)
{
	(void)state;
	parsed("run true");
	assert_null(o.output);
	assert_string_equal(o.form->name, "text");
	assert_int_equal(o.min_severity, FLIGHTREC_DEBUG);
	assert_int_equal(o.timeout_ns, 0);
	assert_int_equal(o.buffer, DEFAULT_BUFFER);
	assert_false(o.buffer_given);
	assert_int_equal(o.max_recorders, DEFAULT_MAX_RECORDERS);
	assert_false(o.help);
}

static void test_every_way_to_write_an_option(void **state)
{
	static const char *const ways[] = {
		"run -o f true",    "run -of true",   "run --output f true", "run --output=f true",
		"run --out f true", "run -qo f true", "run -q -vof true",    "run -o f -- true"};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		parsed(ways[i]);
		assert_string_equal(o.output, "f");
		assert_int_equal(o.n_operands, 1);
		assert_string_equal(o.operands[0], "true");
		assert_null(o.operands[1]);
	}
}

static void test_values(void **state)
{
	(void)state;
	parsed("run --timeout 1h30m --duration 250ms --max-reports 18446744073709551615 "
	       "--buffer 64M --max-recorders 16777216 -qvv --json x");
	assert_int_equal(o.timeout_ns, 5400000000000);
	assert_int_equal(o.duration_ns, 250000000);
	assert_true(o.max_reports == UINT64_MAX);
	assert_int_equal(o.buffer, 64 << 20);
	assert_true(o.buffer_given);
	assert_int_equal(o.max_recorders, 16777216);
	assert_true(o.quiet);
	assert_int_equal(o.verbose, 2);
	assert_string_equal(o.form->name, "json");
	parsed("attach -a -Ao f --exec=true --exec-limit 3");
	assert_true(o.append);
	assert_string_equal(o.exec, "true");
	assert_int_equal(o.exec_limit, 3);
	parsed("run --json --format detail --min-severity WARN x");
	assert_string_equal(o.form->name, "detail");
	assert_int_equal(o.min_severity, FLIGHTREC_WARNING);
	parsed("run --min-severity error x");
	assert_int_equal(o.min_severity, FLIGHTREC_ERROR);
}

/* What follows COMMAND belongs to it, and so does what follows "--". */
static void test_operands_of_run(void **state)
{
	(void)state;
	parsed("run -q ls -v --json -- x");
	assert_int_equal(o.n_operands, 5);
	assert_string_equal(o.operands[1], "-v");
	assert_string_equal(o.operands[3], "--");
	assert_int_equal(o.verbose, 0);
	parsed("run -- -v --");
	assert_int_equal(o.n_operands, 2);
	assert_string_equal(o.operands[0], "-v");
	parsed("run -");
	assert_string_equal(o.operands[0], "-");
	refused("run", "which COMMAND?");
	refused("run -q --", "which COMMAND?");
}

static void test_processes(void **state)
{
	(void)state;
	parsed("attach -p 3,1 -q 2 -p 3");
	assert_int_equal(o.n_pids, 3);
	assert_int_equal(o.pids[0], 3);
	assert_int_equal(o.pids[2], 2);
	assert_true(o.quiet);
	parsed("attach 5 -p 4");
	assert_int_equal(o.n_pids, 2);
	parsed("attach -a");
	assert_true(o.all);
	refused("attach", "with -p, or all with -a");
	refused("attach -a -p 1", "with -p, or all with -a");
	refused("attach -a 1", "what is '1'?");
	refused("attach -p 1 x", "what is 'x'?");
	refused("attach -p -5", "-p: '-5' is not a process number");
	refused("attach -p ''", "-p: '' is not a process number");
	refused("attach -p", "option '-p' needs a value");
	refused("attach --pid=0", "'0' is not a process number");
	refused("run -p 1 x", "unrecognized option '-p'");
}

static void test_wrong_values(void **state)
{
	(void)state;
	refused("run --timeout 0 x",
		"--timeout: '0' is not a duration such as 250ms, 10s or 1h30m");
	refused("run --timeout 0s x", "--timeout: '0s' is not a duration");
	refused("run --timeout -1s x", "'-1s' is not");
	refused("run --duration= x", "--duration: '' is not a duration");
	refused("run --max-reports 0 x", "'0' is not a number");
	refused("run --max-reports 18446744073709551616 x", "is not a number");
	refused("run --buffer 0 x", "'0' is not a size such as 512K or 64M");
	refused("run --buffer 17G x", "'17G' is not a size");
	refused("run --buffer 1.3K x", "'1.3K' is not a size");
	refused("run --max-recorders 16777217 x", "'16777217' is not a number from 1 to 16777216");
	refused("run --format xml x", "--format: 'xml' is not text, detail, json or short");
	refused("run --min-severity '' x", "'' is not debug, info, warning, error or critical");
	refused("run -A x", "--append needs --output FILE");
	refused("run --exec-limit 3 x", "--exec-limit needs --exec COMMAND");
	refused("run --exec '' x", "--exec: '' is not a command");
	refused("run --exec true --exec-limit 0 x", "--exec-limit: '0' is not a number from 1");
	refused("run --output= x", "'' is not the name of a file");
}

static void test_wrong_options(void **state)
{
	(void)state;
	refused("run --frobnicate x", "flightrec run: unrecognized option '--frobnicate'; try");
	refused("run --jsno x", "unrecognized option '--jsno'; did you mean '--json'?");
	refused("run --tiemout=5s x", "unrecognized option '--tiemout'; did you mean '--timeout'?");
	refused("run -json x", "did you mean '--json'?");
	refused("run -qz x", "unrecognized option '-qz'");
	refused("run --max 3 x", "option '--max' could be --max-reports or --max-recorders");
	refused("run --json=yes x", "option '--json' takes no value");
	refused("run --timeout", "option '--timeout' needs a value");
	refused("run -qo", "option '-o' needs a value");
	refused("doctor --json", "unrecognized option '--json'");
	refused("doctor x", "what is 'x'?");
	refused("help run attach", "what is 'attach'?");
	refused("completion", "for which shell");
}

static void test_help(void **state)
{
	static const char *const ways[] = {
		"run -h",           "run --help",    "run help",    "run -qh x",
		"attach -p 1 -h",   "attach --hel",  "attach help", "doctor -h",
		"doctor help",      "completion -h", "help -h",     "run --timeout 5s --help",
		"attach -h -p junk"};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		parsed(ways[i]);
		if (!o.help)
			fail_msg("no help for '%s'", ways[i]);
	}
	parsed("run ls -h");
	assert_false(o.help);
	parsed("run -- help");
	assert_false(o.help);
	refused("run --help=x", "takes no value");
}

/* What parser, help and completion rely on in the table. */
static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_options; i++) {
		const struct option_spec *a = &option_table[i];

		assert_non_null(a->set);
		assert_true(a->commands && !(a->commands & ~(unsigned)COMMAND_EVERY));
		assert_true(!a->argument || a->word || a->expected);
		assert_true(a->argument || !a->completion);
		for (size_t j = 0; j < i; j++) {
			const struct option_spec *b = &option_table[j];

			if (!(a->commands & b->commands))
				continue;
			assert_string_not_equal(a->name, b->name);
			assert_true(!a->letter || a->letter != b->letter);
		}
	}
}

static int free_options(void **state)
{
	(void)state;
	options_free(&o);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_way_to_write_an_option),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_operands_of_run),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_wrong_values),
		cmocka_unit_test(test_wrong_options),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, free_options);
}
