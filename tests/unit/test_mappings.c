// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/mappings.c user/collector/base/auxv.c */
/* Lines of /proc/PID/maps and the files they name. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/mappings.h"

static void test_parse(void **state)
{
	struct mapping m;

	(void)state;
	assert_int_equal(mapping_parse("7f00-8f00 r-xp 00001000 fe:1f 42        /a b", &m), 0);
	assert_int_equal(m.start, 0x7f00);
	assert_int_equal(m.end, 0x8f00);
	assert_int_equal(m.offset, 0x1000);
	assert_int_equal(m.major, 0xfe);
	assert_int_equal(m.minor, 0x1f);
	assert_int_equal(m.inode, 42);
	assert_true(m.executable);
	assert_string_equal(m.path, "/a b");
	assert_int_equal(mapping_parse("0-ffffffffffffffff rw-p 0 0:0 0", &m), 0);
	assert_false(m.executable);
	assert_string_equal(m.path, "");
	assert_int_equal(mapping_parse("1-2 r-xp 0 0:0 0  ", &m), 0);
	assert_string_equal(m.path, "");
	assert_int_equal(mapping_parse("1-2 --xp 0 0:0 18446744073709551615 /x (deleted) ", &m), 0);
	assert_string_equal(m.path, "/x (deleted) ");
	assert_int_equal(m.inode, UINT64_MAX);
}

static void test_parse_refuses(void **state)
{
	static const char good[] = "7f00-8f00 r-xp 00001000 fe:1f 42 /a";
	static const char *const bad[] = {
		"",
		" ",
		"-",
		"1",
		"1-",
		"1-2",
		"1-2 ",
		"1-2 r-xp",
		"1-2 r-xp 0",
		"1-2 r-x 0 0:0 0",
		"2-1 r-xp 0 0:0 0 /a",
		"1-1 r-xp 0 0:0 0 /a",
		"g-h r-xp 0 0:0 0 /a",
		"1-2 r-xp 0 00 0 /a",
		"1-2 r-xp 0 0:0 /a",
		"1-2 r-xp 0 0:0 1a /a",
		"1-2 r-xp 0 0:0 18446744073709551616 /a",
		"1-10000000000000000 r-xp 0 0:0 0 /a",
		"1-2 r-xp 0 100000000:0 0 /a",
		"1-2 r-xp 0 0:0 12x",
	};
	struct mapping m;
	char line[sizeof(good)];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (mapping_parse(bad[i], &m) != -EINVAL)
			fail_msg("accepted: '%s'", bad[i]);
	}
	/* If it is cut before the inode's digits, it is no line. */
	for (i = 0; i < (size_t)(strstr(good, "42") - good); i++) {
		memcpy(line, good, i);
		line[i] = 0;
		assert_int_equal(mapping_parse(line, &m), -EINVAL);
	}
}

static void read_text(const char *text, size_t size, struct mappings *out)
{
	int fd = memfd_create("maps", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(mappings_read_fd(fd, out), 0);
	close(fd);
}

static void test_distinct_files(void **state)
{
	static const char text[] = "1000-2000 r--p 00000000 08:01 7 /lib/a\n"
				   "2000-3000 r-xp 00001000 08:01 7 /lib/a\n"
				   "3000-4000 rwxp 00000000 00:00 0 [heap]\n"
				   "4000-5000 r-xp 00000000 08:01 8 /lib/b c\\012d (deleted)\n"
				   "5000-6000 r-xp 00002000 08:01 7 /lib/a\n"
				   "this is not a mapping\n"
				   "6000-7000 r-xp 00000000 08:02 7 /other/device\n"
				   "7000-8000 r-xp 00003000 08:01 7 /lib/a";
	struct mappings m;
	size_t range;

	(void)state;
	read_text(text, sizeof(text) - 1, &m);
	assert_int_equal(m.files, 3);
	assert_int_equal(m.ranges, 5);
	assert_int_equal(m.malformed, 1);
	assert_int_equal(m.left_out, 0);
	assert_string_equal(m.file[0].path, "/lib/a");
	assert_false(m.file[0].deleted);
	range = m.file[0].range;
	assert_int_equal(m.range[range].start, 0x2000);
	assert_int_equal(m.range[range].end, 0x3000);
	assert_int_equal(m.range[range].offset, 0x1000);
	range = m.range[range].next;
	assert_int_equal(m.range[range].start, 0x5000);
	range = m.range[range].next;
	assert_int_equal(m.range[range].start, 0x7000);
	assert_true(m.range[range].next == MAPPINGS_NONE);
	assert_string_equal(m.file[1].path, "/lib/b c\\012d (deleted)");
	assert_true(m.file[1].deleted);
	assert_string_equal(m.file[2].path, "/other/device");
	mappings_free(&m);
	mappings_free(&m);
	read_text("", 0, &m);
	assert_int_equal(m.files, 0);
	mappings_free(&m);
}

/* The same inode number on many devices: files differ by both. */
static void test_same_inode(void **state)
{
	char text[1000 * 48];
	struct mappings m;
	size_t used = 0;
	unsigned i;

	(void)state;
	for (i = 0; i < 1000; i++)
		used += (size_t)sprintf(text + used, "%x000-%x000 r-xp 0 8:%x 7 /a\n", i, i + 1,
					i * i * 31);
	read_text(text, used, &m);
	assert_int_equal(m.files, 1000);
	mappings_free(&m);
}

/* A line far longer than any buffer is still one line. */
static void test_long_line(void **state)
{
	size_t size = 300000, head, i;
	struct mappings m;
	char *text = malloc(size + 200);

	(void)state;
	assert_non_null(text);
	for (i = 65400; i < 65700; i += 1) {
		head = (size_t)sprintf(text, "1000-2000 r-xp 00000000 08:01 7 /");
		memset(text + head, 'n', i - head);
		strcpy(text + i, "\n2000-3000 r-xp 00000000 08:01 8 /b\n");
		read_text(text, strlen(text), &m);
		assert_int_equal(m.files, 2);
		assert_int_equal(m.malformed, 0);
		assert_int_equal(m.file[0].inode, 7);
		assert_string_equal(m.file[1].path, "/b");
		mappings_free(&m);
	}
	memset(text + head, 'n', size);
	strcpy(text + size, "\n2000-3000 r-xp 00000000 08:01 8 /b\n");
	read_text(text, strlen(text), &m);
	assert_int_equal(m.files, 2);
	assert_int_equal(m.malformed, 0);
	assert_string_equal(m.file[1].path, "/b");
	mappings_free(&m);
	free(text);
}

static void test_many(void **state)
{
	size_t lines = 200000, files = 3 * MAPPINGS_FILES_MAX, used = 0, i;
	char *text = malloc(lines * 64);
	struct mappings m;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < lines; i++)
		used += (size_t)sprintf(text + used, "%zx-%zx r-xp 0 08:01 %zu /%zu\n", i * 4096,
					(i + 1) * 4096, 1 + i % files, i % files);
	read_text(text, used, &m);
	assert_int_equal(m.files, MAPPINGS_FILES_MAX);
	assert_int_equal(m.ranges + m.left_out, lines);
	for (i = 0; i < m.files; i++)
		assert_int_equal(m.file[i].inode, i + 1);
	mappings_free(&m);
	free(text);
}

static void test_no_process(void **state)
{
	struct mappings m;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(mappings_read(pid, &m), -ESRCH);
	assert_int_equal(m.files, 0);
	mappings_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),      cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_same_inode), cmocka_unit_test(test_distinct_files),
		cmocka_unit_test(test_long_line),  cmocka_unit_test(test_many),
		cmocka_unit_test(test_no_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
