// SPDX-License-Identifier: BSD-2-Clause
/* clang-format off */
/* link: tests/unit/fake_probes.c user/lib/recorder.c user/lib/process.c user/lib/numbers.c user/lib/thread.c user/lib/log.c user/lib/pack.c user/lib/memory.c user/lib/memory_slot.c user/lib/memory_entry.c user/lib/memory_site.c user/lib/ticks.c user/format/conversion.c user/collector/target/memory_log.c user/collector/report/render.c user/collector/report/render_number.c user/collector/report/render_out.c */
/* libs: dl */
/* clang-format on */
/* Recorders that one copy of the library opened and another copy uses in the same process. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_probes.h"
#include "flightrec.h"
#include "lib/numbers.h"
#include "lib/process.h"
#include "process_log.h"

#define MANY 2000
#define UNTOUCHED 12345

/* The other copy: the shared library, besides the one linked into this test. */
static struct {
	void *handle;
	int (*begin)(flightrec *rec, const char *name, uint64_t timeout_ns);
	void (*end)(flightrec *rec);
	int (*extend)(flightrec *rec, uint64_t timeout_ns);
	int (*context)(flightrec *rec, const char *key, const char *format, ...);
	int (*message)(flightrec *rec, enum flightrec_severity severity, const char *file,
		       unsigned int line, const char *function, const char *text, size_t size);
	flightrec *(*current)(void);
} other;

static void *function(const char *name)
{
	void *address = dlsym(other.handle, name);

	assert_non_null(address);
	return address;
}

static int load_other(void **state)
{
	uint64_t *last = numbers_find();
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 32);

	(void)state;
	assert_true(length > 0);
	path[length] = '\0';
	strcpy(strrchr(path, '/'), "/../libflightrec.so");
	other.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!other.handle)
		fprintf(stderr, "%s\n", dlerror());
	assert_non_null(other.handle);
	*(void **)&other.begin = function("flightrec_begin");
	*(void **)&other.end = function("flightrec_end");
	*(void **)&other.extend = function("flightrec_extend");
	*(void **)&other.context = function("flightrec_context");
	*(void **)&other.message = function("flightrec_message");
	*(void **)&other.current = function("flightrec_current");
	assert_non_null(last);
	*last = 0;
	return setup(state);
}

static int unload_other(void **state)
{
	if (other.handle)
		dlclose(other.handle);
	other.handle = NULL;
	return teardown(state);
}

static void say(flightrec *rec, const char *text)
{
	assert_int_equal(other.message(rec, FLIGHTREC_INFO, "x.c", 1, "f", text, strlen(text)), 0);
}

static struct flightrec_process *process_of(const flightrec *rec)
{
	struct flightrec_process *process = process_of_other_copy(rec->instance_);

	assert_non_null(process);
	assert_ptr_not_equal(process, process_peek());
	return process;
}

static void test_closed_by_another_copy(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	struct flightrec_process *process;
	struct memory_slot *slot;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(other.begin(&rec, "task", HOUR), 0);
		assert_ptr_equal(other.current(), &rec);
		assert_null(flightrec_current());
		flightrec_end(&rec);
		assert_null(other.current());
	}
	/* Watchers of this copy are told. */
	assert_int_equal(count(FLIGHTREC_PROBE_END), MANY);
	assert_int_equal(probed.id, MANY);
	process = process_of(&rec);
	assert_int_equal(process->opened, MANY);
	assert_int_equal(process->used, 1);
	slot = memory_slot(process_memory(process), rec.slot_);
	assert_int_equal(slot->id, MANY);
	assert_int_equal(MEMORY_WORD_STATE(slot->word), MEMORY_FREE);
	/* It is closed already, whoever closed it. */
	other.end(&rec);
	flightrec_end(&rec);
	assert_int_equal(count(FLIGHTREC_PROBE_END), MANY);
}

static void test_numbers_are_shared(void **state)
{
	flightrec mine = FLIGHTREC_INIT, others = FLIGHTREC_INIT;

	for (uint64_t i = 1; i < 7; i += 2) {
		assert_int_equal(flightrec_begin(&mine, "mine", HOUR), 0);
		assert_int_equal(mine.id_, i);
		assert_int_equal(other.begin(&others, "other's", HOUR), 0);
		assert_int_equal(others.id_, i + 1);
		assert_int_equal(process_peek()->opened, i);
		flightrec_end(&mine);
		other.end(&others);
		/* Loaded again, another one: it goes on. */
		unload_other(state);
		load_other(state);
		*numbers_find() = i + 1;
	}
}

