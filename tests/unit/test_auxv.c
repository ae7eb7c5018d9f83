// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/base/auxv.c */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/base/auxv.h"

static void test_own_process(void **state)
{
	uint64_t value = 0;

	(void)state;
	assert_true(auxv_find(getpid(), AT_ENTRY, &value));
	assert_true(value == getauxval(AT_ENTRY));
	assert_true(auxv_find(getpid(), AT_PAGESZ, &value));
	assert_true(value == getauxval(AT_PAGESZ));
	assert_false(auxv_find(getpid(), 0xabcdef, &value));
}

static void test_no_process(void **state)
{
	uint64_t value;

	(void)state;
	assert_false(auxv_find(-1, AT_ENTRY, &value));
}

static void test_64_bits(void **state)
{
	static const uint64_t vector[] = {AT_PAGESZ, 4096, AT_ENTRY, 1ull << 40,
					  AT_NULL,   0,    AT_BASE,  1};
	uint64_t value = 0;

	(void)state;
	assert_true(auxv_find_in(vector, sizeof(vector), AT_ENTRY, &value));
	assert_true(value == 1ull << 40);
	/* After the end. */
	assert_false(auxv_find_in(vector, sizeof(vector), AT_BASE, &value));
}

static void test_32_bits(void **state)
{
	static const uint32_t vector[] = {AT_PAGESZ, 4096, AT_ENTRY, 0xfffff000, AT_NULL, 0};
	uint64_t value = 0;

	(void)state;
#if defined(__x86_64__)
	assert_true(auxv_find_in(vector, sizeof(vector), AT_ENTRY, &value));
	assert_true(value == 0xfffff000);
#else
	assert_false(auxv_find_in(vector, sizeof(vector), AT_ENTRY, &value));
#endif
}

/* However much is cut off, nothing is read beyond the end. */
static void test_cut(void **state)
{
	static const uint64_t vector[] = {AT_PAGESZ, 4096, AT_ENTRY, 1};
	uint64_t value;

	(void)state;
	for (size_t size = 0; size < sizeof(vector); size++)
		assert_false(auxv_find_in(vector, size, AT_ENTRY, &value));
	assert_true(auxv_find_in(vector, sizeof(vector), AT_ENTRY, &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_process), cmocka_unit_test(test_no_process),
		cmocka_unit_test(test_64_bits),     cmocka_unit_test(test_32_bits),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
