// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/elf_file.c user/collector/target/elf_frames.c */
/* link: user/collector/target/function_exits.c */
/*
 * The bounds of functions, and their exits: an ELF file whose .eh_frame is one part of the input,
 * and whose code is the other. The input begins with how long the first is.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/target/elf_file.h"
#include "collector/target/elf_frames.h"
#include "collector/target/function_exits.h"
#include "fuzz.h"

/* Parts of a function may overlap, and each is disassembled: as many times as there may be parts.
 */
const struct fuzz_bounds fuzz_bounds = {
	.cpu_ns = {1000000000, 2000000},
	.allocated = {4 << 20, 4096},
	.taken = {65536, 256},
};

#define DATA_AT 1024
#define ADDRESS 0x10000
static const char names[] = "\0.eh_frame\0.shstrtab";

struct image {
	Elf64_Ehdr header;
	Elf64_Phdr load;
	Elf64_Shdr section[3];
	char names[sizeof(names)];
};

static int make_file(const uint8_t *data, size_t size, size_t frames)
{
	struct image image = {
		.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				       EV_CURRENT},
			   .e_type = ET_DYN,
			   .e_machine = EM_X86_64,
			   .e_version = EV_CURRENT,
			   .e_phoff = offsetof(struct image, load),
			   .e_shoff = offsetof(struct image, section),
			   .e_ehsize = sizeof(Elf64_Ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 1,
			   .e_shentsize = sizeof(Elf64_Shdr),
			   .e_shnum = 3,
			   .e_shstrndx = 2},
		.load = {.p_type = PT_LOAD,
			 .p_flags = PF_R | PF_X,
			 .p_offset = DATA_AT,
			 .p_vaddr = ADDRESS,
			 .p_filesz = size,
			 .p_memsz = size},
		.section = {{0},
			    {.sh_name = 1,
			     .sh_type = SHT_PROGBITS,
			     .sh_addr = ADDRESS,
			     .sh_offset = DATA_AT,
			     .sh_size = frames},
			    {.sh_name = 11,
			     .sh_type = SHT_STRTAB,
			     .sh_offset = offsetof(struct image, names),
			     .sh_size = sizeof(names)}},
	};
	int fd = memfd_create("elf", MFD_CLOEXEC);

	memcpy(image.names, names, sizeof(names));
	fuzz_check(fd >= 0 && pwrite(fd, &image, sizeof(image), 0) == (ssize_t)sizeof(image) &&
		   pwrite(fd, data, size, DATA_AT) == (ssize_t)size);
	return fd;
}

static void check_exits(const struct elf_file *file, const struct elf_frames *frames,
			const struct elf_frame *function)
{
	struct function_exits exits;
	uint64_t offset;
	int err = function_exits_find(file, frames, function, &exits);

	fuzz_check(exits.count <= FUNCTION_EXITS_MAX);
	fuzz_check(err ? *exits.problem : exits.count > 0);
	for (size_t i = 0; !err && i < exits.count; i++)
		fuzz_check(elf_file_offset_of(file, exits.address[i], 1, PF_X, &offset));
}

void fuzz_one(const uint8_t *data, size_t size)
{
	size_t frames_size = fuzz_byte(&data, &size) * 16;
	struct elf_frames frames;
	struct elf_file file;
	int fd;

	frames_size = frames_size < size ? frames_size : size;
	fd = make_file(data, size, frames_size);
	fuzz_check(elf_file_open(&file, fd) == 0);
	if (elf_frames_read(&file, &frames) == 0) {
		for (size_t i = 0; i < frames.count && i < 4; i++) {
			fuzz_check(!i || frames.frame[i - 1].address <= frames.frame[i].address);
			check_exits(&file, &frames, &frames.frame[i]);
		}
		fuzz_check(!elf_frames_find(&frames, 0) || frames.frame[0].address == 0);
		elf_frames_free(&frames);
	}
	check_exits(&file, &(struct elf_frames){0},
		    &(struct elf_frame){ADDRESS + frames_size, size - frames_size});
	elf_file_close(&file);
	close(fd);
}

void fuzz_seeds(void)
{
	/* A CIE "zR" with pcrel sdata4, an FDE for what follows, the end, and code. */
	static const unsigned char seed[] =
		"\x03"
		"\x14\0\0\0\0\0\0\0\x01zR\0\x01\x78\x10\x01\x1b\x0c\x07\x08\x90\x01\0\0"
		"\x10\0\0\0\x1c\0\0\0\x10\0\0\0\x10\0\0\0\0\0\0\0"
		"\x85\xff\x74\x01\xc3\x31\xc0\xc3\xeb\xf6\xff\xe0\xc3\x90\x90\xc3";

	fuzz_seed("frames", seed, sizeof(seed) - 1);
}
