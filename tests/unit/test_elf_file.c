// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/elf_probes.c user/collector/target/elf_places.c */
/* link: user/collector/target/elf_file.c user/collector/target/elf_notes.c */
/* link: user/collector/target/elf_stripped.c */
/* libs: libelf */
/*
 * Files made to be expensive. That they are not is shown by the peak memory of this process, and by
 * its survival: its CPU time is limited.
 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/elf_file.h"
#include "collector/target/elf_places.h"
#include "collector/target/elf_probes.h"
#include "collector/target/elf_stripped.h"
#include "elf_image.h"

/* Without limits for libelf, some of these files took 3 GiB, or more than a minute. */
#define CPU_SECONDS 60
#define MEMORY_KIB (512 << 10)

#define MIB (1u << 20)
#define MOST_SECTIONS (ELF_FILE_SECTIONS_MAX - 2)

static Elf64_Shdr section[ELF_FILE_SECTIONS_MAX + 1];

static void fill(const Elf64_Shdr *with, size_t first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		section[first + i] = *with;
}

static void expect(int fd, int err, enum elf_reason reason)
{
	struct elf_probes probes;

	assert_true(fd >= 0);
	assert_int_equal(elf_probes_find(fd, &probes), err);
	assert_int_equal(probes.reason, reason);
	assert_int_equal(probes.copies, err ? 0 : 1);
	assert_false(elf_stripped_of_notes(fd));
	close(fd);
}

static void put(int fd, const void *bytes, size_t size, uint64_t offset)
{
	assert_true(fd >= 0);
	assert_true(elf_image_put(fd, bytes, size, offset));
}

/* @n notes of the same probe, and @size bytes of them in each of @sections sections. */
static int with_notes(struct elf_image_note note, size_t n, size_t sections)
{
	const Elf64_Shdr notes = elf_image_notes(n * sizeof(note));
	int fd;

	fill(&notes, 0, sections);
	fd = elf_image(section, sections);
	for (size_t i = 0; i < n; i++)
		put(fd, &note, sizeof(note), ELF_IMAGE_DATA + i * sizeof(note));
	return fd;
}

static void test_notes(void **state)
{
	const struct elf_image_note good = elf_image_note(ELF_IMAGE_NOP);
	const struct elf_image_note nowhere = elf_image_note(ELF_IMAGE_NOP + 8);
	struct elf_image_note foreign = good;

	(void)state;
	memcpy(foreign.text, "somebody", 8);
	expect(with_notes(good, 1, 1), 0, ELF_REASON_NONE);
	/* The same note twice is harmless, but no linker writes it this often. */
	expect(with_notes(good, 256, 1), 0, ELF_REASON_NONE);
	expect(with_notes(good, 257, 1), -EBADMSG, ELF_REASON_NOTES);
	expect(with_notes(good, 1, 256), 0, ELF_REASON_NONE);
	expect(with_notes(good, 1, 257), -EBADMSG, ELF_REASON_NOTES);
	expect(with_notes(nowhere, 256, 1), -EBADMSG, ELF_REASON_NO_NOP);
	expect(with_notes(nowhere, 257, 1), -EBADMSG, ELF_REASON_NOTES);
	expect(with_notes(foreign, 1000, 50), -ENOENT, ELF_REASON_NONE);
}

/* A note of @size bytes, all of which each of @n sections holds. */
static int with_one_note(uint64_t size, size_t n)
{
	const Elf64_Shdr notes = elf_image_notes(size);
	const Elf64_Nhdr note = {.n_namesz = 4, .n_descsz = (uint32_t)size - 16, .n_type = 1};
	int fd;

	fill(&notes, 0, n);
	fd = elf_image(section, n);
	put(fd, &note, sizeof(note), ELF_IMAGE_DATA);
	assert_int_equal(ftruncate(fd, (off_t)(ELF_IMAGE_DATA + size)), 0);
	return fd;
}

static void test_same_range_in_many_sections(void **state)
{
	(void)state;
	expect(with_one_note(16 * MIB, 200), -EBADMSG, ELF_REASON_SIZE);
	expect(with_one_note(ELF_FILE_READ_MAX, 1), -EBADMSG, ELF_REASON_SIZE);
	expect(with_one_note(ELF_FILE_READ_MAX - 4096, 1), -ENOENT, ELF_REASON_NONE);
	expect(with_one_note(1024, MOST_SECTIONS), -ENOENT, ELF_REASON_NONE);
	expect(with_one_note(1024, MOST_SECTIONS + 1), -EBADMSG, ELF_REASON_SIZE);
}

static void test_notes_that_are_not_there(void **state)
{
	static const struct {
		uint64_t offset, size;
		int err;
	} ranges[] = {
		{INT64_MAX, 4096, -ENOENT},
		{UINT64_MAX - 100, 4096, -ENOENT},
		{0, UINT64_MAX, -EBADMSG},
		{UINT64_MAX, UINT64_MAX, -EBADMSG},
		{0, 0, -ENOENT},
		{ELF_IMAGE_DATA, 1, -ENOENT},
	};
	Elf64_Shdr notes = elf_image_notes(0);

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		notes.sh_offset = ranges[i].offset;
		notes.sh_size = ranges[i].size;
		expect(elf_image(&notes, 1), ranges[i].err,
		       ranges[i].err == -EBADMSG ? ELF_REASON_SIZE : ELF_REASON_NONE);
	}
}

