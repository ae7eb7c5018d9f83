// SPDX-License-Identifier: BSD-2-Clause
/* clang-format off */
/* link: user/lib/recorder.c user/lib/process.c user/lib/thread.c user/lib/log.c user/lib/pack.c user/format/conversion.c */
/* clang-format on */
/* The library's own sources, with probes that write down what they would have told a watcher. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "flightrec.h"
#include "flightrec/probes.h"
#include "lib/probe.h"

#define HOUR FLIGHTREC_SEC(3600)
#define MANY 10000

/* ---- the probes ---- */

struct flightrec_state flightrec_state_ = {
	.magic = FLIGHTREC_STATE_MAGIC,
	.version = FLIGHTREC_STATE_VERSION,
	.size = sizeof(struct flightrec_state),
};
const volatile uint16_t *const flightrec_watch_ =
	&flightrec_state_.semaphore[FLIGHTREC_PROBE_ENTRY];

static struct {
	atomic_uint count[FLIGHTREC_PROBES];
	uint64_t id, parent_id, timeout_ns, how, size;
	const flightrec *rec;
	const struct flightrec_site *site;
	char name[FLIGHTREC_NAME_MAX];
	unsigned char data[FLIGHTREC_ENTRY_MAX];
} probed;

static void note(enum flightrec_probe probe, const flightrec *rec, uint64_t id)
{
	atomic_fetch_add(&probed.count[probe], 1);
	probed.rec = rec;
	probed.id = id;
	/* A trap into the kernel may leave errno as it likes, as a test of ours. */
	errno = ENOTBLK;
}

void probe_begin(const flightrec *rec, uint64_t id, uint64_t timeout_ns, const char *name,
		 uint64_t parent_id)
{
	note(FLIGHTREC_PROBE_BEGIN, rec, id);
	probed.timeout_ns = timeout_ns;
	probed.parent_id = parent_id;
	memcpy(probed.name, name, sizeof(probed.name));
}

void probe_entry(const flightrec *rec, uint64_t id, const struct flightrec_site *site, uint64_t how,
		 const void *data, uint64_t size)
{
	int saved_errno = errno;

	note(FLIGHTREC_PROBE_ENTRY, rec, id);
	probed.site = site;
	probed.how = how;
	probed.size = size;
	assert_true(size <= sizeof(probed.data));
	memcpy(probed.data, data, size);
	errno = saved_errno;
}

void probe_end(const flightrec *rec, uint64_t id)
{
	int saved_errno = errno;

	note(FLIGHTREC_PROBE_END, rec, id);
	errno = saved_errno;
}

void probe_extend(const flightrec *rec, uint64_t id, uint64_t timeout_ns)
{
	int saved_errno = errno;

	note(FLIGHTREC_PROBE_EXTEND, rec, id);
	probed.timeout_ns = timeout_ns;
	errno = saved_errno;
}

void probe_context(const flightrec *rec, uint64_t id, const void *data, uint64_t size)
{
	int saved_errno = errno;

	note(FLIGHTREC_PROBE_CONTEXT, rec, id);
	probed.size = size;
	memcpy(probed.data, data, size);
	errno = saved_errno;
}

void probe_replay(const flightrec *rec, uint64_t id)
{
	int saved_errno = errno;

	note(FLIGHTREC_PROBE_REPLAY, rec, id);
	errno = saved_errno;
}

static void watch(uint16_t watchers)
{
	for (int i = 0; i < FLIGHTREC_PROBES; i++)
		flightrec_state_.semaphore[i] = watchers;
}

static unsigned int count(enum flightrec_probe probe)
{
	return atomic_load(&probed.count[probe]);
}

static int setup(void **state)
{
	(void)state;
	memset(&probed, 0, sizeof(probed));
	watch(1);
	return 0;
}

