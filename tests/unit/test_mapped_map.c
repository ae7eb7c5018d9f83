// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/kernel/mapped_map.c */
/* A file in memory stands for the map: both are mapped alike. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/kernel/mapped_map.h"

static size_t page;
static int file;

static int set_up(void **state)
{
	(void)state;
	page = (size_t)sysconf(_SC_PAGESIZE);
	file = memfd_create("map", MFD_CLOEXEC);
	return file < 0 || ftruncate(file, (off_t)(2 * page));
}

static int tear_down(void **state)
{
	(void)state;
	return close(file);
}

static void test_shares_memory(void **state)
{
	struct mapped_map map;
	char byte;

	(void)state;
	assert_int_equal(mapped_map_open(&map, file, 100, PROT_READ | PROT_WRITE), 0);
	((char *)map.memory)[99] = 'w';
	assert_int_equal(pread(file, &byte, 1, 99), 1);
	assert_int_equal(byte, 'w');
	assert_int_equal(pwrite(file, "r", 1, 99), 1);
	assert_int_equal(((char *)map.memory)[99], 'r');
	mapped_map_close(&map);
}

static void test_whole_pages(void **state)
{
	const struct {
		size_t asked, got;
	} sizes[] = {{1, page}, {page, page}, {page + 1, 2 * page}, {2 * page, 2 * page}};
	struct mapped_map map;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(mapped_map_open(&map, file, sizes[i].asked, PROT_READ), 0);
		assert_int_equal(map.size, sizes[i].got);
		mapped_map_close(&map);
	}
}

/* Closing leaves nothing mapped, and can be done twice. */
static void test_close(void **state)
{
	struct mapped_map map;
	unsigned char in_core;
	void *memory;

	(void)state;
	assert_int_equal(mapped_map_open(&map, file, page, PROT_READ), 0);
	memory = map.memory;
	assert_int_equal(mincore(memory, page, &in_core), 0);
	mapped_map_close(&map);
	assert_null(map.memory);
	assert_int_equal(map.size, 0);
	assert_int_equal(mincore(memory, page, &in_core), -1);
	assert_int_equal(errno, ENOMEM);
	mapped_map_close(&map);
}

/* What cannot be mapped leaves something that can be closed. */
static void test_refused(void **state)
{
	struct mapped_map map = {.memory = &map, .size = 1};

	(void)state;
	assert_int_equal(mapped_map_open(&map, -1, page, PROT_READ), -EBADF);
	assert_null(map.memory);
	mapped_map_close(&map);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_shares_memory),
		CASE(test_whole_pages),
		CASE(test_close),
		CASE(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