/* Half notes, half other sections, and no .stapsdt.base to be found. */
static void test_many_sections_without_base(void **state)
{
	const struct elf_image_note note = elf_image_note(ELF_IMAGE_NOP + 8);
	const Elf64_Shdr notes = elf_image_notes(16);
	const Elf64_Shdr other = {.sh_name = ELF_IMAGE_NAME_OTHER,
				  .sh_type = SHT_PROGBITS,
				  .sh_offset = ELF_IMAGE_DATA,
				  .sh_size = 16};
	int fd;

	(void)state;
	fill(&notes, 0, MOST_SECTIONS / 2);
	fill(&other, MOST_SECTIONS / 2, MOST_SECTIONS / 2);
	fd = elf_image(section, MOST_SECTIONS);
	put(fd, &note, sizeof(note), ELF_IMAGE_DATA);
	expect(fd, -ENOENT, ELF_REASON_NONE);
}

/* Sections without a name, because the string where it begins has no end. */
static void test_names_without_end(void **state)
{
	const Elf64_Shdr notes = {.sh_name = 1, .sh_type = SHT_NOTE};
	Elf64_Shdr names = {.sh_name = 1, .sh_type = SHT_STRTAB, .sh_offset = ELF_IMAGE_DATA};
	char *text = malloc(5 * MIB);

	(void)state;
	assert_non_null(text);
	memset(text, 'A', 5 * MIB);
	for (size_t mib = 3; mib <= 5; mib += 2) {
		int fd;

		fill(&notes, 0, MOST_SECTIONS);
		fd = elf_image(section, MOST_SECTIONS);
		names.sh_size = mib * MIB;
		put(fd, &names, sizeof(names), ELF_IMAGE_SECTIONS + sizeof(names));
		put(fd, text, mib * MIB, ELF_IMAGE_DATA);
		expect(fd, mib == 3 ? -ENOENT : -EBADMSG,
		       mib == 3 ? ELF_REASON_NONE : ELF_REASON_SIZE);
	}
	free(text);
}

/* The number of sections is in the first one, as in huge object files. */
static void test_extended_numbering(void **state)
{
	const Elf64_Ehdr header = elf_image_header(2, 0);
	const Elf64_Shdr count = {.sh_size = 1000000000};
	int fd = elf_image(section, 1);

	(void)state;
	put(fd, &header, sizeof(header), 0);
	put(fd, &count, sizeof(count), ELF_IMAGE_SECTIONS);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	expect(fd, -ENOENT, ELF_REASON_NONE);
}

/* A section that would be 1 GiB when unpacked is not unpacked. */
static void test_compressed(void **state)
{
	const Elf64_Chdr packed = {.ch_type = ELFCOMPRESS_ZLIB, .ch_size = 1 << 30};
	Elf64_Shdr names = {.sh_name = ELF_IMAGE_NAME_NAMES,
			    .sh_type = SHT_STRTAB,
			    .sh_flags = SHF_COMPRESSED,
			    .sh_offset = ELF_IMAGE_DATA,
			    .sh_size = 4096};
	Elf64_Shdr notes = elf_image_notes(4096);
	int fd;

	(void)state;
	notes.sh_flags = SHF_COMPRESSED;
	fd = elf_image(&notes, 1);
	put(fd, &packed, sizeof(packed), ELF_IMAGE_DATA);
	assert_int_equal(ftruncate(fd, ELF_IMAGE_DATA + 4096), 0);
	expect(fd, -ENOENT, ELF_REASON_NONE);

	fd = elf_image(&notes, 1);
	put(fd, &names, sizeof(names), ELF_IMAGE_SECTIONS + sizeof(names));
	put(fd, &packed, sizeof(packed), ELF_IMAGE_DATA);
	assert_int_equal(ftruncate(fd, ELF_IMAGE_DATA + 4096), 0);
	expect(fd, -ENOENT, ELF_REASON_NONE);
}

static Elf64_Shdr symbols(uint32_t strings, uint64_t size)
{
	return (Elf64_Shdr){.sh_name = ELF_IMAGE_NAME_OTHER,
			    .sh_type = SHT_DYNSYM,
			    .sh_offset = ELF_IMAGE_DATA,
			    .sh_size = size,
			    .sh_link = strings,
			    .sh_entsize = sizeof(Elf64_Sym)};
}

static void expect_symbol(const Elf64_Shdr *headers, size_t n, int err)
{
	const Elf64_Sym symbol = {.st_name = 100,
				  .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
				  .st_shndx = 2,
				  .st_value = ELF_IMAGE_NOP};
	int fd = elf_image(headers, n);
	uint64_t offset = 0;

	/* The strings of the symbols are the symbols themselves. */
	put(fd, &symbol, sizeof(symbol), ELF_IMAGE_DATA);
	put(fd, "probe", sizeof("probe"), ELF_IMAGE_DATA + 100);
	assert_int_equal(ftruncate(fd, ELF_IMAGE_DATA + 6 * MIB), 0);
	assert_int_equal(elf_symbol_offset(fd, "probe", &offset), err);
	assert_int_equal(offset, err ? 0 : ELF_IMAGE_NOP);
	close(fd);
}

