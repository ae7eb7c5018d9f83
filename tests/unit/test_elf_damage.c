// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/elf_probes.c user/collector/target/elf_places.c */
/* link: user/collector/target/elf_file.c user/collector/target/elf_notes.c */
/* libs: libelf */
/* ELF files that are cut short, damaged, or moved. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/elf_places.h"
#include "collector/target/elf_probes.h"
#include "elf_samples.h"
#include "flightrec/probes.h"

struct image {
	unsigned char *bytes;
	size_t size;
};

static struct image load(const char *name)
{
	struct image image = {NULL, 0};
	struct stat st;
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	image.size = (size_t)st.st_size;
	image.bytes = malloc(image.size);
	assert_non_null(image.bytes);
	assert_int_equal(read(fd, image.bytes, image.size), image.size);
	close(fd);
	return image;
}

/* Calls everything for a file of these bytes. Whatever is returned must be true. */
static int examine(const unsigned char *bytes, size_t size, struct elf_probes *probes)
{
	int fd = memfd_create("image", MFD_CLOEXEC), err;
	unsigned char id[ELF_BUILD_ID_MAX];
	uint64_t offset = 0, bias;
	unsigned p;
	size_t i;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	err = elf_probes_find(fd, probes);
	assert_true(err == 0 || err == -ENOENT || err == -EBADMSG || err == -ENOMEM);
	assert_true((err == 0) == (probes->copies > 0));
	assert_true(err != -EBADMSG || *elf_reason_text(probes->reason));
	for (i = 0; i < probes->copies; i++) {
		assert_true(probes->copy[i].present);
		for (p = 0; p < FLIGHTREC_PROBES; p++) {
			if (!(probes->copy[i].present & 1u << p))
				continue;
			assert_true(probes->copy[i].probe[p].offset < size);
		}
	}
	if (elf_symbol_offset(fd, "probe_begin_one", &offset) == 0)
		assert_true(offset <= INT64_MAX);
	assert_true(elf_build_id(fd, id, sizeof(id)) <= (int)sizeof(id));
	(void)elf_load_bias(fd, 0x10000, 0x1000, &bias);
	close(fd);
	return err;
}

static void test_cut_short(void **state)
{
	struct elf_probes probes;
	struct image image;
	size_t size;

	(void)state;
	assert_true(build("file", "-shared -fPIC -Wl,--build-id"));
	image = load("file");
	for (size = 0; size < image.size; size += 64)
		assert_int_not_equal(examine(image.bytes, size, &probes), 0);
	assert_int_equal(examine(image.bytes, image.size, &probes), 0);
	free(image.bytes);
}

/* The start of the next note's descriptor, or 0. */
static size_t next_note(const struct image *image, size_t from)
{
	static const char name[] = "stapsdt", provider[] = "flightrec";

	for (; from + 64 < image->size; from++) {
		if (memcmp(image->bytes + from, name, sizeof(name)) == 0 &&
		    memcmp(image->bytes + from + 32, provider, sizeof(provider)) == 0)
			return from + sizeof(name);
	}
	return 0;
}

static void flip(struct image *image, size_t first, size_t size, unsigned rounds)
{
	struct elf_probes probes;
	unsigned char saved[8];
	size_t at[8];
	unsigned i, n;

	assert_true(first + size <= image->size);
	while (rounds--) {
		n = 1 + (unsigned)random() % 8;
		for (i = 0; i < n; i++) {
			at[i] = first + (size_t)random() % size;
			saved[i] = image->bytes[at[i]];
			image->bytes[at[i]] = random() % 4 ? (unsigned char)random() : 0xff;
		}
		examine(image->bytes, image->size, &probes);
		while (n--)
			image->bytes[at[n]] = saved[n];
	}
}

static void test_damaged(void **state)
{
	struct elf_probes probes;
	struct image image;
	Elf64_Ehdr header;
	size_t note;

	(void)state;
	srandom(1);
	assert_true(build("file", "-shared -fPIC -Wl,--build-id"));
	image = load("file");
	memcpy(&header, image.bytes, sizeof(header));
	note = next_note(&image, 0);
	assert_true(note > 20);
	flip(&image, note - 20, 7 * 100, 4000);
	flip(&image, 0, sizeof(header), 1000);
	flip(&image, header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr), 2000);
	flip(&image, header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr), 4000);
	flip(&image, 0, image.size, 2000);
	assert_int_equal(examine(image.bytes, image.size, &probes), 0);
	free(image.bytes);
}

