// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/mappings.c user/collector/target/mapping_open.c */
/* link: user/collector/base/auxv.c user/collector/target/elf_places.c */
/* link: user/collector/target/elf_file.c */
/* libs: libelf */
/* Opens files that are mapped, whatever they are called, and wherever they are. */
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
#include "collector/target/mapping_open.h"
#include "collector/target/mappings.h"

static char directory[] = "/tmp/test_mapping_open.XXXXXX";

static const char *path_of(const char *name)
{
	static char path[4][512];
	static unsigned turn;
	char *out = path[turn++ % 4];

	snprintf(out, sizeof(path[0]), "%s/%s", directory, name);
	return out;
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

/* Another file in its place is not mistaken for it, nor opened if that could block. */
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

struct expected {
	const struct mappings *mappings;
	unsigned compared;
};

/* The dynamic linker also knows the load biases. */
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
		cmocka_unit_test(test_open_hostile_names),
		cmocka_unit_test(test_open_replaced),
		cmocka_unit_test(test_open_elsewhere),
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
