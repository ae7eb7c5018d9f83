// SPDX-License-Identifier: BSD-2-Clause
/* clang-format off */
/* link: tests/unit/fake_probes.c user/lib/recorder.c user/lib/process.c user/lib/numbers.c user/lib/thread.c user/lib/log.c user/lib/pack.c user/lib/memory.c user/lib/memory_slot.c user/lib/memory_entry.c user/lib/memory_site.c user/lib/ticks.c user/format/conversion.c user/collector/target/memory_log.c user/collector/report/render.c user/collector/report/render_number.c user/collector/report/render_out.c */
/* tests: user/lib/memory_entry.c user/lib/memory_site.c */
/* clang-format on */
/* What signal handlers, forks, jumps and threads leave in the memory log. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_probes.h"
#include "flightrec.h"
#include "lib/process.h"
#include "process_log.h"

#define HOUR FLIGHTREC_SEC(3600)

/* Reads what our log has of @rec. */
static void read_log(const flightrec *rec)
{
	read_log_of(process_peek(), rec);
}

static int vlog(flightrec *rec, const char *format, ...)
{
	va_list args;
	int err;

	va_start(args, format);
	err = flightrec_vlog(rec, FLIGHTREC_INFO, format, args);
	va_end(args);
	return err;
}

static void test_all_kinds_of_entries(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	char big[2000];

	(void)state;
	memset(big, 'b', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(flightrec_begin(&rec, "all", HOUR), 0);
	flightrec_info(&rec, "+get(%s, %d)", "user", 42);
	errno = ENOENT;
	flightrec_error(&rec, "%m %5.2f|%-4c|%lld", 1.5, 'x', 1LL << 40);
	assert_int_equal(errno, ENOENT);
	FLIGHTREC_STEP(&rec, "step %d", 7)
		flightrec_debug(&rec, "inside");
	assert_int_equal(vlog(&rec, "late %s", "format"), 0);
	assert_int_equal(flightrec_message(&rec, FLIGHTREC_WARNING, "a.py", 3, "f", "100% sure", 9),
			 0);
	flightrec_info(&rec, "%s", big);
	assert_int_equal(
		flightrec_message(&rec, FLIGHTREC_INFO, NULL, 0, NULL, big, sizeof(big) - 1), 0);
	read_log(&rec);
	assert_int_equal(recording.n, 9);
	assert_string_equal(text_of(0), "+get(user, 42)");
	assert_string_equal(text_of(1), "No such file or directory  1.50|x   |1099511627776");
	assert_string_equal(text_of(2), "+step 7");
	assert_string_equal(text_of(3), "inside");
	assert_string_equal(text_of(4), "-step 7");
	assert_string_equal(text_of(5), "late format");
	assert_string_equal(text_of(6), "100% sure");
	assert_int_equal(strlen(text_of(7)), FLIGHTREC_ENTRY_MAX - 2 + strlen(" [cut]"));
	assert_int_equal(strlen(text_of(8)), FLIGHTREC_ENTRY_MAX - 2 + strlen(" [cut]"));
	assert_int_equal(recording.record[1].severity_flags & 0xff, FLIGHTREC_ERROR);
	assert_int_equal(flightrec_message(&rec, FLIGHTREC_INFO, NULL, 0, NULL, NULL, 1), -EINVAL);
	flightrec_end(&rec);
}

static void test_parents(void **state)
{
	flightrec outer = FLIGHTREC_INIT, inner = FLIGHTREC_INIT, alone = FLIGHTREC_INIT,
		  chosen = FLIGHTREC_INIT;

	(void)state;
	assert_int_equal(flightrec_begin(&outer, "outer", HOUR), 0);
	assert_int_equal(flightrec_context(&outer, "k", "%d", 1), 0);
	assert_int_equal(flightrec_begin(&inner, "inner", HOUR), 0);
	assert_int_equal(flightrec_begin_under(&alone, "alone", HOUR, NULL), 0);
	assert_int_equal(flightrec_begin_under(&alone, "alone", HOUR, NULL), -EBUSY);
	assert_int_equal(flightrec_begin_under(&chosen, "chosen", 0, NULL), -EINVAL);
	assert_int_equal(flightrec_begin_under(&chosen, "chosen", HOUR, &outer), 0);
	assert_int_equal(inner.parent_id_, outer.id_);
	assert_int_equal(alone.parent_id_, 0);
	assert_int_equal(chosen.parent_id_, outer.id_);
	read_log(&inner);
	assert_true(recording.context_size > 0);
	read_log(&alone);
	assert_int_equal(recording.context_size, 0);
	read_log(&chosen);
	assert_true(recording.context_size > 0);
	flightrec_end(&chosen);
	assert_int_equal(flightrec_begin_under(&chosen, "chosen", HOUR, &(flightrec)FLIGHTREC_INIT),
			 0);
	assert_int_equal(chosen.parent_id_, 0);
	flightrec_end(&chosen);
	flightrec_end(&alone);
	flightrec_end(&inner);
	flightrec_end(&outer);
}

/* ---- handlers ---- */

static flightrec shared_;
static volatile unsigned int handled;
static sigjmp_buf away;
static volatile sig_atomic_t jump, fork_too;
static volatile pid_t forked[64];
static volatile unsigned int n_forked;

static void on_alarm(int signal)
{
	int saved_errno = errno;
	flightrec own = FLIGHTREC_INIT;

	(void)signal;
	flightrec_info(&shared_, "handler %u", handled++);
	flightrec_begin(&own, "handler's own", HOUR);
	flightrec_info(&own, "%s", "own");
	flightrec_end(&own);
	if (fork_too && n_forked < 64) {
		pid_t pid = fork();

		/* The child goes on with the interrupted call, and then exits. */
		if (pid == 0)
			jump = 2;
		else
			forked[n_forked++] = pid;
	}
	errno = saved_errno;
	if (jump == 1)
		siglongjmp(away, 1);
}

static void set_alarm(long us)
{
	struct itimerval timer = {{0, us}, {0, us}};
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_NODEFER * (us == 0)};

	if (us)
		sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	if (!us)
		signal(SIGALRM, SIG_IGN);
}

