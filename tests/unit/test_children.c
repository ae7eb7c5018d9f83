// SPDX-License-Identifier: BSD-2-Clause
/* link: user/cli/children.c */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/children.h"

static void check_text(size_t count, const char *expected)
{
	struct children c = {0};
	char text[128];

	for (size_t i = 1; i <= count; i++)
		children_add(&c, (pid_t)i);
	children_text(&c, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void test_text(void **state)
{
	struct children c = {0};
	char small[6];

	(void)state;
	check_text(0, "");
	check_text(1, "1");
	check_text(2, "1 and 2");
	check_text(3, "1, 2 and 3");
	check_text(8, "1, 2, 3, 4, 5, 6, 7 and 8");
	check_text(9, "1, 2, 3, 4, 5, 6, 7, 8 and 1 more");
	check_text(1000, "1, 2, 3, 4, 5, 6, 7, 8 and 992 more");
	for (pid_t i = 1; i <= 20; i++)
		children_add(&c, i * 1000);
	children_text(&c, small, sizeof(small));
	assert_string_equal(small, "1000,");
}

/* A process with two children, one of which has a child. Each tells its pid. */
static void family(int to)
{
	pid_t own;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fork() == 0)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
	} else if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	own = getpid();
	if (write(to, &own, sizeof(own)) == sizeof(own))
		pause();
	_exit(0);
}

struct found {
	size_t n;
	size_t stop_at;
	pid_t pid[16];
};

static bool find(void *arg, pid_t child)
{
	struct found *f = arg;

	f->pid[f->n++] = child;
	return f->n != f->stop_at;
}

static void test_children_and_theirs(void **state)
{
	struct found all = {0}, first = {.stop_at = 1}, none = {0};
	pid_t member[4], pid;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0)
		family(fds[1]);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(read(fds[0], &member[i], sizeof(pid_t)), sizeof(pid_t));
	children_find(pid, find, &all);
	assert_int_equal(all.n, 3);
	for (size_t i = 0; i < 4; i++) {
		bool found = member[i] == pid;

		for (size_t j = 0; j < all.n; j++)
			found = found || all.pid[j] == member[i];
		assert_true(found);
	}
	children_find(pid, find, &first);
	assert_int_equal(first.n, 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	children_find(pid, find, &none);
	assert_int_equal(none.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_children_and_theirs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
