// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/modules.c user/collector/target/mappings.c */
/* link: user/collector/target/mapping_open.c */
/* link: user/collector/base/auxv.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/target/modules.h"

static const char constant = 7;

static void test_of_this_process(void **state)
{
	struct modules modules;
	struct stat own, opened;
	size_t self, libc;
	Dl_info info;
	int fd, local;

	(void)state;
	assert_int_equal(modules_read(getpid(), (uint64_t)(uintptr_t)&local, &modules), 0);
	self = modules_find(&modules, (uint64_t)(uintptr_t)test_of_this_process);
	assert_true(self < modules.n);
	/* All of it is one: code, constants, data. */
	assert_int_equal(modules_find(&modules, (uint64_t)(uintptr_t)&constant), self);
	assert_string_equal(strrchr(modules.module[self].path, '/'), "/test_modules");
	assert_false(modules.module[self].deleted);
	fd = module_open(getpid(), &modules.module[self]);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &opened), 0);
	assert_int_equal(stat("/proc/self/exe", &own), 0);
	assert_int_equal(opened.st_ino, own.st_ino);
	close(fd);
	libc = modules_find(&modules, (uint64_t)(uintptr_t)dlsym(RTLD_DEFAULT, "puts"));
	assert_true(libc < modules.n && libc != self);
	assert_int_not_equal(dladdr(dlsym(RTLD_DEFAULT, "puts"), &info), 0);
	assert_int_equal(modules.module[libc].start, (uintptr_t)info.dli_fbase);
	assert_true(modules.stack_end > (uintptr_t)&local);
	assert_int_equal(modules.vdso_start, getauxval(AT_SYSINFO_EHDR));
	assert_int_equal(modules_find(&modules, 0), SIZE_MAX);
	assert_int_equal(modules_find(&modules, UINT64_MAX), SIZE_MAX);
	for (size_t i = 0; i < modules.n; i++) {
		assert_true(modules.module[i].start < modules.module[i].end);
		assert_true(!i || modules.module[i - 1].end <= modules.module[i].start);
	}
	modules_free(&modules);
	modules_free(&modules);
}

/* Files that are mapped as data alone are none; what changes, changes the hash. */
static void test_data_and_changes(void **state)
{
	struct modules before, with_data, with_code;
	int fd = open("/proc/self/exe", O_RDONLY);
	int file = memfd_create("flightrec-test", 0);
	char *data, *code;

	(void)state;
	assert_int_equal(ftruncate(file, 8192), 0);
	assert_int_equal(modules_read(getpid(), 0, &before), 0);
	assert_int_equal(before.stack_end, 0);
	data = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
	assert_int_equal(modules_read(getpid(), 0, &with_data), 0);
	assert_int_equal(with_data.n, before.n);
	assert_int_equal(with_data.hash, before.hash);
	code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 4096);
	assert_int_equal(modules_read(getpid(), 0, &with_code), 0);
	if (code != MAP_FAILED) {
		size_t found = modules_find(&with_code, (uint64_t)(uintptr_t)code);

		assert_int_equal(with_code.n, before.n + 1);
		assert_int_not_equal(with_code.hash, before.hash);
		assert_true(found < with_code.n && with_code.module[found].deleted);
		assert_string_equal(with_code.module[found].path, "/memfd:flightrec-test");
		munmap(code, 4096);
	}
	munmap(data, 4096);
	close(file);
	close(fd);
	modules_free(&before);
	modules_free(&with_data);
	modules_free(&with_code);
}

static void test_no_such_process(void **state)
{
	struct modules modules;

	(void)state;
	assert_int_equal(modules_read(0x3fffffff, 0, &modules), -ESRCH);
	modules_free(&modules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_this_process),
		cmocka_unit_test(test_data_and_changes),
		cmocka_unit_test(test_no_such_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
