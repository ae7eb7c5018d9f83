// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/kernel/libbpf_message.c */
/* The test plays libbpf: it says what libbpf 1.x says when it cannot load a program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <cmocka.h>

#include "collector/kernel/libbpf_message.h"

static libbpf_print_fn_t print;

libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t fn)
{
	libbpf_print_fn_t before = print;

	print = fn;
	return before;
}

__attribute__((format(printf, 2, 3))) static void say(enum libbpf_print_level level,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	assert_int_equal(print(level, format, args), 0);
	va_end(args);
}

static int set_up(void **state)
{
	(void)state;
	libbpf_message_keep();
	return 0;
}

static void test_nothing_said(void **state)
{
	(void)state;
	assert_string_equal(libbpf_message(), "");
	say(LIBBPF_INFO, "libbpf: elf: skipping section\n");
	say(LIBBPF_DEBUG, "libbpf: map 'slots': created\n");
	assert_string_equal(libbpf_message(), "");
}

static void test_last_warning(void **state)
{
	(void)state;
	say(LIBBPF_WARN, "libbpf: failed to find valid kernel BTF\n");
	say(LIBBPF_WARN, "libbpf: Error loading %s: %d\n", "vmlinux BTF", -3);
	say(LIBBPF_INFO, "libbpf: not kept\n");
	assert_string_equal(libbpf_message(), "libbpf: Error loading vmlinux BTF: -3");
	/* The same when asked again. */
	assert_string_equal(libbpf_message(), "libbpf: Error loading vmlinux BTF: -3");
}

static void test_first_line_only(void **state)
{
	(void)state;
	say(LIBBPF_WARN, "one\ntwo\n");
	assert_string_equal(libbpf_message(), "one");
}

static void test_verdict(void **state)
{
	(void)state;
	say(LIBBPF_WARN, "libbpf: prog 'on_entry': BPF program load failed: -13\n");
	say(LIBBPF_WARN, "%s",
	    "libbpf: prog 'on_entry': -- BEGIN PROG LOAD LOG --\n"
	    "0: R1=ctx() R10=fp0\n"
	    "1: (79) r0 = *(u64 *)(r2 +0)\n"
	    "R2 !read_ok\n"
	    "processed 2 insns (limit 1000000) max_states_per_insn 0\n"
	    "-- END PROG LOAD LOG --\n");
	/* What follows from it is not kept. */
	say(LIBBPF_WARN, "libbpf: failed to load object 'flightrec_bpf'\n");
	assert_string_equal(libbpf_message(), "libbpf: prog 'on_entry': R2 !read_ok");
}

static void test_log_without_verdict(void **state)
{
	(void)state;
	say(LIBBPF_WARN, "%s",
	    "libbpf: prog 'p': -- BEGIN PROG LOAD LOG --\n"
	    "cut off in the middle\n");
	assert_string_equal(libbpf_message(), "libbpf: prog 'p': -- BEGIN PROG LOAD LOG --");
	/* A log with nothing but its end. */
	libbpf_message_keep();
	say(LIBBPF_WARN, "%s",
	    "libbpf: prog 'p': -- BEGIN PROG LOAD LOG --\n"
	    "processed 2 insns\n");
	assert_string_equal(libbpf_message(), "libbpf: prog 'p': -- BEGIN PROG LOAD LOG --");
}

static void test_forgets(void **state)
{
	(void)state;
	say(LIBBPF_WARN, "%s", "a: -- BEGIN PROG LOAD LOG --\nwhy\nprocessed 1 insns\n");
	assert_string_equal(libbpf_message(), "a: why");
	libbpf_message_keep();
	assert_string_equal(libbpf_message(), "");
	say(LIBBPF_WARN, "another\n");
	assert_string_equal(libbpf_message(), "another");
}

static void test_long_message(void **state)
{
	char text[1001];

	(void)state;
	memset(text, 'x', 1000);
	text[1000] = '\0';
	say(LIBBPF_WARN, "%s\n", text);
	assert_int_equal(strlen(libbpf_message()), 511);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup(test, set_up)
	const struct CMUnitTest tests[] = {
		CASE(test_nothing_said), CASE(test_last_warning), CASE(test_first_line_only),
		CASE(test_verdict),      CASE(test_forgets),      CASE(test_log_without_verdict),
		CASE(test_long_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
