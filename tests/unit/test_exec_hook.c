// SPDX-License-Identifier: BSD-2-Clause
/* link: user/cli/exec_hook.c user/cli/exec_job.c user/cli/startup.c */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/* link: user/collector/base/message.c */
/* link: user/collector/report/names.c user/collector/report/date_cache.c */
/* link: user/collector/report/report_forms.c user/collector/report/report_text.c */
/* link: user/collector/report/report_time.c */
/* link: user/collector/report/report_json.c user/collector/report/unfinished.c */
/* link: user/collector/report/report_json_thread.c user/collector/report/frame_text.c */
/* link: user/collector/report/report_short.c */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "captured.h"
#include "cli/exec_hook.h"
#include "sample_reports.h"

static char directory[] = "/tmp/test_exec_hook.XXXXXX";

static int begin(void **state)
{
	(void)state;
	return capture_begin();
}

static int end(void **state)
{
	(void)state;
	capture_end();
	return 0;
}

static struct exec_hook *hook(const char *command, uint64_t limit, uint64_t time_ns)
{
	static sigset_t none;
	const struct exec_hook_options options = {
		.command = command, .limit = limit, .time_ns = time_ns, .mask = &none};
	struct exec_hook *h = exec_hook_open(&options);

	assert_non_null(h);
	return h;
}

static struct report timeout_of(pid_t pid, uint64_t id)
{
	struct report report = make(REPORT_TIMEOUT);

	report.recorder.pid = pid;
	report.recorder.id = id;
	return report;
}

static void time_out(struct exec_hook *h, pid_t pid, uint64_t id)
{
	struct report report = timeout_of(pid, id);

	exec_hook_report(h, &report);
}

static void wait_once(struct exec_hook *h)
{
	struct pollfd fd = {.fd = exec_hook_fd(h), .events = POLLIN};

	assert_int_equal(poll(&fd, 1, 20000), 1);
	exec_hook_dispatch(h);
}

static void wait_for_all(struct exec_hook *h)
{
	while (exec_hook_busy(h))
		wait_once(h);
}

static void test_what_the_command_gets(void **state)
{
	struct report report = make_full(REPORT_TIMEOUT);
	struct exec_hook *h;

	(void)state;
	setenv("FLIGHTREC_NAME", "of somebody else", 1);
	setenv("FLIGHTREC_MEMORY", "0", 1);
	h = hook("cat; echo $FLIGHTREC_PID $FLIGHTREC_TID $FLIGHTREC_RECORDER $FLIGHTREC_EVENT;"
		 "echo $FLIGHTREC_NAME $FLIGHTREC_COMM $FLIGHTREC_EXE $FLIGHTREC_MEMORY",
		 0, 0);
	exec_hook_report(h, &report);
	wait_for_all(h);
	exec_hook_close(h);
	unsetenv("FLIGHTREC_NAME");
	unsetenv("FLIGHTREC_MEMORY");
	assert_int_equal(strncmp(captured_so_far(), "{\"event\":\"timeout\"", 18), 0);
	assert_non_null(strstr(captured, "\"entries_lost\":5"));
	assert_non_null(strstr(captured, "}\n4242 4243 1 timeout\n"
					 "RedisCache.background_refresh cache /usr/bin/cache 0\n"));
}

/* A recorder's name is data, whatever it looks like. */
static void test_hostile_names(void **state)
{
	struct report report = make(REPORT_TIMEOUT);
	struct exec_hook *h = hook("printf '<%s>' \"$FLIGHTREC_NAME\"; ls", 0, 0);

	(void)state;
	report.recorder.name = "'; touch x; $(touch x) `touch x`\nBCC: me\x1b[31m";
	exec_hook_report(h, &report);
	wait_for_all(h);
	exec_hook_close(h);
	assert_string_equal(captured_so_far(),
			    "<'; touch x; $(touch x) `touch x`\\nBCC: me\\x1b[31m>");
}

static void test_only_timeouts(void **state)
{
	static const enum report_event others[] = {REPORT_REPLAY, REPORT_ENTRY, REPORT_FINISHED,
						   REPORT_DIED, REPORT_END};
	struct exec_hook *h = hook("echo run", 0, 0);

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		struct report report = make(others[i]);

		exec_hook_report(h, &report);
	}
	assert_false(exec_hook_busy(h));
	exec_hook_close(h);
	assert_string_equal(captured_so_far(), "");
}

/* Process 1 has to wait for its first command, process 2 does not. */
static void test_one_at_a_time_and_process(void **state)
{
	struct exec_hook *h;

	(void)state;
	assert_int_equal(mkfifo("go", 0600), 0);
	h = hook("test $FLIGHTREC_RECORDER != 1 || read x <go;"
		 "echo $FLIGHTREC_PID.$FLIGHTREC_RECORDER",
		 0, 0);
	time_out(h, 1, 1);
	time_out(h, 1, 2);
	time_out(h, 1, 3);
	time_out(h, 2, 4);
	wait_once(h);
	assert_string_equal(captured_so_far(), "2.4\n");
	close(open("go", O_WRONLY));
	wait_for_all(h);
	exec_hook_close(h);
	assert_string_equal(captured_so_far(), "2.4\n1.1\n1.2\n1.3\n");
	unlink("go");
}

