// SPDX-License-Identifier: BSD-2-Clause
/* The form is that of the LSB's "Exception Frames": DWARF's, with pointers of several kinds. */
#include "collector/target/elf_frames.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/base/array.h"

/* DW_EH_PE_*: how a pointer is stored, and what it is relative to. */
#define ENCODING_FORM 0x0f
#define ENCODING_RELATIVE 0x70
#define ENCODING_TO_ITSELF 0x10

/* What is left of an entry. */
struct bytes {
	const uint8_t *at;
	const uint8_t *end;
};

static bool take(struct bytes *from, void *to, size_t size)
{
	if ((size_t)(from->end - from->at) < size)
		return false;
	memcpy(to, from->at, size);
	from->at += size;
	return true;
}

static bool take_leb(struct bytes *from, uint64_t *value)
{
	uint8_t byte;
	unsigned int shift = 0;

	*value = 0;
	do {
		if (!take(from, &byte, 1))
			return false;
		if (shift < 64)
			*value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return true;
}

static bool take_form(struct bytes *from, uint8_t encoding, uint64_t *value)
{
	uint32_t wide;
	uint16_t narrow;

	switch (encoding & ENCODING_FORM) {
	case 0x00: /* absptr */
	case 0x04: /* udata8 */
	case 0x0c: /* sdata8 */
		return take(from, value, sizeof(*value));
	case 0x03: /* udata4 */
		*value = 0;
		return take(from, value, sizeof(wide));
	case 0x0b: /* sdata4 */
		if (!take(from, &wide, sizeof(wide)))
			return false;
		*value = (uint64_t)(int64_t)(int32_t)wide;
		return true;
	case 0x0a: /* sdata2 */
		if (!take(from, &narrow, sizeof(narrow)))
			return false;
		*value = (uint64_t)(int64_t)(int16_t)narrow;
		return true;
	default:
		return false;
	}
}

/* The encoding of addresses, from the entry that those of functions refer to (CIE). */
static bool find_encoding(struct bytes cie, uint8_t *encoding)
{
	const char *augmentation;
	uint64_t number;
	uint8_t version, byte;
	const uint8_t *nul;

	if (!take(&cie, &version, 1) || (version != 1 && version != 3))
		return false;
	augmentation = (const char *)cie.at;
	nul = memchr(cie.at, 0, (size_t)(cie.end - cie.at));
	if (!nul)
		return false;
	cie.at = nul + 1;
	*encoding = 0;
	if (*augmentation != 'z')
		return *augmentation == '\0';
	if (!take_leb(&cie, &number) || !take_leb(&cie, &number) ||
	    !(version == 1 ? take(&cie, &byte, 1) : take_leb(&cie, &number)) ||
	    !take_leb(&cie, &number))
		return false;
	for (augmentation++; *augmentation; augmentation++) {
		if (*augmentation == 'R')
			return take(&cie, encoding, 1);
		if (*augmentation == 'P' &&
		    (!take(&cie, &byte, 1) || !take_form(&cie, byte, &number)))
			return false;
		if (*augmentation == 'L' && !take(&cie, &byte, 1))
			return false;
	}
	return true;
}

/* What is in .eh_frame, which is at @address. */
struct section {
	const uint8_t *data;
	size_t size;
	uint64_t address;
};

/* Takes the next entry. Returns false at the end. */
static bool next_entry(const struct section *s, size_t *at, struct bytes *entry)
{
	uint32_t length;

	if (s->size - *at < sizeof(length))
		return false;
	memcpy(&length, s->data + *at, sizeof(length));
	*at += sizeof(length);
	/* The form of 64 bits is for sections that are larger than what is read here. */
	if (length == 0 || length == UINT32_MAX || length > s->size - *at)
		return false;
	entry->at = s->data + *at;
	entry->end = entry->at + length;
	*at += length;
	return true;
}

static bool read_function(const struct section *s, struct bytes entry, uint32_t back,
			  struct elf_frame *frame)
{
	size_t field = (size_t)(entry.at - s->data) - sizeof(back), at, start;
	struct bytes cie;
	uint8_t encoding;
	uint32_t id;

	if (back > field)
		return false;
	at = field - back;
	if (!next_entry(s, &at, &cie) || !take(&cie, &id, sizeof(id)) || id != 0 ||
	    !find_encoding(cie, &encoding))
		return false;
	start = (size_t)(entry.at - s->data);
	if (!take_form(&entry, encoding, &frame->address) ||
	    !take_form(&entry, encoding & ENCODING_FORM, &frame->size))
		return false;
	if ((encoding & ENCODING_RELATIVE) == ENCODING_TO_ITSELF)
		frame->address += s->address + start;
	else if (encoding & ENCODING_RELATIVE)
		return false;
	return frame->size > 0;
}

static int by_address(const void *a, const void *b)
{
	const struct elf_frame *left = a, *right = b;

	return (left->address > right->address) - (left->address < right->address);
}

static int read_section(const struct section *s, struct elf_frames *frames)
{
	struct elf_frame frame;
	struct bytes entry;
	uint32_t back;
	size_t at = 0;

	while (next_entry(s, &at, &entry)) {
		if (!take(&entry, &back, sizeof(back)) || back == 0 ||
		    !read_function(s, entry, back, &frame))
			continue;
		if (array_reserve(frames->frame, frames->room, frames->count + 1))
			return -ENOMEM;
		frames->frame[frames->count++] = frame;
	}
	if (frames->count)
		qsort(frames->frame, frames->count, sizeof(frame), by_address);
	return frames->count ? 0 : -ENOENT;
}

int elf_frames_read(struct elf_file *file, struct elf_frames *frames)
{
	struct section s = {0};
	const Elf_Data *data;
	Elf_Scn *section;
	int err;

	*frames = (struct elf_frames){0};
	err = file->names ? 0 : elf_file_read_names(file);
	if (err)
		return err;
	/* Some linkers give it a type of its own. */
	section = elf_file_next(file, NULL, SHT_PROGBITS, ".eh_frame");
	section = section ? section : elf_file_next(file, NULL, SHT_X86_64_UNWIND, ".eh_frame");
	if (!section)
		return -ENOENT;
	err = elf_file_section(file, section, &data);
	if (err)
		return err;
	s.data = data->d_buf;
	s.size = data->d_size;
	s.address = elf64_getshdr(section)->sh_addr;
	err = read_section(&s, frames);
	if (err)
		elf_frames_free(frames);
	return err;
}

void elf_frames_free(struct elf_frames *frames)
{
	free(frames->frame);
	*frames = (struct elf_frames){0};
}

const struct elf_frame *elf_frames_find(const struct elf_frames *frames, uint64_t address)
{
	size_t low = 0, high = frames->count;

	/* The last one that begins at @address or before. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (frames->frame[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - frames->frame[low - 1].address >= frames->frame[low - 1].size)
		return NULL;
	return &frames->frame[low - 1];
}
