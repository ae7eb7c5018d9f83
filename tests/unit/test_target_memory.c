// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/target_memory.c user/collector/target/time_namespace.c */
/* Reads the memory of this process and of a child, both with and without /proc/PID/mem. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/target_memory.h"

#define INSTANCE 3
#define RECORDERS 1200 /* the second chunk holds more of them than the first could */

/* What an observed process has: the state, two chunks and the recorders. */
static struct flightrec_state fake;
static struct flightrec_process process;
static struct flightrec_open chunk0[FLIGHTREC_OPEN_CHUNK], chunk1[2 * FLIGHTREC_OPEN_CHUNK];
static flightrec recorder[RECORDERS];

static struct target target;
static bool by_vm;

static uint64_t address_of(const void *object)
{
	return (uint64_t)(uintptr_t)object;
}

static struct flightrec_open *slot(unsigned i)
{
	return i < FLIGHTREC_OPEN_CHUNK ? &chunk0[i] : &chunk1[i - FLIGHTREC_OPEN_CHUNK];
}

static int setup(void **state)
{
	unsigned i;

	(void)state;
	memset(recorder, 0, sizeof(recorder));
	memset(chunk0, 0, sizeof(chunk0));
	memset(chunk1, 0, sizeof(chunk1));
	process =
		(struct flightrec_process){.instance = INSTANCE, .opened = 5000, .used = RECORDERS};
	fake = (struct flightrec_state){
		.magic = FLIGHTREC_STATE_MAGIC,
		.version = FLIGHTREC_STATE_VERSION,
		.size = sizeof(fake),
		.process = address_of(&process),
		.chunk = {address_of(chunk0), address_of(chunk1)},
	};
	for (i = 0; i < RECORDERS; i++) {
		recorder[i].id_ = 1000 + i;
		recorder[i].instance_ = INSTANCE;
		strcpy(recorder[i].name_, "name");
		*slot(i) = (struct flightrec_open){.id = 1000 + i, .rec = address_of(&recorder[i])};
	}
	target_init(&target, getpid());
	target.use_vm = by_vm;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	target_close(&target);
	return 0;
}

