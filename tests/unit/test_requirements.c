// SPDX-License-Identifier: BSD-2-Clause
/* link: user/cli/requirements.c */
/* libs: bpf */
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/requirements.h"

/* In a child that keeps only these capabilities. */
static int keep(uint64_t capabilities)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(capabilities >> 32 * i);
		data[i].permitted = data[i].effective;
	}
	return (int)syscall(SYS_capset, &header, data);
}

/* What is missing with only these capabilities; "" if nothing. */
static void missing_with(uint64_t capabilities, char *error, size_t size)
{
	int fds[2];
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		error[0] = '\0';
		if (keep(capabilities))
			_exit(1);
		requirements_met(error, size);
		_exit(write(fds[1], error, strlen(error) + 1) < 0);
	}
	close(fds[1]);
	n = read(fds[0], error, size - 1);
	error[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	waitpid(pid, NULL, 0);
}

static void test_capabilities(void **state)
{
	const uint64_t perfmon = 1ull << 38, bpf = 1ull << 39;
	char error[512];

	(void)state;
	if (geteuid() != 0)
		skip();
	missing_with(0, error, sizeof(error));
	assert_string_equal(error, "capabilities: missing capability CAP_BPF and CAP_PERFMON: run "
				   "as root, or grant it");
	missing_with(bpf, error, sizeof(error));
	assert_string_equal(
		error, "capabilities: missing capability CAP_PERFMON: run as root, or grant it");
	missing_with(perfmon, error, sizeof(error));
	assert_string_equal(error,
			    "capabilities: missing capability CAP_BPF: run as root, or grant it");
	missing_with(perfmon | bpf, error, sizeof(error));
	assert_null(strstr(error, "capability"));
}

/* Each says something on any machine. */
static void test_each_has_a_detail(void **state)
{
	(void)state;
	assert_true(n_requirements > 0);
	for (size_t i = 0; i < n_requirements; i++) {
		char detail[512] = "";

		requirements[i].met(detail, sizeof(detail));
		assert_true(detail[0]);
		assert_null(strchr(detail, '\n'));
		assert_non_null(requirements[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_each_has_a_detail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
