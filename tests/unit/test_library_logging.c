// SPDX-License-Identifier: BSD-2-Clause
/* clang-format off */
/* link: tests/unit/fake_probes.c user/lib/recorder.c user/lib/process.c user/lib/numbers.c user/lib/memory.c user/lib/memory_slot.c user/lib/memory_entry.c user/lib/memory_site.c user/lib/ticks.c user/lib/thread.c user/lib/log.c user/lib/pack.c user/format/conversion.c */
/* clang-format on */
/* What the probes tell: steps, entries, context. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_probes.h"
#include "flightrec.h"
#include "flightrec/probes.h"

/* ---- steps ---- */

static void test_steps(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	int evaluated = 0;

	(void)state;
	flightrec_begin(&rec, "task", HOUR);
	FLIGHTREC_STEP(&rec, "get(%d)", ++evaluated) {
		assert_true(probed.how & FLIGHTREC_HOW_STEP_IN);
		assert_false(probed.how & FLIGHTREC_HOW_STEP_OUT);
		if (evaluated)
			break;
	}
	assert_true(probed.how & FLIGHTREC_HOW_STEP_OUT);
	assert_int_equal(evaluated, 1);
	assert_int_equal(probed.size, sizeof(int));
	assert_memory_equal(probed.data, &evaluated, sizeof(int));
	assert_int_equal(count(FLIGHTREC_PROBE_ENTRY), 2);
	/* Without a recorder nothing is told. */
	FLIGHTREC_STEP(NULL, "nothing")
		evaluated++;
	assert_int_equal(evaluated, 2);
	assert_int_equal(count(FLIGHTREC_PROBE_ENTRY), 2);
	flightrec_end(&rec);
}

/* ---- logging ---- */

static int vlog(flightrec *rec, const char *format, ...)
{
	va_list args;
	int result;

	va_start(args, format);
	result = flightrec_vlog(rec, FLIGHTREC_ERROR, format, args);
	va_end(args);
	return result;
}

static void test_logging(void **state)
{
	flightrec rec = FLIGHTREC_INIT, closed = FLIGHTREC_INIT;

	(void)state;
	flightrec_begin(&rec, "task", HOUR);
	uint64_t id = probed.id;

	flightrec_warning(&rec, "%d and %s", 5, "five");
	assert_int_equal(probed.id, id);
	assert_int_equal(probed.how & FLIGHTREC_HOW_SEVERITY, FLIGHTREC_WARNING);
	assert_string_equal(probed.site->format, "%d and %s");
	assert_string_equal(probed.site->function, "test_logging");
	assert_int_equal(vlog(&rec, "%d", 5), 0);
	assert_null(probed.site);
	assert_true(probed.how & FLIGHTREC_HOW_INLINE);
	assert_int_equal(vlog(&rec, NULL), -EINVAL);
	assert_int_equal(vlog(&rec, "%n", (int *)NULL), -EINVAL);
	assert_int_equal(vlog(NULL, "%d", 1), 0);
	assert_int_equal(count(FLIGHTREC_PROBE_ENTRY), 3);
	flightrec_info((flightrec *)NULL, "nothing");
	assert_int_equal(count(FLIGHTREC_PROBE_ENTRY), 3);
	flightrec_info(&closed, "to none");
	assert_int_equal(probed.id, 0);
	flightrec_end(&rec);
	flightrec_info(&rec, "to one that is closed");
	assert_int_equal(probed.id, 0);
}