static uint64_t open_slots(void)
{
	struct flightrec_process *process = (void *)(uintptr_t)flightrec_state_.process;
	uint64_t left = process ? process->used : 0, open = 0;

	for (unsigned int k = 0; k < FLIGHTREC_OPEN_CHUNKS && left; k++) {
		struct flightrec_open *slot = (void *)(uintptr_t)flightrec_state_.chunk[k];
		uint64_t n = FLIGHTREC_OPEN_CHUNK << k;

		for (uint64_t i = 0; i < n && left; i++, left--)
			open += slot[i].id != 0;
	}
	return open;
}

/* Whatever a test opens it closes: nothing is left open, and nothing current. */
static int teardown(void **state)
{
	(void)state;
	return open_slots() != 0 || flightrec_current() != NULL;
}

/* ---- opening and closing ---- */

static void test_begin_and_end(void **state)
{
	flightrec rec = FLIGHTREC_INIT;

	(void)state;
	assert_null(flightrec_current());
	assert_int_equal(flightrec_begin(&rec, "task", 12345), 0);
	assert_ptr_equal(flightrec_current(), &rec);
	assert_int_equal(count(FLIGHTREC_PROBE_BEGIN), 1);
	assert_ptr_equal(probed.rec, &rec);
	assert_int_equal(probed.timeout_ns, 12345);
	assert_int_equal(probed.parent_id, 0);
	assert_string_equal(probed.name, "task");
	uint64_t id = probed.id;

	assert_int_not_equal(id, 0);
	assert_int_equal(open_slots(), 1);
	flightrec_end(&rec);
	assert_int_equal(count(FLIGHTREC_PROBE_END), 1);
	assert_int_equal(probed.id, id);
	assert_null(flightrec_current());
	/* Closed already: nothing. */
	flightrec_end(&rec);
	flightrec_end(NULL);
	assert_int_equal(count(FLIGHTREC_PROBE_END), 1);
	/* Again, with the next number. */
	assert_int_equal(flightrec_begin(&rec, "again", HOUR), 0);
	assert_int_equal(probed.id, id + 1);
	flightrec_end(&rec);
}

static void test_bad_arguments(void **state)
{
	flightrec rec = FLIGHTREC_INIT;

	(void)state;
	assert_int_equal(flightrec_begin(NULL, "task", HOUR), -EINVAL);
	assert_int_equal(flightrec_begin(&rec, "task", 0), -EINVAL);
	assert_int_equal(flightrec_extend(NULL, HOUR), -EINVAL);
	assert_int_equal(flightrec_extend(&rec, 0), -EINVAL);
	assert_int_equal(flightrec_extend(&rec, HOUR), -ENOENT);
	assert_int_equal(flightrec_replay(NULL), -EINVAL);
	assert_int_equal(flightrec_replay(&rec), -ENOENT);
	assert_int_equal(flightrec_context(NULL, "k", "v"), -EINVAL);
	assert_int_equal(flightrec_context(&rec, "k", "v"), -ENOENT);
	for (int i = 0; i < FLIGHTREC_PROBES; i++)
		assert_int_equal(count((enum flightrec_probe)i), 0);
}

static void test_busy_stays_as_it_is(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	uint64_t id;

	(void)state;
	assert_int_equal(flightrec_begin(&rec, "first", HOUR), 0);
	id = probed.id;
	assert_int_equal(flightrec_begin(&rec, "second", 1), -EBUSY);
	assert_int_equal(count(FLIGHTREC_PROBE_BEGIN), 1);
	assert_string_equal(rec.name_, "first");
	assert_int_equal(rec.timeout_ns_, HOUR);
	assert_int_equal(open_slots(), 1);
	flightrec_end(&rec);
	assert_int_equal(probed.id, id);
}

static void test_names(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	char name[200];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(flightrec_begin(&rec, name, HOUR), 0);
	memset(name, 'x', 3);
	assert_int_equal(strlen(probed.name), FLIGHTREC_NAME_MAX - 1);
	assert_int_equal(probed.name[0], 'n');
	flightrec_end(&rec);
	assert_int_equal(flightrec_begin(&rec, NULL, HOUR), 0);
	assert_string_equal(probed.name, "");
	flightrec_end(&rec);
}

