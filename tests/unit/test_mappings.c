// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/mappings.c user/collector/target/elf_places.c */
/* link: user/collector/target/elf_file.c */
/* libs: libelf */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/elf_places.h"
#include "collector/target/mappings.h"

static char directory[] = "/tmp/test_mappings.XXXXXX";

static const char *path_of(const char *name)
{
	static char path[4][512];
	static unsigned turn;
	char *out = path[turn++ % 4];

	snprintf(out, sizeof(path[0]), "%s/%s", directory, name);
	return out;
}

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
	/* Cut anywhere before the inode's digits, it is no line. */
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

/* One inode number on many devices: only the whole of it tells files apart. */
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

/* A line that is far longer than any buffer is one line, and what follows is another. */
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

/* A file of one executable page, mapped; returns where, or NULL. */
static void *try_map_file(const char *path, char fill)
{
	void *mapped = MAP_FAILED;
	char page[4096];
	int fd;

	memset(page, fill, sizeof(page));
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	if (fd >= 0 && write(fd, page, sizeof(page)) == (ssize_t)sizeof(page))
		mapped = mmap(NULL, sizeof(page), PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	close(fd);
	return mapped == MAP_FAILED ? NULL : mapped;
}

static void *map_file(const char *path, char fill)
{
	void *mapped = try_map_file(path, fill);

	assert_non_null(mapped);
	return mapped;
}

static const struct mapped_file *file_at(const struct mappings *m, const void *address)
{
	size_t i;

	for (i = 0; i < m->files; i++) {
		if (m->range[m->file[i].range].start == (uintptr_t)address)
			return &m->file[i];
	}
	return NULL;
}

/* Opens what is mapped at @address in @pid; returns its first byte, or a negative errno. */
static int first_byte(pid_t pid, const void *address, bool by_path)
{
	const struct mapped_file *file;
	struct mappings m;
	char byte = 0;
	int fd;

	assert_int_equal(mappings_read(pid, &m), 0);
	file = file_at(&m, address);
	assert_non_null(file);
	/* A range that is not mapped has no entry in map_files: the path is all there is. */
	if (by_path)
		m.range[file->range].end += 4096;
	fd = mapping_open(pid, &m, file);
	mappings_free(&m);
	if (fd < 0)
		return fd;
	assert_int_equal(pread(fd, &byte, 1, 0), 1);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
	return byte;
}

static bool have_map_files(void)
{
	void *mapped = map_file(path_of("probe"), 'p');
	bool have;

	unlink(path_of("probe"));
	have = first_byte(getpid(), mapped, false) == 'p';
	munmap(mapped, 4096);
	if (!have)
		print_message("skipped in part: /proc/PID/map_files is not allowed here\n");
	return have;
}

static void test_open_hostile_names(void **state)
{
	static const char *const name[] = {
		"plain",       "with space  ",  "new\nline\n",      "back\\012slash",
		"both\n\\012", "not (deleted)", "\x1b[31m\xff\xfe", "%s%n"};
	void *mapped;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		mapped = map_file(path_of(name[i]), (char)('a' + i));
		/* Newlines and their escapes in one name cannot be told apart. */
		if (i != 4)
			assert_int_equal(first_byte(getpid(), mapped, true), 'a' + i);
		if (have_map_files())
			assert_int_equal(first_byte(getpid(), mapped, false), 'a' + i);
		munmap(mapped, 4096);
		unlink(path_of(name[i]));
	}
}

/* Whatever took the file's place must not be taken for it, nor opened if that could block. */
static void test_open_replaced(void **state)
{
	bool have = have_map_files();
	void *mapped, *other;

	(void)state;
	mapped = map_file(path_of("file"), 'x');
	assert_int_equal(rename(path_of("file"), path_of("moved")), 0);
	if (have)
		assert_int_equal(first_byte(getpid(), mapped, false), 'x');
	/* The kernel shows the new name, wherever it is on the same file system. */
	assert_int_equal(first_byte(getpid(), mapped, true), 'x');
	unlink(path_of("moved"));
	if (have)
		assert_int_equal(first_byte(getpid(), mapped, false), 'x');
	assert_int_equal(first_byte(getpid(), mapped, true), -ENOENT);
	other = map_file(path_of("moved (deleted)"), 'y');
	assert_int_equal(first_byte(getpid(), mapped, true), -ENOENT);
	unlink(path_of("moved (deleted)"));
	assert_int_equal(mkfifo(path_of("moved (deleted)"), 0600), 0);
	assert_int_equal(first_byte(getpid(), mapped, true), -ENOENT);
	unlink(path_of("moved (deleted)"));
	munmap(mapped, 4096);
	munmap(other, 4096);
}