static void test_symbols(void **state)
{
	const uint64_t step = sizeof(Elf64_Sym);
	const struct {
		uint32_t strings;
		uint64_t size;
		int err;
	} tables[] = {
		{2, 8 * step, 0},
		{2, ELF_FILE_READ_MAX / 2 / step * step, 0},
		{2, ELF_FILE_READ_MAX / step * step, -EFBIG},
		{2, UINT64_MAX / step * step, -EFBIG},
		{2, 8 * step + 1, -ENOENT}, /* part of a symbol */
		{0, 8 * step, -ENOENT},     /* strings in the section that is none */
		{1, 8 * step, -ENOENT},     /* ... that has none at 100 */
		{9, 8 * step, -ENOENT},     /* ... that there is not */
		{UINT32_MAX, 8 * step, -ENOENT},
	};
	Elf64_Shdr header;

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		header = symbols(tables[i].strings, tables[i].size);
		expect_symbol(&header, 1, tables[i].err);
	}
	header = symbols(2, 8 * step);
	header.sh_entsize = 1;
	expect_symbol(&header, 1, -ENOENT);
	header.sh_entsize = step;
	header.sh_flags = SHF_COMPRESSED;
	expect_symbol(&header, 1, -ENOENT);
}

/* Many symbols, the name of each of which goes on to the end of the string table. */
static void test_symbols_without_end(void **state)
{
	const size_t size = ELF_FILE_READ_MAX / 2 / sizeof(Elf64_Sym) * sizeof(Elf64_Sym);
	const Elf64_Shdr header = symbols(2, size);
	char *bytes = malloc(size);
	int fd = elf_image(&header, 1);
	uint64_t offset;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 0x02, size);
	put(fd, bytes, size, ELF_IMAGE_DATA);
	free(bytes);
	assert_int_equal(elf_symbol_offset(fd, "\2\2\2\2\2\2\2\2", &offset), -ENOENT);
	close(fd);
}

static int with_note_segments(size_t n, uint64_t size)
{
	const Elf64_Ehdr header = elf_image_header(n, 2);
	const Elf64_Phdr notes = {.p_type = PT_NOTE, .p_offset = ELF_IMAGE_DATA, .p_filesz = size};
	struct {
		Elf64_Nhdr note;
		char name[4], id[4];
	} note = {{4, 4, NT_GNU_BUILD_ID}, "GNU", "1234"};
	int fd = elf_image(NULL, 0);

	put(fd, &header, sizeof(header), 0);
	for (size_t i = 0; i < n; i++)
		put(fd, &notes, sizeof(notes), header.e_phoff + i * sizeof(notes));
	put(fd, &note, sizeof(note), ELF_IMAGE_DATA + size - sizeof(note));
	return fd;
}

static void test_build_ids(void **state)
{
	static const struct {
		size_t segments;
		uint64_t size;
		int err;
	} files[] = {
		{1, 20, 4},
		{3, 16, -ENOENT},
		{ELF_FILE_SEGMENTS_MAX, 4092, -ENOENT},
		{ELF_FILE_SEGMENTS_MAX, 65536, -EFBIG},
		{ELF_FILE_SEGMENTS_MAX + 1, 20, -ENOENT},
		{1, ELF_FILE_READ_MAX + 1, -EFBIG},
	};
	unsigned char id[ELF_BUILD_ID_MAX];
	uint64_t bias;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int fd = with_note_segments(files[i].segments, files[i].size);

		if (files[i].size == 16) /* the note goes on behind its segment */
			assert_int_equal(ftruncate(fd, ELF_IMAGE_DATA + 16), 0);
		assert_int_equal(elf_build_id(fd, id, sizeof(id)), files[i].err);
		assert_int_equal(elf_load_bias(fd, 0x1000, 0x1000, &bias), -ENOENT);
		close(fd);
	}
}

static int limit_cpu(void **state)
{
	const struct rlimit limit = {CPU_SECONDS, CPU_SECONDS};

	(void)state;
	return setrlimit(RLIMIT_CPU, &limit);
}

static int had_little_memory(void **state)
{
	struct rusage usage;

	(void)state;
	return getrusage(RUSAGE_SELF, &usage) || usage.ru_maxrss > MEMORY_KIB ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_same_range_in_many_sections),
		cmocka_unit_test(test_notes_that_are_not_there),
		cmocka_unit_test(test_many_sections_without_base),
		cmocka_unit_test(test_names_without_end),
		cmocka_unit_test(test_extended_numbering),
		cmocka_unit_test(test_compressed),
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_symbols_without_end),
		cmocka_unit_test(test_build_ids),
	};

	return cmocka_run_group_tests(tests, limit_cpu, had_little_memory);
}