/* Where they cannot be shared, each copy counts its own: same slot, same number. */
static void test_numbers_are_not_mixed_up(void **state)
{
	flightrec mine = FLIGHTREC_INIT, others = FLIGHTREC_INIT;

	(void)state;
	assert_int_equal(flightrec_begin(&mine, "mine", HOUR), 0);
	*numbers_find() = 0;
	assert_int_equal(other.begin(&others, "other's", HOUR), 0);
	assert_int_equal(others.id_, mine.id_);
	assert_int_equal(others.slot_, mine.slot_);
	flightrec_end(&others);
	assert_null(other.current());
	assert_ptr_equal(flightrec_current(), &mine);
	assert_int_equal(open_slots(), 1);
	assert_int_equal(other.begin(&mine, "open already", HOUR), -EBUSY);
	other.end(&mine);
	assert_null(flightrec_current());
	assert_int_equal(open_slots(), 0);
}

static void test_logged_by_another_copy(void **state)
{
	flightrec rec = FLIGHTREC_INIT;

	(void)state;
	watch(0);
	/* Before the copy that logs has opened anything, and after. */
	assert_null(process_peek());
	for (int n = 0; n < 2; n++) {
		assert_int_equal(other.begin(&rec, "task", HOUR), 0);
		say(&rec, "one");
		flightrec_info(&rec, "tw%c", 'o');
		FLIGHTREC_STEP(&rec, "step %d", n)
			say(&rec, "three");
		assert_int_equal(flightrec_message(&rec, FLIGHTREC_INFO, NULL, 0, NULL, "text", 4),
				 0);
		for (int i = 0; i < 100; i++)
			flightrec_info(&rec, "entry %d", i);
		assert_int_equal(flightrec_context(&rec, "key", "%d", n), 0);
		assert_int_equal(flightrec_extend(&rec, 5 * HOUR), 0);
		read_log_of(process_of(&rec), &rec);
		assert_int_equal(recording.n, 106);
		assert_int_equal(recording.total, 106);
		assert_string_equal(text_of(0), "one");
		assert_string_equal(text_of(1), "two");
		assert_string_equal(text_of(2), n ? "+step 1" : "+step 0");
		assert_string_equal(text_of(3), "three");
		assert_string_equal(text_of(4), n ? "-step 1" : "-step 0");
		assert_string_equal(text_of(5), "text");
		assert_string_equal(text_of(105), "entry 99");
		assert_int_equal(recording.context_size, rec.context_size_);
		assert_memory_equal(recording.context, rec.context_, rec.context_size_);
		assert_true(memory_slot(process_memory(process_of(&rec)), rec.slot_)->timeout_ns >=
			    5 * HOUR);
		flightrec_end(&rec);
		assert_int_equal(flightrec_begin(&rec, "mine", HOUR), 0);
		flightrec_info(&rec, "tw%c", 'o');
		read_log_of(process_peek(), &rec);
		assert_string_equal(text_of(0), "two");
		flightrec_end(&rec);
	}
}

/* A handler may use one copy while it interrupts the other: each writes to its own chunks. */
static void test_copies_write_side_by_side(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	struct flightrec_process *process;
	struct memory_chunk *first, *second;
	struct memory_header *memory;

	(void)state;
	assert_int_equal(other.begin(&rec, "task", HOUR), 0);
	flightrec_info(&rec, "one");
	process = process_of(&rec);
	memory = process_memory(process);
	first = memory_unit(memory, memory_slot(memory, rec.slot_)->strand);
	second = memory_unit(memory, (uint32_t)first->next);
	assert_ptr_not_equal(second, first);
	assert_int_equal(second->count, 1);
	assert_int_equal(first->tid, second->tid);
	assert_int_not_equal(first->owner, second->owner);
	flightrec_end(&rec);
}

static void test_parent_of_another_copy(void **state)
{
	flightrec parent = FLIGHTREC_INIT, rec = FLIGHTREC_INIT;

	(void)state;
	assert_int_equal(other.begin(&parent, "parent", HOUR), 0);
	assert_int_equal(other.context(&parent, "user", "%d", 42), 0);
	assert_int_equal(flightrec_begin_under(&rec, "task", HOUR, &parent), 0);
	assert_int_equal(rec.context_size_, parent.context_size_);
	/* Its number would be that of one of ours. */
	assert_int_equal(rec.parent_id_, 0);
	flightrec_end(&rec);
	flightrec_end(&parent);
	assert_int_equal(flightrec_begin_under(&rec, "task", HOUR, &parent), 0);
	assert_int_equal(rec.context_size_, 0);
	flightrec_end(&rec);
}