/* Prelink moves a file but not its notes, which is the same as moving notes the other way. */
static void test_prelinked(void **state)
{
	struct elf_probes expected, got;
	uint64_t field[3];
	struct image image;
	size_t note, i;

	(void)state;
	assert_true(build("file", "-shared -fPIC"));
	assert_int_equal(find("file", &expected), 0);
	image = load("file");
	for (note = 0; (note = next_note(&image, note));) {
		memcpy(field, image.bytes + note, sizeof(field));
		for (i = 0; i < 3; i++)
			field[i] -= 0x7000;
		memcpy(image.bytes + note, field, sizeof(field));
	}
	assert_int_equal(examine(image.bytes, image.size, &got), 0);
	assert_memory_equal(&got, &expected, sizeof(got));
	free(image.bytes);
}

/* A nop that cannot be executed is no probe. */
static void test_nop_in_data(void **state)
{
	struct elf_probes probes;
	struct image image;
	uint64_t address;
	size_t note;

	(void)state;
	assert_true(build("file", "-shared -fPIC"));
	assert_int_equal(find("file", &probes), 0);
	address = probes.copy[0].state + 40;
#if defined(__aarch64__)
	address += 4;
#endif
	image = load("file");
	for (note = 0; (note = next_note(&image, note));)
		memcpy(image.bytes + note, &address, sizeof(address));
	assert_int_equal(examine(image.bytes, image.size, &probes), -EBADMSG);
	assert_int_equal(probes.reason, ELF_REASON_NO_NOP);
	free(image.bytes);
}

/* The state must be in the file, to its last byte: the kernel counts semaphores by file offset. */
static void test_state_cut_off(void **state)
{
	struct elf_probes probes;
	struct image image;
	Elf64_Ehdr header;
	Elf64_Phdr phdr;
	uint64_t last;
	size_t at;

	(void)state;
	assert_true(build("file", "-shared -fPIC"));
	assert_int_equal(find("file", &probes), 0);
	last = probes.copy[0].state + sizeof(struct flightrec_state) - 1;
	image = load("file");
	memcpy(&header, image.bytes, sizeof(header));
	for (at = header.e_phoff;; at += sizeof(phdr)) {
		memcpy(&phdr, image.bytes + at, sizeof(phdr));
		if (phdr.p_type == PT_LOAD && last - phdr.p_vaddr < phdr.p_filesz)
			break;
	}
	phdr.p_filesz = last - phdr.p_vaddr + 1;
	memcpy(image.bytes + at, &phdr, sizeof(phdr));
	assert_int_equal(examine(image.bytes, image.size, &probes), 0);
	phdr.p_filesz--;
	memcpy(image.bytes + at, &phdr, sizeof(phdr));
	assert_int_equal(examine(image.bytes, image.size, &probes), -EBADMSG);
	assert_int_equal(probes.reason, ELF_REASON_SEMAPHORE);
	free(image.bytes);
}

/* A note that ends with its section, before what every note has. */
static void test_short_note(void **state)
{
	uint32_t size;
	struct elf_probes probes;
	struct image image;
	Elf64_Ehdr header;
	Elf64_Shdr shdr;
	size_t note, at;

	(void)state;
	assert_true(build("file", "-shared -fPIC"));
	image = load("file");
	memcpy(&header, image.bytes, sizeof(header));
	note = next_note(&image, next_note(&image, 0));
	for (at = header.e_shoff;; at += sizeof(shdr)) {
		memcpy(&shdr, image.bytes + at, sizeof(shdr));
		if (shdr.sh_type == SHT_NOTE && note - shdr.sh_offset < shdr.sh_size)
			break;
	}
	for (size = 0; size < 48; size += 4) {
		memcpy(image.bytes + note - 16, &size, sizeof(size)); /* n_descsz */
		shdr.sh_size = note - shdr.sh_offset + size;
		memcpy(image.bytes + at, &shdr, sizeof(shdr));
		assert_int_equal(examine(image.bytes, image.size, &probes), 0);
		assert_int_equal(probes.copy[0].present, 1u << FLIGHTREC_PROBE_BEGIN);
	}
	free(image.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_short),     cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_prelinked),     cmocka_unit_test(test_nop_in_data),
		cmocka_unit_test(test_state_cut_off), cmocka_unit_test(test_short_note),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