/* A child that maps a file where nobody else sees it, tells its address, and waits. */
static pid_t start_mapper(void (*hide)(void), const char *path, char fill, void **mapped)
{
	int tell[2];
	pid_t pid;

	assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		hide();
		*mapped = try_map_file(path, fill);
		if (*mapped && write(tell[1], mapped, sizeof(*mapped)) == (ssize_t)sizeof(*mapped))
			pause();
		_exit(1);
	}
	close(tell[1]);
	if (read(tell[0], mapped, sizeof(*mapped)) != (ssize_t)sizeof(*mapped))
		*mapped = NULL;
	close(tell[0]);
	return pid;
}

static void end_mapper(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void hide_by_mount(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", directory, "tmpfs", 0, NULL))
		_exit(1);
}

static void hide_by_chroot(void)
{
	if (chroot(directory) || chdir("/"))
		_exit(1);
}

static void hide_by_overlay(void)
{
	char options[1024];

	hide_by_mount();
	if (mkdir(path_of("lower"), 0700) || mkdir(path_of("upper"), 0700) ||
	    mkdir(path_of("work"), 0700) || mkdir(path_of("merged"), 0700))
		_exit(1);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", path_of("lower"),
		 path_of("upper"), path_of("work"));
	if (mount("none", path_of("merged"), "overlay", 0, options))
		_exit(1);
}

static void test_open_elsewhere(void **state)
{
	static const struct {
		const char *what;
		void (*hide)(void);
		const char *name;
	} cases[] = {
		{"mount namespaces", hide_by_mount, "hidden"},
		{"chroot", hide_by_chroot, NULL},
		{"overlayfs", hide_by_overlay, "merged/hidden"},
	};
	char path[512];
	void *mapped;
	pid_t pid;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid = start_mapper(cases[i].hide,
				   cases[i].name ? strcpy(path, path_of(cases[i].name)) : "/rooted",
				   'h', &mapped);
		if (mapped) {
			assert_int_equal(first_byte(pid, mapped, true), 'h');
			if (have_map_files())
				assert_int_equal(first_byte(pid, mapped, false), 'h');
		} else {
			print_message("skipped: %s are not allowed here\n", cases[i].what);
		}
		end_mapper(pid);
	}
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

struct expected {
	const struct mappings *mappings;
	unsigned compared;
};

/* The dynamic linker knows the load biases, too. */
static int compare_bias(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct expected *expected = arg;
	const struct mappings *m = expected->mappings;
	uint64_t address = 0, bias = 0;
	size_t i, j;
	int fd;

	(void)size;
	for (i = 0; i < info->dlpi_phnum && !address; i++) {
		if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X)
			address = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
	}
	for (i = 0; i < m->files; i++) {
		for (j = m->file[i].range; j != MAPPINGS_NONE; j = m->range[j].next) {
			if (address < m->range[j].start || address >= m->range[j].end)
				continue;
			fd = mapping_open(getpid(), m, &m->file[i]);
			assert_true(fd >= 0);
			assert_int_equal(
				elf_load_bias(fd, m->range[j].start, m->range[j].offset, &bias), 0);
			assert_int_equal(bias, info->dlpi_addr);
			expected->compared++;
			close(fd);
		}
	}
	return 0;
}

static void test_load_bias(void **state)
{
	struct expected expected = {NULL, 0};
	struct mappings m;

	(void)state;
	assert_int_equal(mappings_read(getpid(), &m), 0);
	expected.mappings = &m;
	dl_iterate_phdr(compare_bias, &expected);
	/* This program, libcmocka, libelf, libc and the dynamic linker. */
	assert_true(expected.compared >= 5);
	mappings_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_same_inode),
		cmocka_unit_test(test_distinct_files),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_open_hostile_names),
		cmocka_unit_test(test_open_replaced),
		cmocka_unit_test(test_open_elsewhere),
		cmocka_unit_test(test_no_process),
		cmocka_unit_test(test_load_bias),
	};
	char command[128];
	int failed;

	if (!mkdtemp(directory))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command) != 0 || failed;
}
