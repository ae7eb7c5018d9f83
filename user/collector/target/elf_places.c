// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/elf_places.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "collector/target/elf_file.h"

static int symbol_in_section(struct elf_file *file, Elf_Scn *section, const char *name,
			     uint64_t *file_offset)
{
	const Elf64_Shdr *header = elf64_getshdr(section);
	const Elf_Data *symbols, *strings;
	int err;

	if (header->sh_entsize != sizeof(Elf64_Sym))
		return -ENOENT;
	err = elf_file_section(file, section, &symbols);
	err = err ? err : elf_file_section(file, elf_getscn(file->elf, header->sh_link), &strings);
	if (err)
		return err;
	for (size_t i = 0; i < symbols->d_size / sizeof(Elf64_Sym); i++) {
		const Elf64_Sym *symbol = (const Elf64_Sym *)symbols->d_buf + i;

		if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
		    elf_file_is_string(strings->d_buf, strings->d_size, symbol->st_name, name))
			return elf_file_offset_of(file, symbol->st_value, 1, PF_X, file_offset)
				       ? 0
				       : -EBADMSG;
	}
	return -ENOENT;
}

int elf_symbol_offset(int fd, const char *name, uint64_t *file_offset)
{
	static const uint32_t types[] = {SHT_DYNSYM, SHT_SYMTAB};
	struct elf_file file;
	Elf_Scn *section;
	int err;

	err = elf_file_open(&file, fd);
	if (err)
		return err;
	err = -ENOENT;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && err == -ENOENT; i++) {
		section = elf_file_next(&file, NULL, types[i], NULL);
		if (section)
			err = symbol_in_section(&file, section, name, file_offset);
	}
	elf_file_close(&file);
	return err;
}

/* Returns the id's size, or a negative errno. */
static int build_id_in_notes(const Elf_Data *notes, unsigned char *id, size_t size)
{
	const char *bytes = notes->d_buf;
	size_t at = 0, name, desc;
	GElf_Nhdr note;

	while (at < notes->d_size &&
	       (at = gelf_getnote((Elf_Data *)notes, at, &note, &name, &desc)) > 0) {
		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof("GNU") ||
		    memcmp(bytes + name, "GNU", sizeof("GNU")) != 0 || note.n_descsz == 0)
			continue;
		if (note.n_descsz > size)
			return -ENOSPC;
		memcpy(id, bytes + desc, note.n_descsz);
		return (int)note.n_descsz;
	}
	return -ENOENT;
}

int elf_build_id(int fd, unsigned char *id, size_t size)
{
	const Elf_Data *notes;
	struct elf_file file;
	int ret;

	ret = elf_file_open(&file, fd);
	if (ret)
		return ret;
	ret = -ENOENT;
	/* By segment rather than section, so that it is found in a file without section headers. */
	for (size_t i = 0; i < file.segments && ret == -ENOENT; i++) {
		if (file.segment[i].p_type != PT_NOTE)
			continue;
		ret = elf_file_note_segment(&file, i, &notes);
		if (!ret)
			ret = build_id_in_notes(notes, id, size);
	}
	elf_file_close(&file);
	return ret;
}

int elf_load_bias(int fd, uint64_t start, uint64_t file_offset, uint64_t *bias)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct elf_file file;
	uint64_t first;
	int err;

	err = elf_file_open(&file, fd);
	if (err)
		return err;
	err = -ENOENT;
	for (size_t i = 0; i < file.segments && err; i++) {
		const Elf64_Phdr *load = &file.segment[i];

		first = load->p_offset & ~(page - 1);
		if (load->p_type != PT_LOAD || !(load->p_flags & PF_X) || file_offset < first ||
		    file_offset - first >= load->p_filesz + (load->p_offset - first))
			continue;
		*bias = start - (load->p_vaddr + (file_offset - load->p_offset));
		err = 0;
	}
	elf_file_close(&file);
	return err;
}
