// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/base/confine.c */
/* libs: seccomp */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/base/confine.h"
#include "unsanitized.h"

static int null_fd, pipe_fd[2];

/* Runs @what in a confined child. Returns the result it exits with; -1: it was killed. */
static int in_child(int (*what)(void))
{
	const struct confine_limits limits = {.memory = UINT64_C(1) << 30, .files = 100};
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(confine(&limits) ? 99 : what());
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Each returns 0 if all is as it should be, or else the number of the line. */
#define SHOULD(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__ % 90 + 1;                                                  \
	} while (0)

static int use_what_is_left(void)
{
	char *memory = malloc(10 << 20);
	struct stat stat_;
	char byte = 0;

	SHOULD(memory);
	free(memory);
	SHOULD(fstat(null_fd, &stat_) == 0);
	SHOULD(write(pipe_fd[1], &byte, 1) == 1);
	SHOULD(read(pipe_fd[0], &byte, 1) == 1);
	SHOULD(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	return 0;
}

static int open_something(void)
{
	SHOULD(open("/dev/null", O_RDONLY) < 0 && errno == EPERM);
	SHOULD(open("/etc/passwd", O_RDONLY) < 0);
	SHOULD(socket(AF_INET, SOCK_STREAM, 0) < 0);
	SHOULD(socket(AF_UNIX, SOCK_STREAM, 0) < 0);
	SHOULD(unlink("/nothing") < 0 && errno == EPERM);
	SHOULD(stat("/", &(struct stat){0}) < 0);
	return 0;
}

static int meddle_with_others(void)
{
	SHOULD(kill(getppid(), 0) < 0 && errno == EPERM);
	SHOULD(ptrace(PTRACE_SEIZE, getppid(), 0, 0) < 0 && errno == EPERM);
	SHOULD(fork() < 0);
	SHOULD(execl("/bin/true", "true", NULL) < 0 && errno == EPERM);
	SHOULD(unshare(CLONE_NEWUSER) < 0 && errno == EPERM);
	return 0;
}

static int run_code_of_its_own(void)
{
	char *page;

	SHOULD(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOULD(page != MAP_FAILED);
	SHOULD(mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0 && errno == EPERM);
	return 0;
}

static int take_too_much(void)
{
	/* malloc() gives up, and whoever calls it goes on. */
	SHOULD(!malloc(UINT64_C(2) << 30));
	return 0;
}

static int be_somebody(void)
{
	SHOULD(syscall(SYS_setuid, 0) < 0);
	return 0;
}

static void test_confined(void **state)
{
	(void)state;
	SKIP_SANITIZED();
	assert_int_equal(in_child(use_what_is_left), 0);
	assert_int_equal(in_child(open_something), 0);
	assert_int_equal(in_child(meddle_with_others), 0);
	assert_int_equal(in_child(run_code_of_its_own), 0);
	assert_int_equal(in_child(take_too_much), 0);
	assert_int_equal(in_child(be_somebody), 0);
}

/* Seen from outside: it waits, and says so. */
static void wait_for_end(void)
{
	char byte = 0;

	(void)!write(pipe_fd[1], &byte, 1);
	for (int word = 0;;)
		syscall(SYS_futex, &word, 0, 0, NULL, NULL, 0);
}

static void test_another_user(void **state)
{
	const struct confine_limits limits = {.memory = UINT64_C(1) << 30, .files = 100};
	struct stat stat_;
	char path[64], byte;
	pid_t child;

	(void)state;
	SKIP_SANITIZED();
	if (geteuid() != 0)
		skip();
	child = fork();
	if (child == 0) {
		if (confine(&limits))
			_exit(1);
		wait_for_end();
	}
	assert_int_equal(read(pipe_fd[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/status", child);
	FILE *status = fopen(path, "re");
	char line[256];
	int found = 0;

	while (fgets(line, sizeof(line), status)) {
		found += !strcmp(line, "Uid:\t65534\t65534\t65534\t65534\n");
		found += !strcmp(line, "Gid:\t65534\t65534\t65534\t65534\n");
		found += !strcmp(line, "CapPrm:\t0000000000000000\n");
		found += !strcmp(line, "NoNewPrivs:\t1\n");
		found += !strcmp(line, "Seccomp:\t2\n");
	}
	fclose(status);
	/* Nobody's other processes may not look into it. */
	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	assert_int_equal(stat(path, &stat_), 0);
	assert_int_equal(stat_.st_uid, 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(found, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confined),
		cmocka_unit_test(test_another_user),
	};

	null_fd = open("/dev/null", O_RDWR);
	if (pipe(pipe_fd))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
