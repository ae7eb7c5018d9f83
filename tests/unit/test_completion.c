// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/report/deaths.c */
/* link: user/cli/completion.c user/cli/option_table.c user/cli/options.c user/cli/commands.c */
/* link: user/collector/base/nearest.c user/collector/base/units.c */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/* link: user/collector/base/message.c */
/* link: user/collector/report/names.c user/collector/report/unfinished.c */
/* link: user/collector/report/report_json_thread.c user/collector/report/frame_text.c */
/* link: user/collector/report/report_short.c */
/* link: user/collector/report/report_forms.c user/collector/report/report_text.c */
/* link: user/collector/report/report_time.c */
/* link: user/collector/report/report_json.c user/collector/report/date_cache.c */
/* The completion scripts, run by the shells themselves. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/command.h"
#include "cli/completion.h"

static char script[] = "/tmp/test_completion.XXXXXX";

static void write_script(const char *shell)
{
	FILE *file = fopen(script, "w");

	assert_non_null(file);
	assert_int_equal(completion_print(file, shell), 0);
	assert_int_equal(fclose(file), 0);
}

static void output_of(const char *command, char *text, size_t size)
{
	FILE *pipe = popen(command, "r");
	size_t length;

	assert_non_null(pipe);
	length = fread(text, 1, size - 1, pipe);
	text[length] = '\0';
	assert_int_equal(pclose(pipe), 0);
}

/* What bash suggests for the last of WORDS in "flightrec WORDS". */
static void completes(const char *words, const char *expected)
{
	char command[1024], got[4096];

	snprintf(command, sizeof(command),
		 "bash -c '. %s; compopt() { :; }; COMP_WORDS=(flightrec %s); "
		 "n=$((${#COMP_WORDS[@]} - 1)); COMP_CWORD=$n; "
		 "_flightrec flightrec \"${COMP_WORDS[n]}\" \"${COMP_WORDS[n - 1]}\"; "
		 "printf \"%%s\\n\" \"${COMPREPLY[@]}\" | LC_ALL=C sort -u | tr \"\\n\" \" \"'",
		 script, words);
	output_of(command, got, sizeof(got));
	assert_true(got[0]);
	got[strlen(got) - 1] = '\0';
	if (strcmp(got, expected) != 0)
		fail_msg("'%s' gives '%s'", words, got);
}

static void test_bash(void **state)
{
	(void)state;
	write_script("bash");
	completes("att", "attach");
	completes("--v", "--version");
	completes("attach --max", "--max-recorders --max-reports");
	completes("attach -p 1 --du", "--duration");
	completes("attach --format \"\"", "detail json short text");
	completes("attach --format = j", "json");
	completes("attach --format =", "detail json short text");
	completes("attach --min-severity w", "warning");
	completes("attach --timeout 1", "");
	completes("run --pi", "");
	completes("doctor --ver", "--verifier");
	completes("help d", "doctor dump");
	completes("completion z", "zsh");
	completes("run -q tru", "true truncate");
	completes("run --format jso", "json");
	completes("attach -o /etc/passw", "/etc/passwd /etc/passwd-");
}

static void test_zsh(void **state)
{
	char command[256], got[1024];

	(void)state;
	if (system("command -v zsh >/dev/null"))
		skip();
	write_script("zsh");
	snprintf(command, sizeof(command), "zsh -n %s 2>&1", script);
	output_of(command, got, sizeof(got));
	assert_string_equal(got, "");
}

static void test_no_such_shell(void **state)
{
	(void)state;
	assert_int_equal(completion_print(stdout, "fish"), -EINVAL);
	assert_int_equal(completion_print(stdout, ""), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bash),
		cmocka_unit_test(test_zsh),
		cmocka_unit_test(test_no_such_shell),
	};
	int fd = mkstemp(script), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(script);
	return failed;
}
