// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/where/thread_look.c user/collector/target/modules.c */
/* link: user/collector/span/syscall_names.c */
/* link: user/collector/target/mappings.c user/collector/target/mapping_open.c */
/* link: user/collector/base/auxv.c */
/* A thread as the kernel shows it, which is played here: it looks at memory of this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/kernel/threads.h"
#include "collector/where/thread_look.h"
#include "unsanitized.h"

static struct thread_record shown[8];
static size_t n_shown, readings;

int threads_read(struct threads *threads, pid_t tid, struct thread_record *record)
{
	(void)threads;
	assert_int_equal(tid, 5);
	if (!n_shown)
		return -ESRCH;
	*record = shown[readings < n_shown ? readings : n_shown - 1];
	readings++;
	return 0;
}

static struct thread_record other;

int threads_any(struct threads *threads, pid_t pid, bool (*fn)(const struct thread_record *record))
{
	(void)threads;
	assert_int_equal(pid, shown[0].pid);
	return fn(&other);
}

static struct thread_record show(uint64_t switches)
{
	static uint64_t stack[64];
	struct thread_record record = {.pid = (uint32_t)getpid(), .tid = 5};

	stack[0] = 0x1122334455667788;
	record.sp = (uint64_t)(uintptr_t)stack;
	record.voluntary_switches = switches;
	shown[n_shown++] = record;
	return record;
}

static int begin(void **state)
{
	(void)state;
	n_shown = readings = 0;
	other = (struct thread_record){.state = 1, .syscall = SYS_mmap};
	return 0;
}

static void test_asleep(void **state)
{
	struct thread_look look = {0};
	uint64_t word;

	(void)state;
	SKIP_SANITIZED();
	show(1);
	assert_int_equal(thread_look_take(&look, NULL, 5, NULL), 0);
	assert_null(look.problem);
	assert_int_equal(readings, 2);
	assert_true(look.stack_size >= 64 * sizeof(word));
	memcpy(&word, look.stack, sizeof(word));
	assert_int_equal(word, 0x1122334455667788);
	assert_true(look.modules.n >= 2);
	assert_true(look.vdso_size > 0);
	assert_memory_equal(look.vdso,
			    "\x7f"
			    "ELF",
			    4);
	thread_look_free(&look);
}

/* What was copied while it ran is thrown away. */
static void test_moved_once(void **state)
{
	struct thread_look look = {0};

	(void)state;
	show(1);
	show(2);
	assert_int_equal(thread_look_take(&look, NULL, 5, NULL), 0);
	assert_null(look.problem);
	assert_int_equal(look.record.voluntary_switches, 2);
	assert_int_equal(readings, 3);
	thread_look_free(&look);
}

static void test_runs(void **state)
{
	struct thread_look look = {0};

	(void)state;
	for (int i = 0; i < 8; i++)
		show((uint64_t)i);
	assert_int_equal(thread_look_take(&look, NULL, 5, NULL), 0);
	assert_string_equal(look.problem, "it is running");
	thread_look_free(&look);
	begin(NULL);
	show(1);
	shown[0].on_cpu = 1;
	assert_int_equal(thread_look_take(&look, NULL, 5, NULL), 0);
	assert_string_equal(look.problem, "it is running");
	assert_null(look.stack);
	thread_look_free(&look);
}

static void test_known(void **state)
{
	struct thread_record known = show(1);
	struct thread_look look = {0};

	(void)state;
	assert_int_equal(thread_look_take(&look, NULL, 5, &known), 1);
	assert_int_equal(readings, 1);
	assert_null(look.stack);
	readings = 0;
	known.involuntary_switches = 1;
	assert_int_equal(thread_look_take(&look, NULL, 5, &known), 0);
	assert_non_null(look.stack);
	thread_look_free(&look);
}

static void test_no_stack(void **state)
{
	struct thread_look look = {0};

	(void)state;
	show(1);
	shown[0].sp = 0;
	assert_int_equal(thread_look_take(&look, NULL, 5, NULL), 0);
	assert_string_equal(look.problem, "its memory cannot be read");
	thread_look_free(&look);
	shown[0].pid = 0x3fffffff;
	assert_int_equal(thread_look_take(&look, NULL, 5, NULL), 0);
	assert_string_equal(look.problem, "its memory cannot be read");
	thread_look_free(&look);
	n_shown = 0;
	assert_int_equal(thread_look_take(&look, NULL, 5, NULL), -ESRCH);
	thread_look_free(&look);
}

/* To read memory that is locked would take as long as whoever has the lock is stuck. */
static void test_locked_memory(void **state)
{
	struct thread_look look = {0};

	(void)state;
	show(1);
	other.state = 2;
	assert_int_equal(thread_look_take(&look, NULL, 5, NULL), 0);
	assert_true(look.untouchable);
	assert_string_equal(look.problem, "a thread of its process is stuck in the kernel, and may "
					  "hold its memory");
	assert_int_equal(readings, 1);
	assert_int_equal(look.modules.n, 0);
	/* A page fault. */
	other.syscall = THREAD_NO_SYSCALL;
	assert_int_equal(thread_look_take(&look, NULL, 5, NULL), 0);
	assert_true(look.untouchable);
	/* Whoever waits for a disk or a server does not hold it. */
	look = (struct thread_look){0};
	other.syscall = SYS_read;
	assert_int_equal(thread_look_take(&look, NULL, 5, NULL), 0);
	assert_false(look.untouchable);
	assert_null(look.problem);
	thread_look_free(&look);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_asleep, begin),
		cmocka_unit_test_setup(test_moved_once, begin),
		cmocka_unit_test_setup(test_runs, begin),
		cmocka_unit_test_setup(test_known, begin),
		cmocka_unit_test_setup(test_no_stack, begin),
		cmocka_unit_test_setup(test_locked_memory, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