static void test_errno_is_not_touched(void **state)
{
	flightrec rec = FLIGHTREC_INIT, other = FLIGHTREC_INIT;

	(void)state;
	for (int watched = 0; watched < 2; watched++) {
		watch((uint16_t)watched);
		errno = EXDEV;
		assert_int_equal(flightrec_begin(&rec, "task", HOUR), 0);
		assert_int_equal(errno, EXDEV);
		flightrec_begin(&rec, "task", HOUR);
		flightrec_begin(&other, "other", HOUR);
		flightrec_info(&rec, "%s %m", "text");
		vlog(&rec, "%d %Lf", 1, 2.0L);
		vlog(&rec, "%n", (int *)NULL);
		flightrec_extend(&rec, HOUR);
		flightrec_extend(NULL, HOUR);
		flightrec_context(&rec, "key", "%d", 3);
		flightrec_replay(&rec);
		FLIGHTREC_STEP(&rec, "step")
			flightrec_current();
		flightrec_end(&other);
		flightrec_end(&rec);
		flightrec_end(&rec);
		assert_int_equal(errno, EXDEV);
	}
}

/* ---- context ---- */

static void test_context_is_inherited(void **state)
{
	flightrec parent = FLIGHTREC_INIT, child = FLIGHTREC_INIT;

	(void)state;
	flightrec_begin(&parent, "parent", HOUR);
	assert_int_equal(flightrec_context(&parent, "user", "%d", 42), 0);
	flightrec_begin(&child, "child", HOUR);
	/* Watchers are told of it as the child's own. */
	assert_ptr_equal(probed.rec, &child);
	assert_int_equal(count(FLIGHTREC_PROBE_CONTEXT), 2);
	assert_int_equal(child.context_size_, parent.context_size_);
	assert_memory_equal(child.context_, parent.context_, parent.context_size_);
	/* A copy: what the parent gets later is not added. */
	assert_int_equal(flightrec_context(&parent, "later", "%d", 1), 0);
	assert_true(child.context_size_ < parent.context_size_);
	flightrec_end(&child);
	flightrec_end(&parent);
	/* The next recorder in the same memory has none of it. */
	flightrec_begin(&child, "alone", HOUR);
	assert_int_equal(child.context_size_, 0);
	flightrec_end(&child);
}

static void test_context_of_one_key_is_replaced(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	uint16_t size;

	(void)state;
	flightrec_begin(&rec, "task", HOUR);
	assert_int_equal(flightrec_context(&rec, "k", "%d", 1), 0);
	size = rec.context_size_;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(flightrec_context(&rec, "k", "%d", i), 0);
	assert_int_equal(rec.context_size_, size);
	/* "kk" is another one. */
	assert_int_equal(flightrec_context(&rec, "kk", "%d", 1), 0);
	assert_true(rec.context_size_ > size);
	flightrec_end(&rec);
}

static void test_context_limits(void **state)
{
	flightrec rec = FLIGHTREC_INIT, copy;
	char key[FLIGHTREC_CONTEXT_MAX + 50];
	int err = 0, n;

	(void)state;
	flightrec_begin(&rec, "task", HOUR);
	for (n = 0; n < 1000 && !err; n++) {
		memcpy(&copy, &rec, sizeof(copy));
		snprintf(key, sizeof(key), "key%d", n);
		err = flightrec_context(&rec, key, "%d", n);
	}
	assert_int_equal(err, -ENOSPC);
	assert_true(n > 5);
	assert_true(rec.context_size_ <= FLIGHTREC_CONTEXT_MAX);
	/* What was there stays. */
	assert_memory_equal(rec.context_, copy.context_, copy.context_size_);
	assert_int_equal(rec.context_size_, copy.context_size_);
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	assert_int_equal(flightrec_context(&rec, key, "v"), -ENOSPC);
	assert_int_equal(flightrec_context(&rec, NULL, "v"), -EINVAL);
	/* Through a variable, as the compiler would refuse the literal. */
	const char *volatile bad = "%n";
	const char *volatile none = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	assert_int_equal(flightrec_context(&rec, "k", none), -EINVAL);
	assert_int_equal(flightrec_context(&rec, "k", bad), -EINVAL);
#pragma GCC diagnostic pop
	flightrec_end(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_steps),
		TEST(test_logging),
		TEST(test_errno_is_not_touched),
		TEST(test_context_is_inherited),
		TEST(test_context_of_one_key_is_replaced),
		TEST(test_context_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