/* Two pages, of which only the first may be read; returns the end of that one. */
static char *page_end(void)
{
	char *pages =
		mmap(NULL, 131072, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(pages != MAP_FAILED);
	assert_int_equal(munmap(pages + 65536, 65536), 0);
	return pages + 65536;
}

static void test_read(void **state)
{
	char buffer[100], *end = page_end();

	(void)state;
	memcpy(end - 10, "0123456789", 10);
	assert_int_equal(target_read(&target, address_of(end - 10), buffer, 10), 0);
	assert_memory_equal(buffer, "0123456789", 10);
	assert_int_equal(target_read(&target, address_of(end - 10), buffer, 11), -EFAULT);
	assert_int_equal(target_read(&target, address_of(end), buffer, 1), -EFAULT);
	assert_int_equal(target_read(&target, address_of(end), buffer, 0), 0);
	assert_int_equal(target_read(&target, 0, buffer, 8), -EFAULT);
	assert_int_equal(target_read(&target, UINT64_MAX, buffer, 1), -EFAULT);
	assert_int_equal(target_read(&target, UINT64_MAX - 3, buffer, 8), -EFAULT);
	assert_int_equal(target_read(&target, INT64_MAX - 3, buffer, 8), -EFAULT);
	assert_int_equal(target_read(&target, 1ull << 63, buffer, 8), -EFAULT);
	munmap(end - 65536, 65536);
}

static void test_read_string(void **state)
{
	char buffer[5000], *end = page_end(), *start = end - 65536;
	bool cut;

	(void)state;
	strcpy(end - 6, "hello");
	assert_int_equal(target_read_string(&target, address_of(end - 6), buffer, 100, &cut), 5);
	assert_string_equal(buffer, "hello");
	assert_false(cut);
	assert_int_equal(target_read_string(&target, address_of(end - 6), buffer, 4, &cut), 3);
	assert_string_equal(buffer, "hel");
	assert_true(cut);
	assert_int_equal(target_read_string(&target, address_of(end - 6), buffer, 1, NULL), 0);
	assert_string_equal(buffer, "");
	assert_int_equal(target_read_string(&target, address_of(end - 6), buffer, 0, NULL),
			 -EINVAL);

	/* Without an end before memory ends. */
	memset(end - 6, 'x', 6);
	assert_int_equal(target_read_string(&target, address_of(end - 6), buffer, 100, &cut), 6);
	assert_string_equal(buffer, "xxxxxx");
	assert_true(cut);
	strcpy(buffer, "old");
	assert_int_equal(target_read_string(&target, address_of(end), buffer, 100, &cut), -EFAULT);
	assert_string_equal(buffer, "");

	/* Across the end of a page, if the next one is there. */
	memset(start + 100, 'y', 4096);
	assert_int_equal(
		target_read_string(&target, address_of(start + 100), buffer, sizeof(buffer), &cut),
		4096);
	assert_int_equal(strlen(buffer), 4096);
	assert_false(cut);
	assert_int_equal(target_read_string(&target, UINT64_MAX, buffer, 100, &cut), -EFAULT);
	munmap(start, 65536);
}

static unsigned calls;
static bool seen[RECORDERS];

static int note_recorder(const flightrec *rec, uint64_t address, void *arg)
{
	uint64_t i = (address - address_of(recorder)) / sizeof(flightrec);

	assert_true(arg == &calls);
	assert_true(i < RECORDERS);
	assert_int_equal(rec->id_, 1000 + i);
	assert_true(strnlen(rec->name_, sizeof(rec->name_)) < sizeof(rec->name_));
	assert_true(rec->context_size_ <= sizeof(rec->context_));
	assert_false(seen[i]);
	seen[i] = true;
	calls++;
	return 0;
}

static int walk(uint32_t slots_max, struct target_walk *result)
{
	const struct target_visitor visitor = {note_recorder, &calls, slots_max};

	calls = 0;
	memset(seen, 0, sizeof(seen));
	return target_open_recorders(&target, address_of(&fake), &visitor, result);
}

static void expect(uint32_t slots_max, unsigned found, unsigned skipped, bool cut)
{
	struct target_walk result;

	assert_int_equal(walk(slots_max, &result), 0);
	assert_int_equal(calls, found);
	assert_int_equal(result.found, found);
	assert_int_equal(result.skipped, skipped);
	assert_int_equal(result.cut, cut);
}

static void test_walk(void **state)
{
	struct target_walk result;

	(void)state;
	assert_int_equal(walk(100000, &result), 0);
	assert_int_equal(calls, RECORDERS);
	assert_int_equal(result.instance, INSTANCE);
	assert_int_equal(result.opened, 5000);
	assert_int_equal(result.slots, RECORDERS);
	assert_int_equal(result.skipped, 0);
	assert_false(result.cut);
}

static void test_walk_is_bounded(void **state)
{
	(void)state;
	expect(0, 0, 0, true);
	expect(10, 10, 0, true);
	expect(600, 600, 0, true);
	/* Missing chunks limit it as well. */
	process.used = UINT32_MAX;
	expect(UINT32_MAX, RECORDERS, 0, false);
	expect(1150, 1150, 0, true);
	fake.chunk[1] = 0;
	expect(UINT32_MAX, FLIGHTREC_OPEN_CHUNK, 0, false);
	fake.chunk[0] = 0;
	expect(UINT32_MAX, 0, 0, false);
}

static void test_walk_skips_inconsistent(void **state)
{
	(void)state;
	slot(0)->id = 0; /* free */
	slot(1)->id = 7; /* not what the recorder says */
	recorder[2].id_ = 0;
	recorder[3].instance_ = INSTANCE - 1; /* the parent's */
	slot(4)->rec = 0;
	slot(5)->rec = UINT64_MAX;
	slot(600)->rec += 8;
	memset(recorder[601].name_, 'x', sizeof(recorder[601].name_));
	recorder[602].context_size_ = UINT16_MAX;
	expect(UINT32_MAX, RECORDERS - 7, 6, false);
	assert_true(seen[601] && seen[602]);
	assert_false(seen[0] || seen[1] || seen[2] || seen[3] || seen[4] || seen[5] || seen[600]);
}

static void test_walk_nothing_opened(void **state)
{
	struct target_walk result;

	(void)state;
	process.instance = 0;
	expect(UINT32_MAX, 0, 0, false);
	fake.process = 0;
	assert_int_equal(walk(UINT32_MAX, &result), 0);
	assert_int_equal(result.instance, 0);
	assert_int_equal(result.opened, 0);
}

static void test_walk_refuses(void **state)
{
	const struct target_visitor visitor = {note_recorder, &calls, 1};
	struct target_walk result;

	(void)state;
	fake.magic[0] ^= 1;
	assert_int_equal(walk(UINT32_MAX, &result), -EBADMSG);
	fake.magic[0] ^= 1;
	fake.magic[15] = 'x';
	assert_int_equal(walk(UINT32_MAX, &result), -EBADMSG);
	fake.magic[15] = 0;
	fake.version++;
	assert_int_equal(walk(UINT32_MAX, &result), -EBADMSG);
	fake.version--;
	fake.size--;
	assert_int_equal(walk(UINT32_MAX, &result), -EBADMSG);
	fake.size++;
	fake.process = 8;
	assert_int_equal(walk(UINT32_MAX, &result), -EFAULT);
	fake.process = address_of(&process);
	fake.chunk[0] = UINT64_MAX - 7;
	assert_int_equal(walk(UINT32_MAX, &result), -EFAULT);
	assert_int_equal(calls, 0);
	fake.chunk[0] = 8;
	assert_int_equal(walk(UINT32_MAX, &result), -EFAULT);
	assert_int_equal(target_open_recorders(&target, 16, &visitor, &result), -EFAULT);
}

static int stop_at_third(const flightrec *rec, uint64_t address, void *arg)
{
	(void)rec;
	(void)address;
	return ++*(unsigned *)arg == 3 ? 42 : 0;
}

static void test_walk_stops(void **state)
{
	unsigned count = 0;
	const struct target_visitor visitor = {stop_at_third, &count, UINT32_MAX};
	struct target_walk result;

	(void)state;
	assert_int_equal(target_open_recorders(&target, address_of(&fake), &visitor, &result), 42);
	assert_int_equal(count, 3);
	assert_int_equal(result.found, 3);
}

/* A child that has changed its copy: its memory is read, not ours. */
static void test_other_process(void **state)
{
	int tell[2], wait[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(tell) | pipe(wait), 0);
	pid = fork();
	if (pid == 0) {
		close(wait[1]);
		process.used = 5;
		recorder[2].id_ = 1;
		if (write(tell[1], "", 1) == 1 && read(wait[0], &byte, 1) == 0)
			_exit(0);
		_exit(1);
	}
	close(tell[1]);
	close(wait[0]);
	assert_int_equal(read(tell[0], &byte, 1), 1);
	target.pid = pid;
	expect(UINT32_MAX, 4, 1, false);
	close(wait[1]);
	close(tell[0]);
	/* A zombie has no memory, nor has a process that is gone. */
	assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	assert_true(target_read(&target, address_of(&fake), &byte, 1) < 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(target_read(&target, address_of(&fake), &byte, 1) < 0);
	target_close(&target);
	assert_int_equal(target_read(&target, address_of(&fake), &byte, 1), -ESRCH);
}

/* Memory that its owner never provides: a read must fail, not wait. */
static void test_userfaultfd(void **state)
{
	struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	struct uffdio_api api = {.api = UFFD_API};
	char *memory, byte;
	int fd;

	(void)state;
	if (by_vm)
		return; /* it would wait indeed */
	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd < 0)
		skip();
	memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	range.range.start = address_of(memory);
	range.range.len = 65536;
	assert_int_equal(ioctl(fd, UFFDIO_API, &api), 0);
	assert_int_equal(ioctl(fd, UFFDIO_REGISTER, &range), 0);
	assert_int_equal(target_read(&target, address_of(memory), &byte, 1), -EFAULT);
	close(fd);
	munmap(memory, 65536);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_read),
		CASE(test_read_string),
		CASE(test_userfaultfd),
		CASE(test_walk),
		CASE(test_walk_is_bounded),
		CASE(test_walk_skips_inconsistent),
		CASE(test_walk_nothing_opened),
		CASE(test_walk_refuses),
		CASE(test_walk_stops),
		CASE(test_other_process),
	};
	int failed;

	failed = cmocka_run_group_tests_name("/proc/PID/mem", tests, NULL, NULL);
	by_vm = true;
	return cmocka_run_group_tests_name("process_vm_readv", tests, NULL, NULL) || failed;
}
