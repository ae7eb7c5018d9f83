// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/elf_stripped.h"

#include "collector/target/elf_file.h"

bool elf_stripped_of_notes(int fd)
{
	struct elf_file file;
	bool stripped;

	if (elf_file_open(&file, fd))
		return false;
	stripped = elf_file_read_names(&file) == 0 &&
		   elf_file_next(&file, NULL, SHT_PROGBITS, ".stapsdt.base") &&
		   elf_file_next(&file, NULL, SHT_PROGBITS, ".probes") &&
		   !elf_file_next(&file, NULL, SHT_NOTE, ".note.stapsdt");
	elf_file_close(&file);
	return stripped;
}
