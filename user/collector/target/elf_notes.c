// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/elf_notes.h"

#include <errno.h>
#include <string.h>

#define NT_STAPSDT 3

static uint64_t load64(const char *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* Takes a NUL-terminated string off the front of *@at. */
static const char *take_string(const char **at, const char *end)
{
	const char *start = *at, *nul;

	nul = start < end ? memchr(start, 0, (size_t)(end - start)) : NULL;
	if (!nul)
		return NULL;
	*at = nul + 1;
	return start;
}

/*
 * Prelink moves a file's addresses but not those in notes; the note's idea of where
 * .stapsdt.base stands, against where it stands now, gives the difference.
 */
static bool parse_note(const char *bytes, size_t size, const Elf64_Shdr *base,
		       struct probe_note *note)
{
	const char *at = bytes + 3 * sizeof(uint64_t), *end = bytes + size;
	uint64_t moved;

	if (size < 3 * sizeof(uint64_t))
		return false;
	note->provider = take_string(&at, end);
	note->name = note->provider ? take_string(&at, end) : NULL;
	note->arguments = note->name ? take_string(&at, end) : NULL;
	if (!note->arguments)
		return false;
	moved = base && load64(bytes + 8) ? base->sh_addr - load64(bytes + 8) : 0;
	note->address = load64(bytes) + moved;
	note->semaphore = load64(bytes + 16);
	if (note->semaphore)
		note->semaphore += moved;
	return true;
}

static int notes_in(const Elf_Data *data, const Elf64_Shdr *base,
		    int (*fn)(void *arg, const struct probe_note *note), void *arg)
{
	const char *bytes = data->d_buf;
	size_t at = 0, name, desc;
	struct probe_note note;
	GElf_Nhdr header;
	int ret;

	while (at < data->d_size &&
	       (at = gelf_getnote((Elf_Data *)data, at, &header, &name, &desc)) > 0) {
		if (header.n_type != NT_STAPSDT || header.n_namesz != sizeof("stapsdt") ||
		    memcmp(bytes + name, "stapsdt", sizeof("stapsdt")) != 0 ||
		    !parse_note(bytes + desc, header.n_descsz, base, &note))
			continue;
		ret = fn(arg, &note);
		if (ret)
			return ret;
	}
	return 0;
}

int elf_notes_each(struct elf_file *file, int (*fn)(void *arg, const struct probe_note *note),
		   void *arg)
{
	const Elf64_Shdr *base;
	const Elf_Data *data;
	Elf_Scn *section;
	int err = elf_file_read_names(file);

	if (err)
		return err;
	section = elf_file_next(file, NULL, SHT_PROGBITS, ".stapsdt.base");
	base = section ? elf64_getshdr(section) : NULL;
	section = NULL;
	while ((section = elf_file_next(file, section, SHT_NOTE, ".note.stapsdt"))) {
		err = elf_file_section(file, section, &data);
		if (!err)
			err = notes_in(data, base, fn, arg);
		else if (err == -ENOENT)
			err = 0;
		if (err)
			return err;
	}
	return 0;
}
