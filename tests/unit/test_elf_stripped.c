// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/elf_stripped.c user/collector/target/elf_file.c */
/* libs: libelf */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/elf_stripped.h"
#include "elf_image.h"

static const Elf64_Shdr base = {.sh_name = ELF_IMAGE_NAME_BASE, .sh_type = SHT_PROGBITS};
static const Elf64_Shdr probes = {.sh_name = ELF_IMAGE_NAME_PROBES, .sh_type = SHT_PROGBITS};
static const Elf64_Shdr notes = {.sh_name = ELF_IMAGE_NAME_NOTES, .sh_type = SHT_NOTE};
static const Elf64_Shdr other = {.sh_name = ELF_IMAGE_NAME_OTHER, .sh_type = SHT_PROGBITS};

static bool is_stripped(const Elf64_Shdr *section, size_t n)
{
	int fd = elf_image(section, n);
	bool stripped;

	assert_true(fd >= 0);
	stripped = elf_stripped_of_notes(fd);
	close(fd);
	return stripped;
}

static void test_sections(void **state)
{
	const Elf64_Shdr stripped[] = {other, base, probes};
	const Elf64_Shdr whole[] = {base, notes, probes};
	const Elf64_Shdr half[] = {other, base};

	(void)state;
	assert_true(is_stripped(stripped, 3));
	assert_false(is_stripped(whole, 3));
	assert_false(is_stripped(half, 2));
	assert_false(is_stripped(NULL, 0));
	assert_false(elf_stripped_of_notes(-1));
}

/* Every byte of the headers, changed, and the file cut short: no crash, by the sanitizers. */
static void test_damage(void **state)
{
	static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
	static const struct {
		off_t at, size;
	} parts[] = {{0, sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr)},
		     {ELF_IMAGE_SECTIONS, 5 * sizeof(Elf64_Shdr)}};
	const Elf64_Shdr section[] = {other, base, probes};
	int fd = elf_image(section, 3);

	(void)state;
	assert_true(fd >= 0);
	for (size_t part = 0; part < 2; part++) {
		for (off_t at = parts[part].at; at < parts[part].at + parts[part].size; at++) {
			unsigned char before;

			assert_int_equal(pread(fd, &before, 1, at), 1);
			for (size_t i = 0; i < sizeof(values); i++) {
				assert_true(elf_image_put(fd, &values[i], 1, (uint64_t)at));
				elf_stripped_of_notes(fd);
			}
			assert_true(elf_image_put(fd, &before, 1, (uint64_t)at));
		}
	}
	assert_true(elf_stripped_of_notes(fd));
	for (off_t size = ELF_IMAGE_SECTIONS + 5 * sizeof(Elf64_Shdr); size >= 0; size -= 7) {
		assert_int_equal(ftruncate(fd, size), 0);
		elf_stripped_of_notes(fd);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