static void test_unwatched_tells_nobody(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	int evaluated = 0;

	(void)state;
	watch(0);
	assert_int_equal(flightrec_begin(&rec, "task", HOUR), 0);
	assert_int_equal(flightrec_begin(&rec, "task", HOUR), -EBUSY);
	flightrec_info(&rec, "%d", ++evaluated);
	assert_int_equal(flightrec_extend(&rec, 1), 0);
	assert_int_equal(flightrec_replay(&rec), 0);
	assert_int_equal(flightrec_context(&rec, "k", "%d", 1), 0);
	FLIGHTREC_STEP (&rec, "%d", ++evaluated)
		assert_ptr_equal(flightrec_current(), &rec);
	flightrec_end(&rec);
	assert_int_equal(evaluated, 0);
	for (int i = 0; i < FLIGHTREC_PROBES; i++)
		assert_int_equal(count((enum flightrec_probe)i), 0);
}

/* Opened before somebody came, closed after: the end is told, and the other way round. */
static void test_watched_in_the_middle(void **state)
{
	flightrec rec = FLIGHTREC_INIT;

	(void)state;
	watch(0);
	assert_int_equal(flightrec_begin(&rec, "task", HOUR), 0);
	watch(1);
	flightrec_info(&rec, "one");
	assert_int_not_equal(probed.id, 0);
	flightrec_end(&rec);
	assert_int_equal(count(FLIGHTREC_PROBE_END), 1);
}

static void test_extend_keeps_the_timeout_as_from_the_opening(void **state)
{
	flightrec rec = FLIGHTREC_INIT;

	(void)state;
	assert_int_equal(flightrec_begin(&rec, "task", HOUR), 0);
	assert_int_equal(flightrec_extend(&rec, 2 * HOUR), 0);
	assert_int_equal(probed.timeout_ns, 2 * HOUR);
	assert_true(rec.timeout_ns_ >= 2 * HOUR);
	assert_int_equal(flightrec_extend(&rec, 5), 0);
	assert_int_equal(probed.timeout_ns, 5);
	assert_true(rec.timeout_ns_ < HOUR);
	flightrec_end(&rec);
	assert_int_equal(flightrec_extend(&rec, HOUR), -ENOENT);
}

static void test_many_at_once(void **state)
{
	flightrec *many = calloc(MANY, sizeof(*many));
	uint64_t first;

	(void)state;
	assert_non_null(many);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++) {
			assert_int_equal(flightrec_begin(&many[i], "one of many", HOUR), 0);
			if (i == 0)
				first = probed.id;
			assert_int_equal(probed.id, first + (uint64_t)i);
		}
		assert_int_equal(open_slots(), MANY);
		/* From both ends, so that free slots are in disorder for the next round. */
		for (int i = 0; i < MANY / 2; i++) {
			flightrec_end(&many[i]);
			flightrec_end(&many[MANY - 1 - i]);
		}
		assert_int_equal(open_slots(), 0);
	}
	/* The slots of the first round did for the second one. */
	struct flightrec_process *process = (void *)(uintptr_t)flightrec_state_.process;

	assert_true(process->used <= MANY + 64);
	free(many);
}

/* ---- nesting ---- */

static void test_current_follows_nesting(void **state)
{
	flightrec a = FLIGHTREC_INIT, b = FLIGHTREC_INIT, c = FLIGHTREC_INIT;

	(void)state;
	flightrec_begin(&a, "a", HOUR);
	uint64_t a_id = probed.id;

	flightrec_begin(&b, "b", HOUR);
	assert_int_equal(probed.parent_id, a_id);
	flightrec_begin(&c, "c", HOUR);
	assert_ptr_equal(flightrec_current(), &c);
	/* Not the innermost one: what is within stays current. */
	flightrec_end(&b);
	assert_ptr_equal(flightrec_current(), &c);
	flightrec_end(&c);
	assert_ptr_equal(flightrec_current(), &a);
	flightrec_end(&a);
	assert_null(flightrec_current());
}

