// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/mappings.c user/collector/base/auxv.c */
/* Which of a process's files is its dynamic linker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/mappings.h"

static void finds_it_where_the_kernel_put_it(void **state)
{
	uint64_t base = getauxval(AT_BASE);
	struct mappings mappings;
	const struct mapped_file *linker;

	(void)state;
	if (!base)
		skip();
	assert_int_equal(mappings_read(getpid(), &mappings), 0);
	assert_true(mappings.linker < mappings.files);
	linker = &mappings.file[mappings.linker];
	assert_non_null(strstr(linker->path, "/ld-"));
	assert_true(mappings.range[linker->range].start >= base);
	mappings_free(&mappings);
}

static void knows_none_without_a_process(void **state)
{
	struct mappings mappings;

	(void)state;
	assert_true(mappings_read(0, &mappings) < 0);
	assert_int_equal(mappings.linker, MAPPINGS_NONE);
	mappings_free(&mappings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_it_where_the_kernel_put_it),
		cmocka_unit_test(knows_none_without_a_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