/* Its code and data are gone, but not what it kept of recorders. */
static void test_copy_that_was_unloaded(void **state)
{
	flightrec rec[2] = {FLIGHTREC_INIT, FLIGHTREC_INIT};

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(other.begin(&rec[i], "task", HOUR), 0);
	dlclose(other.handle);
	other.handle = NULL;
	flightrec_info(&rec[1], "after it");
	read_log_of(process_of(&rec[1]), &rec[1]);
	assert_string_equal(text_of(0), "after it");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(flightrec_extend(&rec[i], HOUR), 0);
		flightrec_end(&rec[i]);
		assert_int_equal(rec[i].id_, 0);
	}
}

static int in_child(flightrec *parents)
{
	flightrec rec = FLIGHTREC_INIT;
	int wrong = 0;

	errno = UNTOUCHED;
	wrong |= flightrec_extend(parents, HOUR) == -ENOENT ? 0 : 1;
	flightrec_end(parents);
	wrong |= parents->id_ ? 0 : 2;
	wrong |= other.begin(parents, "child's", HOUR) ? 4 : 0;
	flightrec_info(parents, "by the child");
	read_log_of(process_of(parents), parents);
	wrong |= recording.n == 1 ? 0 : 8;
	flightrec_end(parents);
	wrong |= other.current() ? 16 : 0;
	wrong |= flightrec_begin(&rec, "ours", HOUR) ? 32 : 0;
	flightrec_end(&rec);
	wrong |= errno == UNTOUCHED ? 0 : 64;
	return wrong;
}

static void test_fork(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(other.begin(&rec, "task", HOUR), 0);
	flightrec_info(&rec, "before");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(in_child(&rec));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	flightrec_info(&rec, "after");
	read_log_of(process_of(&rec), &rec);
	assert_int_equal(recording.n, 2);
	assert_string_equal(text_of(1), "after");
	flightrec_end(&rec);
}

static void assert_not_open(flightrec *rec)
{
	uint64_t id = rec->id_;

	errno = UNTOUCHED;
	assert_int_equal(flightrec_extend(rec, HOUR), -ENOENT);
	assert_int_equal(flightrec_replay(rec), -ENOENT);
	assert_int_equal(flightrec_context(rec, "k", "v"), -ENOENT);
	flightrec_info(rec, "to none");
	flightrec_end(rec);
	assert_int_equal(rec->id_, id);
	assert_int_equal(errno, UNTOUCHED);
}

/* Something that is no recorder, or another process's in shared memory, is not open here. */
static void test_instance_that_is_none(void **state)
{
	char *page =
		mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	flightrec rec = {.id_ = 1, .slot_ = 5};
	uint64_t number = (uintptr_t)page / 4096;

	(void)state;
	assert_ptr_not_equal(page, MAP_FAILED);
	mprotect(page + 4096, 4096, PROT_NONE);
	for (rec.instance_ = 0; rec.instance_ < 3; rec.instance_++)
		assert_not_open(&rec);
	rec.instance_ = UINT64_MAX;
	assert_not_open(&rec);
	rec.instance_ = number;
	assert_not_open(&rec);
	rec.instance_ = number + 1;
	assert_not_open(&rec);
	munmap(page, 2 * 4096);
	rec.instance_ = number;
	assert_not_open(&rec);
}

/* A copy with another layout, as a later version may have. */
static void test_copy_of_another_layout(void **state)
{
	flightrec rec = FLIGHTREC_INIT;

	(void)state;
	assert_int_equal(other.begin(&rec, "task", HOUR), 0);
	process_of(&rec)->layout_++;
	assert_not_open(&rec);
	other.end(&rec);
	assert_int_equal(rec.id_, 0);
}

#define TEST_OTHER(name) cmocka_unit_test_setup_teardown(name, load_other, unload_other)

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* Must come first: this copy must not have been used before. */
		TEST_OTHER(test_logged_by_another_copy),    TEST_OTHER(test_numbers_are_shared),
		TEST_OTHER(test_numbers_are_not_mixed_up),  TEST_OTHER(test_closed_by_another_copy),
		TEST_OTHER(test_copies_write_side_by_side), TEST_OTHER(test_parent_of_another_copy),
		TEST_OTHER(test_copy_that_was_unloaded),    TEST_OTHER(test_fork),
		TEST_OTHER(test_instance_that_is_none),     TEST_OTHER(test_copy_of_another_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
