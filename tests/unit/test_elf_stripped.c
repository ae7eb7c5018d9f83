// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/elf_stripped.c */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/elf_stripped.h"

/* A file of a header, sections of these names (the last is that of the names), and the names. */
static int make_file(const char *const *name, size_t n, Elf64_Ehdr *header)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);
	Elf64_Shdr section[8] = {0};
	char names[256] = "";
	size_t used = 1;

	assert_true(fd >= 0 && n <= 8);
	*header = (Elf64_Ehdr){.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64},
			       .e_shoff = sizeof(*header),
			       .e_shentsize = sizeof(Elf64_Shdr),
			       .e_shnum = (uint16_t)n,
			       .e_shstrndx = (uint16_t)(n - 1)};
	for (size_t i = 0; i < n; i++) {
		section[i].sh_name = (uint32_t)used;
		strcpy(names + used, name[i]);
		used += strlen(name[i]) + 1;
	}
	section[n - 1].sh_offset = sizeof(*header) + n * sizeof(*section);
	section[n - 1].sh_size = used;
	assert_int_equal(pwrite(fd, header, sizeof(*header), 0), sizeof(*header));
	assert_int_equal(pwrite(fd, section, n * sizeof(*section), sizeof(*header)),
			 n * sizeof(*section));
	assert_int_equal(pwrite(fd, names, used, (off_t)section[n - 1].sh_offset), used);
	return fd;
}

static bool is_stripped(const char *const *name, size_t n)
{
	Elf64_Ehdr header;
	int fd = make_file(name, n, &header);
	bool stripped = elf_stripped_of_notes(fd);

	close(fd);
	return stripped;
}

static void test_sections(void **state)
{
	static const char *const stripped[] = {".text", ".stapsdt.base", ".probes", ".shstrtab"};
	static const char *const whole[] = {".stapsdt.base", ".probes", ".note.stapsdt",
					    ".shstrtab"};
	static const char *const none[] = {".text", ".shstrtab"};
	static const char *const half[] = {".stapsdt.base", ".shstrtab"};

	(void)state;
	assert_true(is_stripped(stripped, 4));
	assert_false(is_stripped(whole, 4));
	assert_false(is_stripped(none, 2));
	assert_false(is_stripped(half, 2));
}

/* Every byte of the header and the first section, changed: no crash, by the sanitizers. */
static void test_damage(void **state)
{
	static const char *const names[] = {".text", ".stapsdt.base", ".probes", ".shstrtab"};
	static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
	Elf64_Ehdr header;
	int fd = make_file(names, 4, &header);

	(void)state;
	for (off_t at = 0; at < (off_t)(sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Shdr)); at++) {
		unsigned char before;

		assert_int_equal(pread(fd, &before, 1, at), 1);
		for (size_t i = 0; i < sizeof(values); i++) {
			assert_int_equal(pwrite(fd, &values[i], 1, at), 1);
			elf_stripped_of_notes(fd);
		}
		assert_int_equal(pwrite(fd, &before, 1, at), 1);
	}
	for (off_t size = 0; size < 600; size++) {
		assert_int_equal(ftruncate(fd, size), 0);
		elf_stripped_of_notes(fd);
	}
	close(fd);
	assert_false(elf_stripped_of_notes(-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