static void test_nesting_deeper_than_is_remembered(void **state)
{
	static flightrec deep[100];

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(flightrec_begin(&deep[i], "deep", HOUR), 0);
	assert_ptr_equal(flightrec_current(), &deep[31]);
	for (int i = 99; i >= 0; i--)
		flightrec_end(&deep[i]);
	assert_null(flightrec_current());
	assert_int_equal(flightrec_begin(&deep[0], "flat", HOUR), 0);
	assert_ptr_equal(flightrec_current(), &deep[0]);
	flightrec_end(&deep[0]);
}

/* A recorder whose memory is gone is not looked at: another thread closed it. */
static void *end_and_free(void *rec)
{
	flightrec_end(rec);
	free(rec);
	return NULL;
}

static void test_current_after_another_thread_closed_it(void **state)
{
	flightrec outer = FLIGHTREC_INIT, *inner = calloc(1, sizeof(*inner));
	pthread_t thread;

	(void)state;
	flightrec_begin(&outer, "outer", HOUR);
	flightrec_begin(inner, "inner", HOUR);
	assert_ptr_equal(flightrec_current(), inner);
	assert_int_equal(pthread_create(&thread, NULL, end_and_free, inner), 0);
	pthread_join(thread, NULL);
	assert_ptr_equal(flightrec_current(), &outer);
	flightrec_end(&outer);
}

/* However many of its recorders others close, a thread knows the one it opened last. */
static void test_current_after_others_closed_many(void **state)
{
	flightrec rec = FLIGHTREC_INIT, inner = FLIGHTREC_INIT;
	pthread_t thread;

	(void)state;
	for (int i = 0; i < 100; i++) {
		flightrec *given = calloc(1, sizeof(*given));

		flightrec_begin(given, "given away", HOUR);
		assert_ptr_equal(flightrec_current(), given);
		assert_int_equal(pthread_create(&thread, NULL, end_and_free, given), 0);
		pthread_join(thread, NULL);
	}
	flightrec_begin(&rec, "kept", HOUR);
	uint64_t id = probed.id;

	assert_ptr_equal(flightrec_current(), &rec);
	flightrec_begin(&inner, "within", HOUR);
	assert_int_equal(probed.parent_id, id);
	flightrec_end(&inner);
	flightrec_end(&rec);
}

static void *current_of_a_thread(void *arg)
{
	(void)arg;
	return flightrec_current();
}

static void test_current_is_a_threads_own(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	void *theirs = &rec;
	pthread_t thread;

	(void)state;
	flightrec_begin(&rec, "mine", HOUR);
	pthread_create(&thread, NULL, current_of_a_thread, NULL);
	pthread_join(thread, &theirs);
	assert_null(theirs);
	flightrec_end(&rec);
}

/* ---- scopes and steps ---- */

static int leave_by_return(void)
{
	FLIGHTREC_SCOPE (rec, "returned", HOUR) {
		assert_ptr_equal(flightrec_current(), rec);
		return 7;
	}
	return 0;
}

static void test_scope_is_closed_however_it_is_left(void **state)
{
	int runs = 0;

	(void)state;
	FLIGHTREC_SCOPE (rec, "to its end", HOUR) {
		assert_ptr_equal(flightrec_current(), rec);
		runs++;
	}
	assert_int_equal(runs, 1);
	assert_null(flightrec_current());
	FLIGHTREC_SCOPE (rec, "broken", HOUR) {
		runs++;
		if (rec)
			break;
		runs += 100;
	}
	assert_null(flightrec_current());
	FLIGHTREC_SCOPE (rec, "continued", HOUR) {
		runs++;
		if (rec)
			continue;
		runs += 100;
	}
	assert_int_equal(runs, 3);
	assert_null(flightrec_current());
	FLIGHTREC_SCOPE (rec, "gone to", HOUR) {
		flightrec_info(rec, "leaving");
		goto out;
	}
out:
	assert_null(flightrec_current());
	assert_int_equal(leave_by_return(), 7);
	assert_null(flightrec_current());
	FLIGHTREC_SCOPE (outer, "outer", HOUR)
		FLIGHTREC_SCOPE (inner, "inner", HOUR) {
			assert_ptr_equal(flightrec_current(), inner);
			assert_ptr_not_equal(outer, inner);
		}
	assert_int_equal(count(FLIGHTREC_PROBE_BEGIN), 7);
	assert_int_equal(count(FLIGHTREC_PROBE_END), 7);
}