static void test_limit(void **state)
{
	struct exec_hook *h = hook("echo $FLIGHTREC_RECORDER", 2, 0);
	const char *first;

	(void)state;
	for (uint64_t i = 1; i <= 4; i++)
		time_out(h, 1, i);
	wait_for_all(h);
	exec_hook_close(h);
	captured_so_far();
	/* The message about the limit may be in between. */
	first = strstr(captured, "1\n");
	assert_non_null(first);
	assert_non_null(strstr(first, "2\n"));
	assert_null(strstr(captured, "3\n"));
	assert_non_null(
		strstr(captured, "flightrec: --exec: not run for every timeout: --exec-limit"));
	assert_non_null(strstr(captured, "flightrec: --exec: not run for 2 of 4 timeouts\n"));
}

static void test_takes_too_long(void **state)
{
	struct exec_hook *h = hook("sleep 1000 & sleep 1000", 0, 1);

	(void)state;
	time_out(h, 1, 1);
	wait_for_all(h);
	exec_hook_close(h);
	assert_non_null(strstr(captured_so_far(), "killed after 0 s (for process 1)\n"));
}

static void test_failure_is_told_once(void **state)
{
	struct exec_hook *h = hook("exit 3", 0, 0);

	(void)state;
	for (uint64_t i = 1; i <= 3; i++)
		time_out(h, 7, i);
	wait_for_all(h);
	exec_hook_close(h);
	assert_string_equal(captured_so_far(), "flightrec: --exec: exit status 3 (for process 7)\n"
					       "flightrec: --exec: failed 3 times\n");
}

/* If a process times out all the time, another one's command is still run. */
static void test_fair_share(void **state)
{
	static char name[3000];
	struct exec_hook *h =
		hook("test $FLIGHTREC_PID != 1 || { echo $$ >sleeper; exec sleep 1000; };"
		     "echo run for $FLIGHTREC_PID",
		     0, 0);

	FILE *file;
	int sleeper;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	for (uint64_t i = 1; i <= 3000; i++) {
		struct report report = timeout_of(1, i);

		report.recorder.name = name;
		exec_hook_report(h, &report);
	}
	for (uint64_t i = 1; i <= 3; i++)
		time_out(h, 2, i);
	while (!strstr(captured_so_far(), "run for 2\nrun for 2\nrun for 2\n"))
		wait_once(h);
	assert_non_null(strstr(captured, "not run for every timeout: too many wait"));
	exec_hook_close(h);
	/* And perhaps, on a busy machine, the last of the others. */
	assert_non_null(strstr(captured_so_far(), " still run"));
	file = fopen("sleeper", "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &sleeper), 1);
	fclose(file);
	assert_int_equal(kill(sleeper, SIGKILL), 0);
}

/* Nothing waits for it, and what it wrote can still be read. */
static void test_left_at_the_end(void **state)
{
	struct exec_hook *h;
	char got[64] = "";
	int fd;

	(void)state;
	assert_int_equal(mkfifo("go", 0600), 0);
	assert_int_equal(mkfifo("done", 0600), 0);
	h = hook("read x <go; head -c 18 >done", 0, 0);
	time_out(h, 1, 1);
	time_out(h, 1, 2);
	exec_hook_close(h);
	captured_so_far();
	assert_non_null(strstr(captured, "flightrec: --exec: 1 still runs, and is left alone\n"));
	assert_non_null(strstr(captured, "flightrec: --exec: not run for 1 of 2 timeouts\n"));
	close(open("go", O_WRONLY));
	fd = open("done", O_RDONLY);
	assert_int_equal(read(fd, got, sizeof(got)), 18);
	assert_string_equal(got, "{\"event\":\"timeout\"");
	close(fd);
	exec_hook_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_the_command_gets, begin, end),
		cmocka_unit_test_setup_teardown(test_hostile_names, begin, end),
		cmocka_unit_test_setup_teardown(test_only_timeouts, begin, end),
		cmocka_unit_test_setup_teardown(test_one_at_a_time_and_process, begin, end),
		cmocka_unit_test_setup_teardown(test_limit, begin, end),
		cmocka_unit_test_setup_teardown(test_takes_too_long, begin, end),
		cmocka_unit_test_setup_teardown(test_failure_is_told_once, begin, end),
		cmocka_unit_test_setup_teardown(test_fair_share, begin, end),
		cmocka_unit_test_setup_teardown(test_left_at_the_end, begin, end),
	};
	char command[128];
	int failed;

	if (!mkdtemp(directory) || chdir(directory))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command) != 0 || failed;
}
