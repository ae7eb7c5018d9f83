// SPDX-License-Identifier: BSD-2-Clause
/* link: user/cli/output.c */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/output.h"
#include "collector/report/report_form.h"

static char directory[] = "/tmp/test_output.XXXXXX";

static void check_content(const char *path, const char *expected)
{
	char text[256] = "";
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) >= 0);
	close(fd);
	assert_string_equal(text, expected);
}

static void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void test_emptied_or_kept(void **state)
{
	int fd = output_open("file", false);

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	put(fd, "one\n");
	close(fd);
	fd = output_open("file", true);
	put(fd, "two\n");
	close(fd);
	check_content("file", "one\ntwo\n");
	fd = output_open("file", false);
	close(fd);
	check_content("file", "");
	unlink("file");
}

/* If somebody copies and truncates it, there is no hole where the text was. */
static void test_writes_go_to_the_end(void **state)
{
	int fd = output_open("file", false);

	(void)state;
	put(fd, "one\n");
	assert_int_equal(truncate("file", 0), 0);
	put(fd, "two\n");
	close(fd);
	check_content("file", "two\n");
	unlink("file");
}

static void test_root_keeps_it_to_itself(void **state)
{
	struct stat st;
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	umask(0);
	fd = output_open("file", false);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	close(fd);
	assert_int_equal(symlink("file", "link"), 0);
	assert_int_equal(output_open("link", false), -ELOOP);
	unlink("link");
	unlink("file");
	fd = output_open("/dev/stdout", true);
	assert_true(fd >= 0 || fd == -ENXIO || fd == -EACCES);
	if (fd >= 0)
		close(fd);
}

/* It waits neither for a reader to come nor for it to read. */
static void test_fifo_does_not_hang(void **state)
{
	char bytes[65536] = {0};
	int reader, fd;

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(output_open("fifo", false), -ENXIO);
	reader = open("fifo", O_RDONLY | O_NONBLOCK);
	fd = output_open("fifo", false);
	assert_true(fd >= 0);
	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	close(fd);
	close(reader);
	unlink("fifo");
}

static void test_reopened(void **state)
{
	int fd = output_open("file", false);

	(void)state;
	put(fd, "one\n");
	assert_int_equal(rename("file", "file.1"), 0);
	put(fd, "two\n");
	assert_int_equal(output_reopen(fd, "file"), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	put(fd, "three\n");
	/* If it was not rotated, nothing is lost. */
	assert_int_equal(output_reopen(fd, "file"), 0);
	put(fd, "four\n");
	check_content("file.1", "one\ntwo\n");
	check_content("file", "three\nfour\n");
	/* If that fails, the old file stays. */
	assert_int_equal(output_reopen(fd, "no/such/folder"), -ENOENT);
	put(fd, "five\n");
	check_content("file", "three\nfour\nfive\n");
	close(fd);
	unlink("file");
	unlink("file.1");
}

static void test_errors(void **state)
{
	(void)state;
	assert_int_equal(output_open("no/such/folder", false), -ENOENT);
	assert_int_equal(output_open(".", false), -EISDIR);
}

static void test_terminal(void **state)
{
	struct report_terminal terminal;
	struct winsize size = {.ws_col = 77};
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;

	(void)state;
	assert_int_equal(grantpt(master) | unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	output_terminal(slave, COLOR_AUTO, &terminal);
	assert_true(terminal.colour);
	assert_int_equal(terminal.width, 77);
	output_terminal(slave, COLOR_NEVER, &terminal);
	assert_false(terminal.colour);
	setenv("NO_COLOR", "1", 1);
	output_terminal(slave, COLOR_AUTO, &terminal);
	assert_false(terminal.colour);
	output_terminal(slave, COLOR_ALWAYS, &terminal);
	assert_true(terminal.colour);
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	output_terminal(slave, COLOR_AUTO, &terminal);
	assert_false(terminal.colour);
	close(slave);
	close(master);
	setenv("TERM", "xterm", 1);
	slave = open("/dev/null", O_RDWR);
	output_terminal(slave, COLOR_AUTO, &terminal);
	assert_false(terminal.colour);
	assert_int_equal(terminal.width, 0);
	close(slave);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_emptied_or_kept),
		cmocka_unit_test(test_writes_go_to_the_end),
		cmocka_unit_test(test_root_keeps_it_to_itself),
		cmocka_unit_test(test_fifo_does_not_hang),
		cmocka_unit_test(test_reopened),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_terminal),
	};
	int failed;

	if (!mkdtemp(directory) || chdir(directory))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	return chdir("/") || rmdir(directory) || failed;
}
