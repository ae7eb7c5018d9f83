// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/where/syscall_text.c user/collector/span/syscall_names.c */
/* link: user/collector/base/text_buffer.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/futex.h>
#include <sys/syscall.h>

#include "collector/where/syscall_text.h"

static void assert_put(const struct thread_record *record, const char *expected)
{
	struct text_buffer text = {0};

	syscall_text_put(&text, record);
	text_char(&text, '\0');
	assert_string_equal(text.data, expected);
	text_buffer_free(&text);
}

static void assert_arg(const struct thread_record *record, unsigned int arg, const char *expected)
{
	struct syscall_text call = syscall_text(record);
	struct text_buffer text = {0};

	syscall_text_arg(&text, &call, record, arg);
	text_char(&text, '\0');
	assert_string_equal(text.data, expected);
	text_buffer_free(&text);
}

static void test_names(void **state)
{
	struct thread_record record = {.syscall = SYS_read, .arg = {3}};

	(void)state;
	assert_put(&record, "read(3)");
	record.syscall = SYS_epoll_pwait;
	assert_put(&record, "epoll_pwait(3)");
	record.syscall = SYS_clock_nanosleep;
	assert_put(&record, "clock_nanosleep()");
	/* One that is not among those that are known to wait. */
	record.syscall = SYS_getpid;
	assert_put(&record, "getpid()");
	assert_int_equal(syscall_text(&record).wait, SYSCALL_OTHER);
	record.syscall = THREAD_NO_SYSCALL;
	assert_put(&record, "");
	record.syscall = INT64_MAX;
	assert_put(&record, "");
	record.syscall = 100000;
	assert_put(&record, "");
	assert_null(syscall_text(&record).name);
}

static void test_arguments(void **state)
{
	struct thread_record record = {.syscall = SYS_futex,
				       .arg = {0x55c7, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2}};

	(void)state;
	assert_int_equal(syscall_text(&record).args, 6);
	assert_arg(&record, 0, "0x55c7");
	assert_arg(&record, 1, "FUTEX_WAIT");
	assert_arg(&record, 2, "0x2");
	record.arg[1] = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME;
	assert_arg(&record, 1, "FUTEX_WAIT_BITSET");
	record.arg[1] = FUTEX_WAKE;
	assert_arg(&record, 1, "0x1");
	record.syscall = SYS_recvfrom;
	record.arg[0] = 0xffffffff;
	assert_arg(&record, 0, "-1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
