// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/elf_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define NATIVE_MACHINE EM_AARCH64
#else
#error "this machine is not supported"
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_DATA ELFDATA2LSB
#else
#define NATIVE_DATA ELFDATA2MSB
#endif

bool elf_file_read(const struct elf_file *file, void *to, size_t size, uint64_t offset)
{
	if (offset > INT64_MAX - size)
		return false;
	return pread(file->fd, to, size, (off_t)offset) == (ssize_t)size;
}

/* More sections than the header can count ("extended numbering") are found only in object files. */
static int check_header(const Elf64_Ehdr *header)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != NATIVE_DATA ||
	    header->e_machine != NATIVE_MACHINE ||
	    (header->e_type != ET_EXEC && header->e_type != ET_DYN) || header->e_phnum == 0 ||
	    header->e_phnum > ELF_FILE_SEGMENTS_MAX || header->e_phentsize != sizeof(Elf64_Phdr))
		return -ENOENT;
	if (header->e_shoff == 0)
		return 0;
	if (header->e_shnum == 0 || header->e_shentsize != sizeof(Elf64_Shdr))
		return -ENOENT;
	return header->e_shnum <= ELF_FILE_SECTIONS_MAX ? 0 : -EFBIG;
}

/* The file may have changed: libelf may have read another header than the one we checked. */
static int read_headers(struct elf_file *file)
{
	const Elf64_Ehdr *header = elf64_getehdr(file->elf);
	size_t sections = 0;
	int err;

	if (elf_kind(file->elf) != ELF_K_ELF || gelf_getclass(file->elf) != ELFCLASS64 || !header)
		return -ENOENT;
	err = check_header(header);
	if (err)
		return err;
	if (elf_getshdrnum(file->elf, &sections) || sections > ELF_FILE_SECTIONS_MAX)
		return -ENOENT;
	file->segment = elf64_getphdr(file->elf);
	if (!file->segment || elf_getphdrnum(file->elf, &file->segments) ||
	    file->segments > ELF_FILE_SEGMENTS_MAX)
		return -ENOENT;
	return 0;
}

int elf_file_open(struct elf_file *file, int fd)
{
	Elf64_Ehdr header;
	int err;

	*file = (struct elf_file){.fd = fd, .left = ELF_FILE_READ_MAX};
	/* Before libelf reads it, which allocates room for as many sections as the file claims. */
	if (!elf_file_read(file, &header, sizeof(header), 0))
		return -ENOENT;
	err = check_header(&header);
	if (err)
		return err;
	elf_version(EV_CURRENT);
	/* ELF_C_READ: with a mapping, a file that is cut short meanwhile would raise SIGBUS. */
	file->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!file->elf)
		return elf_errno() == ENOMEM ? -ENOMEM : -ENOENT;
	err = read_headers(file);
	if (err)
		elf_file_close(file);
	return err;
}

void elf_file_close(struct elf_file *file)
{
	elf_end(file->elf);
	*file = (struct elf_file){.fd = -1};
}

static int take(struct elf_file *file, uint64_t size)
{
	if (size > file->left)
		return -EFBIG;
	file->left -= size;
	return 0;
}

int elf_file_section(struct elf_file *file, Elf_Scn *section, const Elf_Data **data)
{
	const Elf64_Shdr *header = section ? elf64_getshdr(section) : NULL;
	int err;

	/* libelf would unpack a compressed section, however large it becomes. */
	if (!header || header->sh_type == SHT_NOBITS || header->sh_flags & SHF_COMPRESSED)
		return -ENOENT;
	err = take(file, header->sh_size);
	if (err)
		return err;
	*data = elf_getdata(section, NULL);
	return *data && (*data)->d_buf ? 0 : -ENOENT;
}

int elf_file_note_segment(struct elf_file *file, size_t i, const Elf_Data **data)
{
	const Elf64_Phdr *segment = &file->segment[i];
	int err = take(file, segment->p_filesz);

	if (err)
		return err;
	if (segment->p_offset > INT64_MAX)
		return -ENOENT;
	*data = elf_getdata_rawchunk(file->elf, (int64_t)segment->p_offset, segment->p_filesz,
				     segment->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	return *data && (*data)->d_buf ? 0 : -ENOENT;
}

int elf_file_read_names(struct elf_file *file)
{
	const Elf_Data *data;
	size_t index;
	int err;

	if (elf_getshdrstrndx(file->elf, &index))
		return -ENOENT;
	err = elf_file_section(file, elf_getscn(file->elf, index), &data);
	if (err)
		return err;
	file->names = data->d_buf;
	file->names_size = data->d_size;
	return 0;
}

bool elf_file_is_string(const char *strings, size_t size, size_t at, const char *string)
{
	size_t length = strlen(string);

	return at < size && length < size - at && memcmp(strings + at, string, length + 1) == 0;
}

Elf_Scn *elf_file_next(const struct elf_file *file, Elf_Scn *from, uint32_t type, const char *name)
{
	const Elf64_Shdr *header;

	while ((from = elf_nextscn(file->elf, from))) {
		header = elf64_getshdr(from);
		if (header && header->sh_type == type &&
		    (!name ||
		     elf_file_is_string(file->names, file->names_size, header->sh_name, name)))
			return from;
	}
	return NULL;
}

bool elf_file_offset_of(const struct elf_file *file, uint64_t address, uint64_t size,
			uint32_t flags, uint64_t *offset)
{
	for (size_t i = 0; i < file->segments; i++) {
		const Elf64_Phdr *load = &file->segment[i];
		uint64_t into = address - load->p_vaddr;

		if (load->p_type != PT_LOAD || address < load->p_vaddr ||
		    (load->p_flags & flags) != flags)
			continue;
		if (into >= load->p_filesz || load->p_filesz - into < size ||
		    load->p_offset > (uint64_t)INT64_MAX - into)
			continue;
		*offset = load->p_offset + into;
		return true;
	}
	return false;
}