/* It cannot be opened: the braces run all the same. */
static void test_scope_that_is_not_open(void **state)
{
	int runs = 0;

	(void)state;
	FLIGHTREC_SCOPE (rec, "never", 0) {
		runs++;
		flightrec_info(rec, "printed at once");
		assert_int_equal(probed.id, 0);
	}
	assert_int_equal(runs, 1);
	assert_int_equal(count(FLIGHTREC_PROBE_ENTRY), 1);
	assert_int_equal(count(FLIGHTREC_PROBE_END), 0);
}

static void test_steps(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	int evaluated = 0;

	(void)state;
	flightrec_begin(&rec, "task", HOUR);
	FLIGHTREC_STEP (&rec, "get(%d)", ++evaluated) {
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
	/* Without a recorder there is nothing to tell. */
	FLIGHTREC_STEP (NULL, "nothing")
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
		FLIGHTREC_STEP (&rec, "step")
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
	/* Told to the watchers as the child's own. */
	assert_ptr_equal(probed.rec, &child);
	assert_int_equal(count(FLIGHTREC_PROBE_CONTEXT), 2);
	assert_int_equal(child.context_size_, parent.context_size_);
	assert_memory_equal(child.context_, parent.context_, parent.context_size_);
	/* As it is now: what the parent gets later is its own. */
	assert_int_equal(flightrec_context(&parent, "later", "%d", 1), 0);
	assert_true(child.context_size_ < parent.context_size_);
	flightrec_end(&child);
	flightrec_end(&parent);
	/* The next one in the same memory has none of it. */
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
	/* Through a variable: the compiler would refuse what is to be refused here. */
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

/* ---- fork, threads, signals ---- */

/* In the child: returns 0, or the number of what is wrong. */
static int check_child(flightrec *rec, uint64_t parents_id)
{
	flightrec own = FLIGHTREC_INIT;

	if (flightrec_current())
		return 1;
	if (flightrec_extend(rec, HOUR) != -ENOENT || flightrec_replay(rec) != -ENOENT ||
	    flightrec_context(rec, "k", "v") != -ENOENT)
		return 2;
	memset(&probed, 0, sizeof(probed));
	flightrec_end(rec);
	if (count(FLIGHTREC_PROBE_END))
		return 3;
	flightrec_info(rec, "to a copy");
	if (probed.id)
		return 4;
	if (flightrec_begin(&own, "own", HOUR) || probed.id != 1 || probed.parent_id)
		return 5;
	if (flightrec_current() != &own || open_slots() != 1)
		return 6;
	flightrec_end(&own);
	/* The copy's memory serves for a recorder of the child's. */
	if (flightrec_begin(rec, "copy", HOUR) || probed.id != 2)
		return 7;
	flightrec_end(rec);
	return parents_id && open_slots() == 0 ? 0 : 8;
}

static void test_fork(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	int status;
	pid_t pid;

	(void)state;
	flightrec_begin(&rec, "parent's", HOUR);
	uint64_t id = probed.id;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(check_child(&rec, id));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_ptr_equal(flightrec_current(), &rec);
	assert_int_equal(flightrec_extend(&rec, HOUR), 0);
	flightrec_end(&rec);
	assert_int_equal(count(FLIGHTREC_PROBE_END), 1);
}

/* A child's child that had a recorder open when it was made: nothing of any ancestor is open. */
static void test_fork_of_a_fork(void **state)
{
	flightrec rec = FLIGHTREC_INIT, childs = FLIGHTREC_INIT;
	int status;
	pid_t pid;

	(void)state;
	flightrec_begin(&rec, "parent's", HOUR);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		flightrec_begin(&childs, "child's", HOUR);
		pid = fork();
		if (pid == 0)
			_exit(flightrec_replay(&rec) != -ENOENT ||
			      flightrec_replay(&childs) != -ENOENT || check_child(&childs, 1) != 0);
		waitpid(pid, &status, 0);
		_exit(status != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	flightrec_end(&rec);
}

struct race {
	pthread_barrier_t *barrier;
	flightrec *rec;
};

#define ROUNDS 2000

static void *close_it(void *arg)
{
	struct race *race = arg;

	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(race->barrier);
		flightrec_end(race->rec);
		pthread_barrier_wait(race->barrier);
	}
	return NULL;
}

/* Of two that close one recorder, one does. */
static void test_two_threads_close_one(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	pthread_barrier_t barrier;
	struct race race = {&barrier, &rec};
	pthread_t thread[2];

	(void)state;
	pthread_barrier_init(&barrier, NULL, 3);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, close_it, &race), 0);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(flightrec_begin(&rec, "raced", HOUR), 0);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		assert_int_equal(count(FLIGHTREC_PROBE_END), i + 1);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&barrier);
	assert_int_equal(open_slots(), 0);
}

