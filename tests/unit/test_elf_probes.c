// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/elf_probes.c user/collector/target/elf_places.c */
/* link: user/collector/target/elf_file.c user/collector/target/mappings.c */
/* link: user/collector/target/mapping_open.c user/collector/base/auxv.c */
/* link: user/collector/target/elf_notes.c */
/* libs: libelf */
/* tests: user/collector/target/elf_places.c user/collector/target/elf_notes.c */
/* Builds inputs with each linker there is, reads them, and runs them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/elf_places.h"
#include "collector/target/elf_probes.h"
#include "collector/target/mapping_open.h"
#include "collector/target/mappings.h"
#include "elf_samples.h"
#include "flightrec/probes.h"

#define ALL_PROBES ((1u << FLIGHTREC_PROBES) - 1)
#define FIRST_SEMAPHORE 1000 /* what the file holds for semaphore[0]; the next ones count on */

/* At the offsets there must be what the source put there. */
static void check_probe(int fd, const struct elf_probe *probe, unsigned p)
{
	char expected[32], code[64];
	uint16_t semaphore;

	assert_int_equal(pread(fd, &semaphore, sizeof(semaphore), (off_t)probe->ref_ctr_offset),
			 sizeof(semaphore));
	assert_int_equal(semaphore, FIRST_SEMAPHORE + FLIGHTREC_SEMAPHORE(p));
	assert_true(pread(fd, code, sizeof(code), (off_t)probe->offset) > 16);
	snprintf(expected, sizeof(expected), "<%s>", elf_probe_name[p]);
#if defined(__x86_64__)
	assert_int_equal((unsigned char)code[0], 0x90);
	assert_memory_equal(code + 3, expected, strlen(expected));
#else
	assert_memory_equal(code + 8, expected, strlen(expected));
#endif
}

static void check_file(const char *name, unsigned present, size_t copies)
{
	struct elf_probes probes;
	unsigned p, have;
	size_t i;
	int fd;

	assert_int_equal(find(name, &probes), 0);
	assert_int_equal(probes.copies, copies);
	fd = open(path_of(name), O_RDONLY | O_CLOEXEC);
	for (i = 0; i < copies; i++) {
		have = probes.copy[i].present;
		/* Probes that cannot be reached may be there or not. */
		assert_int_equal(have & present, present);
		assert_int_equal(have & ~ALL_PROBES, 0);
		for (p = 0; p < FLIGHTREC_PROBES; p++) {
			if (have & 1u << p)
				check_probe(fd, &probes.copy[i].probe[p], p);
		}
	}
	close(fd);
}

static uint64_t state_by_mapping(pid_t pid, const char *name)
{
	uint64_t bias = 0, state = 0;
	struct mappings mappings;
	struct elf_probes probes;
	struct stat wanted, st;
	size_t i;
	int fd;

	assert_int_equal(stat(path_of(name), &wanted), 0);
	assert_int_equal(mappings_read(pid, &mappings), 0);
	for (i = 0; i < mappings.files && !state; i++) {
		fd = mapping_open(pid, &mappings, &mappings.file[i]);
		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0 && st.st_ino == wanted.st_ino &&
		    st.st_dev == wanted.st_dev) {
			const struct mapped_range *range = &mappings.range[mappings.file[i].range];

			assert_int_equal(elf_probes_find(fd, &probes), 0);
			assert_int_equal(elf_load_bias(fd, range->start, range->offset, &bias), 0);
			state = bias + probes.copy[0].state;
		}
		close(fd);
	}
	mappings_free(&mappings);
	return state;
}