/* Every message is whole and both series are in order. Returns how many there are. */
static size_t check_series(unsigned int *main_last)
{
	unsigned int number, last_main = 0, last_handler = 0;
	size_t n = 0;

	for (size_t i = 0; i < recording.n; i++) {
		const char *text = text_of(i);

		if (sscanf(text, "main %u", &number) == 1) {
			assert_true(!last_main || number > last_main);
			last_main = number;
		} else {
			assert_int_equal(sscanf(text, "handler %u", &number), 1);
			assert_true(!last_handler || number > last_handler);
			last_handler = number;
		}
		n++;
	}
	*main_last = last_main;
	return n;
}

static void test_handler_interrupts_log_calls(void **state)
{
	unsigned int logged, last;

	(void)state;
	handled = 1;
	assert_int_equal(flightrec_begin(&shared_, "shared", HOUR), 0);
	set_alarm(50);
	for (logged = 1; handled < 5000; logged++)
		flightrec_info(&shared_, "main %u", logged);
	set_alarm(0);
	read_log(&shared_);
	assert_int_equal(recording.total, logged - 1 + handled - 1);
	assert_int_equal(check_series(&last), recording.n);
	assert_int_equal(last, logged - 1);
	flightrec_end(&shared_);
}

/* A handler that jumps out of an interrupted log call does no harm. */
static void test_handler_jumps_away(void **state)
{
	struct memory_header *memory;
	volatile unsigned int logged = 1;
	unsigned int last;
	uint64_t lost;

	(void)state;
	handled = 1;
	assert_int_equal(flightrec_begin(&shared_, "shared", HOUR), 0);
	memory = process_memory(process_peek());
	lost = memory->lost_entries;
	jump = 1;
	sigsetjmp(away, 1);
	set_alarm(100);
	while (handled < 1000)
		flightrec_info(&shared_, "main %u", logged++);
	jump = 0;
	set_alarm(0);
	/* Back at the usual level. */
	flightrec_info(&shared_, "main %u", logged);
	read_log(&shared_);
	check_series(&last);
	assert_int_equal(last, logged);
	assert_int_equal(memory->lost_entries, lost);
	flightrec_end(&shared_);
}