static void *open_and_close(void *arg)
{
	flightrec rec[3] = {FLIGHTREC_INIT};

	for (int i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < 3; k++) {
			if (flightrec_begin(&rec[k], "own", HOUR) || flightrec_current() != &rec[k])
				return (void *)"begin";
		}
		flightrec_end(&rec[1]);
		flightrec_end(&rec[2]);
		if (flightrec_current() != &rec[0])
			return (void *)"current";
		flightrec_end(&rec[0]);
	}
	return arg;
}

static void test_threads_open_and_close(void **state)
{
	pthread_t thread[4];
	void *wrong;

	(void)state;
	watch(0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, open_and_close, NULL), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], &wrong);
		assert_null(wrong);
	}
}

static flightrec *volatile interrupted;
static volatile sig_atomic_t handled;

static void on_signal(int number)
{
	flightrec rec = FLIGHTREC_INIT;
	flightrec *before = flightrec_current();

	handled++;
	flightrec_info(interrupted, "signal %d", number);
	if (flightrec_begin(&rec, "handler", HOUR) || flightrec_current() != &rec)
		abort();
	flightrec_context(&rec, "signal", "%d", number);
	flightrec_end(&rec);
	if (flightrec_current() != before)
		abort();
}

/* A handler that logs, opens and closes, in the middle of anything the library does. */
static void test_signal_handler(void **state)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct itimerspec often = {{0, 50000}, {0, 50000}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	static flightrec rec;
	timer_t timer;

	(void)state;
	interrupted = &rec;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &often, NULL), 0);
	for (int i = 0; handled < 2000; i++) {
		errno = EXDEV;
		assert_int_equal(flightrec_begin(&rec, "interrupted", HOUR), 0);
		flightrec_info(&rec, "entry %d %s", i, "text");
		flightrec_context(&rec, "k", "%d", i);
		assert_ptr_equal(flightrec_current(), &rec);
		flightrec_end(&rec);
		assert_int_equal(errno, EXDEV);
	}
	timer_delete(timer);
	signal(SIGUSR1, SIG_DFL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_begin_and_end),
		TEST(test_bad_arguments),
		TEST(test_busy_stays_as_it_is),
		TEST(test_names),
		TEST(test_unwatched_tells_nobody),
		TEST(test_watched_in_the_middle),
		TEST(test_extend_keeps_the_timeout_as_from_the_opening),
		TEST(test_many_at_once),
		TEST(test_current_follows_nesting),
		TEST(test_nesting_deeper_than_is_remembered),
		TEST(test_current_after_another_thread_closed_it),
		TEST(test_current_after_others_closed_many),
		TEST(test_current_is_a_threads_own),
		TEST(test_scope_is_closed_however_it_is_left),
		TEST(test_scope_that_is_not_open),
		TEST(test_steps),
		TEST(test_logging),
		TEST(test_errno_is_not_touched),
		TEST(test_context_is_inherited),
		TEST(test_context_of_one_key_is_replaced),
		TEST(test_context_limits),
		TEST(test_fork),
		TEST(test_fork_of_a_fork),
		TEST(test_two_threads_close_one),
		TEST(test_threads_open_and_close),
		TEST(test_signal_handler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
