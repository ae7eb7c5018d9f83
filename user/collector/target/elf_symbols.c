// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/elf_symbols.h"

#include <errno.h>
#include <string.h>

/* A table of symbols, and what they are called. */
struct table {
	const Elf64_Sym *symbol;
	size_t count;
	const char *names;
	size_t names_size;
};

static const uint32_t types[] = {SHT_DYNSYM, SHT_SYMTAB};
#define TYPES (sizeof(types) / sizeof(types[0]))

static int read_table(struct elf_file *file, uint32_t type, struct table *table)
{
	Elf_Scn *section = elf_file_next(file, NULL, type, NULL);
	const Elf64_Shdr *header = section ? elf64_getshdr(section) : NULL;
	const Elf_Data *symbols, *strings;
	int err;

	if (!header || header->sh_entsize != sizeof(Elf64_Sym))
		return -ENOENT;
	err = elf_file_section(file, section, &symbols);
	err = err ? err : elf_file_section(file, elf_getscn(file->elf, header->sh_link), &strings);
	if (err)
		return err;
	*table = (struct table){.symbol = symbols->d_buf,
				.count = symbols->d_size / sizeof(Elf64_Sym),
				.names = strings->d_buf,
				.names_size = strings->d_size};
	return 0;
}

int elf_symbol_find(struct elf_file *file, const char *name, struct elf_symbol *symbol)
{
	int err = -ENOENT;

	for (size_t i = 0; i < TYPES; i++) {
		struct table table;
		int found = read_table(file, types[i], &table);

		err = found == -EFBIG ? found : err;
		for (size_t k = 0; !found && k < table.count; k++) {
			const Elf64_Sym *s = &table.symbol[k];

			if (s->st_shndx == SHN_UNDEF ||
			    !elf_file_is_string(table.names, table.names_size, s->st_name, name))
				continue;
			*symbol = (struct elf_symbol){s->st_value, s->st_size,
						      ELF64_ST_TYPE(s->st_info)};
			return 0;
		}
	}
	return err;
}

void elf_functions_each(struct elf_file *file, size_t most, void (*fn)(void *arg, const char *name),
			void *arg)
{
	for (size_t i = 0; i < TYPES; i++) {
		struct table table;

		if (read_table(file, types[i], &table))
			continue;
		for (size_t k = 0; most && k < table.count; k++) {
			const Elf64_Sym *s = &table.symbol[k];

			if (s->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(s->st_info) != STT_FUNC ||
			    s->st_name >= table.names_size ||
			    !memchr(table.names + s->st_name, 0, table.names_size - s->st_name))
				continue;
			most--;
			fn(arg, table.names + s->st_name);
		}
	}
}