/* Children forked by a handler finish the interrupted call without touching the parent's log. */
static void test_handler_forks(void **state)
{
	unsigned int logged = 1, last, before;
	int status;

	(void)state;
	handled = 1;
	n_forked = 0;
	jump = 0;
	assert_int_equal(flightrec_begin(&shared_, "shared", HOUR), 0);
	fork_too = 1;
	set_alarm(2000);
	while (n_forked < 64) {
		for (int i = 0; i < 100; i++)
			flightrec_info(&shared_, "main %u", logged++);
		if (jump == 2) {
			/* In the child its copy is not open, and the log is its own. */
			flightrec own = FLIGHTREC_INIT;

			set_alarm(0);
			for (int i = 0; i < 1000; i++)
				flightrec_info(&shared_, "child");
			if (flightrec_begin(&own, "child's", HOUR))
				_exit(2);
			flightrec_info(&own, "child's");
			_exit(process_memory(process_peek())->instance == own.instance_ ? 0 : 3);
		}
	}
	set_alarm(0);
	fork_too = 0;
	for (before = 0; before < 64; before++) {
		assert_int_equal(waitpid(forked[before], &status, 0), forked[before]);
		assert_int_equal(status, 0);
	}
	read_log(&shared_);
	assert_int_equal(recording.total, logged - 1 + handled - 1);
	check_series(&last);
	assert_int_equal(last, logged - 1);
	flightrec_end(&shared_);
}

/* On an alternate stack of 8 KiB, with a guard below it. */
static void test_small_stack(void **state)
{
	char *memory =
		mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = {.ss_sp = memory + 8192, .ss_size = 8192}, none = {.ss_flags = SS_DISABLE};
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_ONSTACK};

	(void)state;
	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_int_equal(mprotect(memory, 8192, PROT_NONE), 0);
	assert_int_equal(sigaltstack(&stack, NULL), 0);
	assert_int_equal(flightrec_begin(&shared_, "shared", HOUR), 0);
	handled = 0;
	sigaction(SIGALRM, &action, NULL);
	for (int i = 0; i < 100; i++)
		raise(SIGALRM);
	read_log(&shared_);
	assert_int_equal(recording.total, 100);
	flightrec_end(&shared_);
	assert_int_equal(sigaltstack(&none, NULL), 0);
	munmap(memory, 16384);
}

/* ---- processes that have no log ---- */

static int in_child(int (*run)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(run());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Returns a bit for each thing that is wrong. */
static int log_without_memory(void)
{
	flightrec rec = FLIGHTREC_INIT;
	int evaluated = 0, wrong = 0;

	wrong |= flightrec_begin(&rec, "r", HOUR) ? 1 : 0;
	flightrec_info(&rec, "%d", ++evaluated);
	FLIGHTREC_STEP(&rec, "%d", ++evaluated)
		wrong |= flightrec_current() == &rec ? 0 : 2;
	wrong |= evaluated ? 4 : 0;
	wrong |= process_memory(process_peek()) ? 8 : 0;
	wrong |= flightrec_context(&rec, "k", "%d", 1) ? 16 : 0;
	wrong |= flightrec_extend(&rec, HOUR) ? 32 : 0;
	flightrec_end(&rec);
	return wrong;
}

static int turned_off(void)
{
	watch(0);
	setenv("FLIGHTREC_MEMORY", "0", 1);
	return log_without_memory();
}

static int out_of_address_space(void)
{
	struct rlimit limit = {8u << 20, 8u << 20};

	watch(0);
	/* What is mapped already stays; there is no room for more than a little. */
	for (size_t size = 64u << 20; size > 65536; size /= 2)
		while (mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
			       MAP_FAILED &&
		       setrlimit(RLIMIT_AS, &limit) == 0)
			;
	return log_without_memory();
}

static void test_without_memory(void **state)
{
	(void)state;
	assert_int_equal(in_child(turned_off), 0);
#if !defined(__SANITIZE_ADDRESS__)
	assert_int_equal(in_child(out_of_address_space), 0);
#else
	(void)out_of_address_space;
#endif
}

static int small(void)
{
	flightrec rec = FLIGHTREC_INIT;

	setenv("FLIGHTREC_MEMORY", "1M", 1);
	if (flightrec_begin(&rec, "r", HOUR))
		return 1;
	return process_memory(process_peek())->size == 1 << 20 ? 0 : 2;
}

static void test_size(void **state)
{
	(void)state;
	assert_int_equal(in_child(small), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds_of_entries),
		cmocka_unit_test(test_parents),
		cmocka_unit_test(test_handler_interrupts_log_calls),
		cmocka_unit_test(test_handler_jumps_away),
		cmocka_unit_test(test_handler_forks),
		cmocka_unit_test(test_small_stack),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
