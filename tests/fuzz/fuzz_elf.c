// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/elf_probes.c user/collector/target/elf_places.c */
/* link: user/collector/target/elf_file.c user/collector/target/elf_notes.c */
/* link: user/collector/target/elf_stripped.c */
/*
 * An ELF file. Of a first byte 'f' what follows is the file; of any other it is changes to a good
 * one: bytes put somewhere, a number of times one behind the other, so that few bytes make
 * thousands of sections, symbols or notes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/target/elf_file.h"
#include "collector/target/elf_places.h"
#include "collector/target/elf_probes.h"
#include "collector/target/elf_stripped.h"
#include "fuzz.h"
#include "tests/unit/elf_image.h"

/*
 * As much as elf_file.h says, by each of five that read it, and libelf's own 300 bytes for each of
 * the sections. Of what it reads only the looks at nops are counted as taken.
 */
const struct fuzz_bounds fuzz_bounds = {
	.cpu_ns = {1000000000, 1000},
	.allocated = {5 * (ELF_FILE_READ_MAX + ELF_FILE_SECTIONS_MAX * 400), 16},
	.taken = {65536, 0},
};

#define FILE_MAX (64u << 20)

struct change {
	uint32_t at;
	uint16_t times;
	uint8_t size;
} __attribute__((packed));

static const uint8_t *apply(int fd, const uint8_t *data, size_t *size)
{
	struct change change;
	uint8_t *bytes;

	memcpy(&change, data, sizeof(change));
	data += sizeof(change);
	*size -= sizeof(change);
	change.size = change.size < *size ? change.size : (uint8_t)*size;
	bytes = malloc((size_t)change.times * change.size + 1);
	fuzz_check(bytes);
	for (size_t i = 0; i < change.times; i++)
		memcpy(bytes + i * change.size, data, change.size);
	fuzz_check(
		elf_image_put(fd, bytes, (size_t)change.times * change.size, change.at % FILE_MAX));
	free(bytes);
	*size -= change.size;
	return data + change.size;
}

static int changed_image(const uint8_t *data, size_t size)
{
	const struct elf_image_note note = elf_image_note(ELF_IMAGE_NOP);
	const Elf64_Shdr section[] = {
		elf_image_notes(sizeof(note)),
		{.sh_name = ELF_IMAGE_NAME_OTHER,
		 .sh_type = SHT_DYNSYM,
		 .sh_offset = ELF_IMAGE_DATA,
		 .sh_size = 24 * 10,
		 .sh_link = 1,
		 .sh_entsize = 24},
	};
	int fd = elf_image(section, 2);

	fuzz_check(fd >= 0 && elf_image_put(fd, &note, sizeof(note), ELF_IMAGE_DATA));
	while (size > sizeof(struct change))
		data = apply(fd, data, &size);
	return fd;
}

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	fuzz_check(fd >= 0 && elf_image_put(fd, data, size, 0));
	return fd;
}

static void check_probes(int fd, const struct elf_probes *probes, int err)
{
	unsigned char code[sizeof(ELF_IMAGE_CODE) - 1];

	fuzz_check((err == 0) == (probes->copies != 0) && probes->copies <= ELF_PROBES_COPIES_MAX);
	fuzz_check(err != -EBADMSG || *elf_reason_text(probes->reason));
	for (size_t i = 0; i < probes->copies; i++) {
		const struct elf_probes_copy *copy = &probes->copy[i];

		fuzz_check(copy->present && copy->present < 1u << FLIGHTREC_PROBES);
		for (unsigned int p = 0; p < FLIGHTREC_PROBES; p++) {
			if (!(copy->present & 1u << p))
				continue;
			fuzz_check(pread(fd, code, sizeof(code), (off_t)copy->probe[p].offset) ==
				   (ssize_t)sizeof(code));
			fuzz_check(memcmp(code, ELF_IMAGE_CODE, sizeof(code)) == 0);
		}
	}
}

void fuzz_one(const uint8_t *data, size_t size)
{
	int fd = size && *data == 'f' ? file_of(data + 1, size - 1) : changed_image(data, size);
	unsigned char id[ELF_BUILD_ID_MAX];
	struct elf_probes probes;
	uint64_t offset = 0;
	int err;

	err = elf_probes_find(fd, &probes);
	check_probes(fd, &probes, err);
	err = elf_symbol_offset(fd, "probe", &offset);
	fuzz_check(err <= 0 && offset <= INT64_MAX);
	fuzz_check(elf_build_id(fd, id, sizeof(id)) <= (int)sizeof(id));
	fuzz_check(elf_load_bias(fd, 0x7f0000000000, 0x1000, &offset) <= 0);
	fuzz_check(!(elf_stripped_of_notes(fd) && probes.copies));
	close(fd);
}

/* ---- seeds ---- */

struct seed {
	uint8_t bytes[4096];
	size_t size;
};

static void change(struct seed *seed, uint64_t at, uint16_t times, const void *bytes, uint8_t size)
{
	const struct change change = {(uint32_t)at, times, size};

	memcpy(seed->bytes + seed->size, &change, sizeof(change));
	memcpy(seed->bytes + seed->size + sizeof(change), bytes, size);
	seed->size += sizeof(change) + size;
}

static void seed_sections(const char *name, const Elf64_Shdr *section, uint16_t n,
			  const struct elf_image_note *note, uint16_t notes)
{
	const Elf64_Ehdr header = elf_image_header(2, n + 2u);
	struct seed seed = {.size = 0};

	change(&seed, 0, 1, &header, sizeof(header));
	change(&seed, ELF_IMAGE_SECTIONS + 2 * sizeof(*section), n, section, sizeof(*section));
	change(&seed, ELF_IMAGE_DATA, notes, note, sizeof(*note));
	fuzz_seed(name, seed.bytes, seed.size);
}

void fuzz_seeds(void)
{
	const struct elf_image_note good = elf_image_note(ELF_IMAGE_NOP);
	const struct elf_image_note nowhere = elf_image_note(ELF_IMAGE_NOP + 8);
	Elf64_Shdr notes = elf_image_notes(sizeof(good) * 200);
	Elf64_Shdr symbols = {.sh_type = SHT_SYMTAB,
			      .sh_offset = ELF_IMAGE_DATA,
			      .sh_size = 24 * 10000,
			      .sh_link = 2,
			      .sh_entsize = 24};
	const char letters[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	struct seed seed = {.size = 0};

	seed_sections("good", &notes, 1, &good, 200);
	seed_sections("nowhere", &notes, 1, &nowhere, 200);
	notes.sh_size = 1024;
	seed_sections("same-range", &notes, 1000, &good, 1);
	notes.sh_size = 16u << 20;
	seed_sections("large", &notes, 200, &good, 1);
	seed_sections("symbols", &symbols, 1, &good, 4000);
	change(&seed, ELF_IMAGE_NAMES, 200, letters, sizeof(letters) - 1);
	fuzz_seed("names", seed.bytes, seed.size);
}