/* Runs it, and compares the address that it tells with the one found from outside. */
static void check_running(const char *name)
{
	int to[2], from[2], status;
	char line[64] = "";
	pid_t pid;

	assert_int_equal(pipe2(to, O_CLOEXEC) | pipe2(from, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		execl(path_of(name), name, NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	assert_true(read(from[0], line, sizeof(line) - 1) > 0);
	assert_int_equal(state_by_mapping(pid, name), strtoull(line, NULL, 16));
	close(to[1]);
	close(from[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void check_linker(const char *linker)
{
	static const char *const kind[] = {"-shared -fPIC", "-DMAIN -pie -fPIE",
					   "-DMAIN -no-pie -fno-pie", "-DMAIN -static",
					   "-DMAIN -static-pie -fPIE"};
	static const char *const drop[] = {"",
					   "-ffunction-sections -fdata-sections -Wl,--gc-sections"};
	char flags[256];
	size_t i, j;

	for (i = 0; i < sizeof(kind) / sizeof(kind[0]); i++) {
		for (j = 0; j < 2; j++) {
			snprintf(flags, sizeof(flags), "%s %s %s", kind[i], drop[j], linker);
			if (!build("file", flags)) {
				print_message("skipped: cc %s does not work here\n", flags);
				continue;
			}
			check_file("file", ALL_PROBES, 1);
			if (i > 0)
				check_running("file");
			assert_true(
				shell("strip -o '%s' '%s'", path_of("stripped"), path_of("file")));
			check_file("stripped", ALL_PROBES, 1);
		}
	}
	/* Where main() does not reach them, the linker may keep notes and drop the code. */
	snprintf(flags, sizeof(flags), "-DMAIN -DFEW %s %s", drop[1], linker);
	if (build("file", flags))
		check_file("file", 1u << FLIGHTREC_PROBE_BEGIN | 1u << FLIGHTREC_PROBE_END, 1);
	else
		print_message("skipped: cc %s does not work here\n", flags);
}

static void test_bfd(void **state)
{
	(void)state;
	assert_true(build("file", "-shared -fPIC"));
	check_linker("-fuse-ld=bfd");
}

static void test_gold(void **state)
{
	(void)state;
	check_linker("-fuse-ld=gold");
}

static void test_lld(void **state)
{
	(void)state;
	check_linker("-fuse-ld=lld");
}

static void test_copies(void **state)
{
	char objects[2048] = "", object[300];
	unsigned i, copies;

	(void)state;
	for (i = 0; i <= ELF_PROBES_COPIES_MAX; i++) {
		snprintf(object, sizeof(object), "%s%u.o", path_of("copy"), i);
		assert_true(shell("cc -w -fPIC -c -DSTATE_CONST= -DSTATE_SIZE=%zu -DSUFFIX=_%u "
				  "-o '%s' '%s'",
				  sizeof(struct flightrec_state), i, object, path_of("source.c")));
		strcat(strcat(objects, " "), object);
		copies = i + 1;
		if (copies != 2 && copies < ELF_PROBES_COPIES_MAX)
			continue;
		assert_true(shell("ld -r -o '%s' %s && cc -shared -o '%s' '%s'", path_of("all.o"),
				  objects, path_of("copies"), path_of("all.o")));
		if (copies <= ELF_PROBES_COPIES_MAX) {
			check_file("copies", ALL_PROBES, copies);
		} else {
			struct elf_probes probes;

			assert_int_equal(find("copies", &probes), -EBADMSG);
			assert_int_equal(probes.copies, 0);
			assert_int_equal(probes.reason, ELF_REASON_COPIES);
		}
	}
}

static void refused(const char *flags, enum elf_reason reason)
{
	struct elf_probes probes;

	assert_true(build("file", flags));
	assert_int_equal(find("file", &probes), -EBADMSG);
	assert_int_equal(probes.copies, 0);
	if (probes.reason != reason)
		fail_msg("%s: %s", flags, elf_reason_text(probes.reason));
}

static void test_unusable(void **state)
{
	(void)state;
	refused("-shared -fPIC -DBEGIN_ARGS=A4", ELF_REASON_ARGUMENTS);
	refused("-shared -fPIC -DBEGIN_ARGS=A5", ELF_REASON_ARGUMENTS);
	refused("-shared -fPIC -DBEGIN_ARGS='A4 \" 4@%r8d\"'", ELF_REASON_ARGUMENTS);
	refused("-shared -fPIC -DBEGIN_ARGS='\"\"'", ELF_REASON_ARGUMENTS);
	refused("-shared -fPIC -DSEMAPHORE_STEP=4", ELF_REASON_SEMAPHORE);
	refused("-shared -fPIC -DSEMAPHORE_STEP=0", ELF_REASON_STATE);
	refused("-shared -fPIC -DTWICE", ELF_REASON_TWICE);
	refused("-shared -fPIC -DNOP='\".4byte 0\"'", ELF_REASON_NO_NOP);
	refused("-shared -fPIC -USTATE_CONST -DSTATE_CONST=const -DSECTION='\".rodata.x\"'",
		ELF_REASON_SEMAPHORE);
}

static void test_no_probes(void **state)
{
	struct elf_probes probes;
	uint64_t offset;
	int fds[2];

	(void)state;
	assert_true(shell("printf 'int main(void) { return 0; }' > '%s'", path_of("main.c")));
	assert_true(shell("cc -o '%s' '%s'", path_of("none"), path_of("main.c")));
	assert_int_equal(find("none", &probes), -ENOENT);
	assert_int_equal(find("source.c", &probes), -ENOENT);
	assert_true(shell(": > '%s'", path_of("empty")));
	assert_int_equal(find("empty", &probes), -ENOENT);
	/* What cannot be read at an offset at all. */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(elf_probes_find(fds[0], &probes), -ENOENT);
	assert_int_equal(elf_symbol_offset(fds[0], "main", &offset), -ENOENT);
	close(fds[0]);
	close(fds[1]);
}

static void test_symbol_and_build_id(void **state)
{
	static const unsigned char expected_id[] = {0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4};
	unsigned char id[ELF_BUILD_ID_MAX];
	struct elf_probes probes;
	uint64_t offset;
	int fd;

	(void)state;
	assert_true(build("file", "-shared -fPIC -s -fcf-protection=none -fomit-frame-pointer -O2 "
				  "-Wl,--build-id=0xdeadbeef01020304"));
	assert_int_equal(find("file", &probes), 0);
	fd = open(path_of("file"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(elf_symbol_offset(fd, "probe_end_one", &offset), 0);
	assert_int_equal(offset, probes.copy[0].probe[FLIGHTREC_PROBE_END].offset);
	assert_int_equal(elf_symbol_offset(fd, "no_such_function", &offset), -ENOENT);
	assert_int_equal(elf_symbol_offset(fd, "state_one", &offset), -ENOENT);
	assert_int_equal(elf_build_id(fd, id, sizeof(id)), sizeof(expected_id));
	assert_memory_equal(id, expected_id, sizeof(expected_id));
	assert_int_equal(elf_build_id(fd, id, 4), -ENOSPC);
	close(fd);

	/* A static function, which only .symtab has; and no build id. */
	assert_true(build("file", "-DMAIN -no-pie -Wl,--build-id=none"));
	fd = open(path_of("file"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(elf_symbol_offset(fd, "main", &offset), 0);
	assert_int_equal(elf_symbol_offset(fd, "printf", &offset), -ENOENT); /* undefined */
	assert_int_equal(elf_build_id(fd, id, sizeof(id)), -ENOENT);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bfd),
		cmocka_unit_test(test_gold),
		cmocka_unit_test(test_lld),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_unusable),
		cmocka_unit_test(test_no_probes),
		cmocka_unit_test(test_symbol_and_build_id),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
