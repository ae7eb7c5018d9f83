// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/elf_probes.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flightrec.h"

#if defined(__x86_64__)
#define NATIVE_MACHINE EM_X86_64
static const unsigned char nop[] = {0x90};
#elif defined(__aarch64__)
#define NATIVE_MACHINE EM_AARCH64
static const unsigned char nop[] = {0x1f, 0x20, 0x03, 0xd5};
#else
#error "this machine is not supported"
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_DATA ELFDATA2LSB
#else
#define NATIVE_DATA ELFDATA2MSB
#endif

/* Bounds on what is read into memory for a file: far above anything real. */
#define NOTES_MAX (16u << 20)
#define STRINGS_MAX (64u << 20)
#define SYMBOLS_MAX (64u << 20)
#define SEGMENTS_MAX 1024

#define NT_STAPSDT 3
#define ARGUMENTS_MAX 6

const char *const elf_probe_name[FLIGHTREC_PROBES] = {
	[FLIGHTREC_PROBE_BEGIN] = "begin",     [FLIGHTREC_PROBE_ENTRY] = "entry",
	[FLIGHTREC_PROBE_END] = "end",         [FLIGHTREC_PROBE_EXTEND] = "extend",
	[FLIGHTREC_PROBE_CONTEXT] = "context", [FLIGHTREC_PROBE_REPLAY] = "replay",
};

static const unsigned argument_count[FLIGHTREC_PROBES] = {
	[FLIGHTREC_PROBE_BEGIN] = 5,  [FLIGHTREC_PROBE_ENTRY] = 6,   [FLIGHTREC_PROBE_END] = 2,
	[FLIGHTREC_PROBE_EXTEND] = 3, [FLIGHTREC_PROBE_CONTEXT] = 4, [FLIGHTREC_PROBE_REPLAY] = 2,
};

struct elf_file {
	int fd;
	Elf *elf;
	GElf_Phdr *load; /* its PT_LOADs */
	size_t loads;
};

/* A probe's note, adjusted for prelink. The strings lie in the note. */
struct probe_note {
	uint64_t address;
	uint64_t semaphore;
	const char *provider;
	const char *name;
	const char *arguments;
};

static void elf_file_close(struct elf_file *file)
{
	free(file->load);
	elf_end(file->elf);
}

static bool read_exactly(int fd, void *buffer, size_t size, uint64_t offset)
{
	if (offset > INT64_MAX - size)
		return false;
	return pread(fd, buffer, size, (off_t)offset) == (ssize_t)size;
}

/*
 * Looks at the header before libelf does: most files are refused here, and libelf would size its
 * tables by the section count of extended numbering, which a sparse file can make enormous. No
 * linked program has that many sections.
 */
static bool header_fits(int fd)
{
	Elf64_Ehdr header;

	return read_exactly(fd, &header, sizeof(header), 0) &&
	       memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
	       header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == NATIVE_DATA &&
	       header.e_machine == NATIVE_MACHINE &&
	       (header.e_type == ET_EXEC || header.e_type == ET_DYN) && header.e_phnum != 0 &&
	       header.e_phnum <= SEGMENTS_MAX && header.e_phentsize == sizeof(Elf64_Phdr) &&
	       (header.e_shoff == 0 ||
		(header.e_shnum != 0 && header.e_shentsize == sizeof(Elf64_Shdr)));
}

static int elf_file_open(struct elf_file *file, int fd)
{
	memset(file, 0, sizeof(*file));
	file->fd = fd;
	if (!header_fits(fd))
		return -ENOENT;
	elf_version(EV_CURRENT);
	/* ELF_C_READ: a file that is mapped and then cut short would raise SIGBUS. */
	file->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF) {
		elf_file_close(file);
		return -ENOENT;
	}
	return 0;
}

static int read_loads(struct elf_file *file)
{
	GElf_Phdr phdr;
	size_t count, i;

	if (file->load)
		return 0;
	if (elf_getphdrnum(file->elf, &count) || count > SEGMENTS_MAX)
		return -ENOENT;
	file->load = calloc(count ? count : 1, sizeof(*file->load));
	if (!file->load)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		if (gelf_getphdr(file->elf, (int)i, &phdr) && phdr.p_type == PT_LOAD)
			file->load[file->loads++] = phdr;
	}
	return 0;
}

/* The offset in the file of @size bytes at @address, in a PT_LOAD that has all of @flags. */
static bool address_to_offset(const struct elf_file *file, uint64_t address, uint64_t size,
			      uint32_t flags, uint64_t *offset)
{
	const GElf_Phdr *load;
	uint64_t into;
	size_t i;

	for (i = 0; i < file->loads; i++) {
		load = &file->load[i];
		into = address - load->p_vaddr;
		if (address < load->p_vaddr || (load->p_flags & flags) != flags)
			continue;
		if (into >= load->p_filesz || load->p_filesz - into < size ||
		    load->p_offset > (uint64_t)INT64_MAX - into)
			continue;
		*offset = load->p_offset + into;
		return true;
	}
	return false;
}

/* Finds the next section after @from, of @type and, unless it is NULL, called @name. */
static Elf_Scn *next_section(Elf *elf, Elf_Scn *from, uint32_t type, const char *name,
			     GElf_Shdr *shdr)
{
	GElf_Shdr strings;
	const char *found;
	size_t index;

	if (elf_getshdrstrndx(elf, &index) || !gelf_getshdr(elf_getscn(elf, index), &strings) ||
	    strings.sh_size > STRINGS_MAX)
		return NULL;
	while ((from = elf_nextscn(elf, from))) {
		if (!gelf_getshdr(from, shdr) || shdr->sh_type != type)
			continue;
		if (!name)
			return from;
		found = elf_strptr(elf, index, shdr->sh_name);
		if (found && strcmp(found, name) == 0)
			return from;
	}
	return NULL;
}

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
static bool parse_note(const char *bytes, size_t size, bool has_base, uint64_t base,
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
	moved = has_base && load64(bytes + 8) ? base - load64(bytes + 8) : 0;
	note->address = load64(bytes) + moved;
	note->semaphore = load64(bytes + 16);
	if (note->semaphore)
		note->semaphore += moved;
	return true;
}

static bool arguments_fit(enum flightrec_probe probe, const char *arguments)
{
	static const char *const reg[ARGUMENTS_MAX] = FLIGHTREC_PROBE_REGISTERS;
	static const char *const word[FLIGHTREC_PROBE_WORDS] = FLIGHTREC_PROBE_WORD_REGISTERS;
	bool words = probe == FLIGHTREC_PROBE_BEGIN || probe == FLIGHTREC_PROBE_ENTRY;
	unsigned count = argument_count[probe];
	unsigned i;

	for (i = 0; i < count + (words ? FLIGHTREC_PROBE_WORDS : 0); i++) {
		const char *expected = i < count ? reg[i] : word[i - count];
		size_t length = strlen(expected);

		if (i && *arguments++ != ' ')
			return false;
		if (strncmp(arguments, "8@", 2) != 0)
			return false;
		arguments += 2;
		if (strncmp(arguments, expected, length) != 0)
			return false;
		arguments += length;
	}
	return *arguments == 0;
}

static int unusable(struct elf_probes *out, const char *reason)
{
	out->reason = reason;
	return -EBADMSG;
}

/* Finds the copy whose state stands at @state, or makes it. */
static int copy_at(struct elf_probes *out, uint64_t state, struct elf_probes_copy **copy)
{
	uint64_t distance;
	size_t i;

	for (i = 0; i < out->copies; i++) {
		*copy = &out->copy[i];
		if ((*copy)->state == state)
			return 0;
		distance = (*copy)->state > state ? (*copy)->state - state : state - (*copy)->state;
		if (distance < sizeof(struct flightrec_state))
			return unusable(out, "its semaphores do not lie as this version has them");
	}
	if (out->copies == ELF_PROBES_COPIES_MAX)
		return unusable(out, "it holds too many copies of the library");
	*copy = &out->copy[out->copies++];
	(*copy)->state = state;
	return 0;
}

/* A linker that drops a function leaves its note, with any address: it shows by the missing nop. */
static bool is_nop(const struct elf_file *file, uint64_t address, uint64_t *offset)
{
	unsigned char code[sizeof(nop)];

	return address_to_offset(file, address, sizeof(nop), PF_X, offset) &&
	       read_exactly(file->fd, code, sizeof(code), *offset) &&
	       memcmp(code, nop, sizeof(nop)) == 0;
}

/* Returns 0, also for a note that is not ours; -EBADMSG; -ENOMEM. */
static int add_note(struct elf_file *file, const struct probe_note *note, struct elf_probes *out)
{
	struct elf_probes_copy *copy;
	struct elf_probe found = {.address = note->address, .semaphore = note->semaphore};
	uint64_t state, offset;
	unsigned p;
	int err;

	for (p = 0; p < FLIGHTREC_PROBES && strcmp(note->name, elf_probe_name[p]) != 0; p++)
		;
	if (p == FLIGHTREC_PROBES)
		return 0; /* a later version's */
	err = read_loads(file);
	if (err == -ENOMEM)
		return err;
	if (err)
		return unusable(out, "it has no program headers");
	if (!arguments_fit(p, note->arguments))
		return unusable(out, "a probe's arguments are not those of this version");
	if (!is_nop(file, note->address, &found.offset)) {
		out->skipped++;
		return 0;
	}
	state = note->semaphore - offsetof(struct flightrec_state, semaphore) -
		p * sizeof(uint16_t);
	if (!address_to_offset(file, note->semaphore, sizeof(uint16_t), PF_W,
			       &found.ref_ctr_offset) ||
	    !address_to_offset(file, state, sizeof(struct flightrec_state), PF_W, &offset))
		return unusable(out, "a probe's semaphore is not in the writable part of the file");
	err = copy_at(out, state, &copy);
	if (err)
		return err;
	if (copy->present & 1u << p) {
		if (copy->probe[p].address == note->address)
			return 0;
		return unusable(out, "a probe stands in it more than once");
	}
	copy->present |= 1u << p;
	copy->probe[p] = found;
	return 0;
}

static int add_notes(struct elf_file *file, Elf_Data *data, const GElf_Shdr *base, bool *ours,
		     struct elf_probes *out)
{
	const char *bytes = data->d_buf;
	size_t at = 0, name, desc;
	struct probe_note note;
	GElf_Nhdr nhdr;
	int err;

	while (at < data->d_size && (at = gelf_getnote(data, at, &nhdr, &name, &desc)) > 0) {
		if (nhdr.n_type != NT_STAPSDT || nhdr.n_namesz != sizeof("stapsdt") ||
		    memcmp(bytes + name, "stapsdt", sizeof("stapsdt")) != 0)
			continue;
		if (!parse_note(bytes + desc, nhdr.n_descsz, base != NULL, base ? base->sh_addr : 0,
				&note) ||
		    strcmp(note.provider, "flightrec") != 0)
			continue;
		*ours = true;
		err = add_note(file, &note, out);
		if (err)
			return err;
	}
	return 0;
}

int elf_probes_find(int fd, struct elf_probes *out)
{
	GElf_Shdr shdr, base_shdr, *base = NULL;
	Elf_Scn *section = NULL;
	struct elf_file file;
	bool ours = false;
	Elf_Data *data;
	int err;

	memset(out, 0, sizeof(*out));
	err = elf_file_open(&file, fd);
	if (err)
		return err;
	while (!err &&
	       (section = next_section(file.elf, section, SHT_NOTE, ".note.stapsdt", &shdr))) {
		if (shdr.sh_size > NOTES_MAX || !(data = elf_getdata(section, NULL)) ||
		    !data->d_buf)
			continue;
		if (!base &&
		    next_section(file.elf, NULL, SHT_PROGBITS, ".stapsdt.base", &base_shdr))
			base = &base_shdr;
		err = add_notes(&file, data, base, &ours, out);
	}
	elf_file_close(&file);
	if (!err && !ours)
		err = -ENOENT;
	else if (!err && out->copies == 0)
		err = unusable(out, out->skipped ? "no probe's address leads to a nop"
						 : "it has no probe that this version knows");
	else if (!err && out->skipped)
		out->reason = "a linker dropped some of its probes";
	if (err)
		out->copies = 0;
	return err;
}

static int symbol_in_section(struct elf_file *file, Elf_Scn *section, const GElf_Shdr *shdr,
			     const char *name, uint64_t *file_offset)
{
	GElf_Shdr strings;
	const char *found;
	Elf_Data *data;
	GElf_Sym sym;
	int err, i, count;

	if (shdr->sh_size > SYMBOLS_MAX || shdr->sh_entsize != sizeof(Elf64_Sym) ||
	    !gelf_getshdr(elf_getscn(file->elf, shdr->sh_link), &strings) ||
	    strings.sh_size > STRINGS_MAX || !(data = elf_getdata(section, NULL)) || !data->d_buf)
		return -ENOENT;
	count = (int)(data->d_size / sizeof(Elf64_Sym));
	for (i = 0; i < count; i++) {
		if (!gelf_getsym(data, i, &sym) || GELF_ST_TYPE(sym.st_info) != STT_FUNC ||
		    sym.st_shndx == SHN_UNDEF)
			continue;
		found = elf_strptr(file->elf, shdr->sh_link, sym.st_name);
		if (!found || strcmp(found, name) != 0)
			continue;
		err = read_loads(file);
		if (err)
			return err;
		return address_to_offset(file, sym.st_value, 1, PF_X, file_offset) ? 0 : -EBADMSG;
	}
	return -ENOENT;
}

int elf_symbol_offset(int fd, const char *name, uint64_t *file_offset)
{
	static const uint32_t types[] = {SHT_DYNSYM, SHT_SYMTAB};
	struct elf_file file;
	Elf_Scn *section;
	GElf_Shdr shdr;
	size_t i;
	int err;

	err = elf_file_open(&file, fd);
	if (err)
		return err;
	err = -ENOENT;
	for (i = 0; i < sizeof(types) / sizeof(types[0]) && err == -ENOENT; i++) {
		section = next_section(file.elf, NULL, types[i], NULL, &shdr);
		if (section)
			err = symbol_in_section(&file, section, &shdr, name, file_offset);
	}
	elf_file_close(&file);
	return err;
}

static int build_id_in_data(Elf_Data *data, unsigned char *id, size_t size)
{
	const char *bytes = data->d_buf;
	size_t at = 0, name, desc;
	GElf_Nhdr nhdr;

	while (at < data->d_size && (at = gelf_getnote(data, at, &nhdr, &name, &desc)) > 0) {
		if (nhdr.n_type != NT_GNU_BUILD_ID || nhdr.n_namesz != sizeof("GNU") ||
		    memcmp(bytes + name, "GNU", sizeof("GNU")) != 0 || nhdr.n_descsz == 0)
			continue;
		if (nhdr.n_descsz > size)
			return -ENOSPC;
		memcpy(id, bytes + desc, nhdr.n_descsz);
		return (int)nhdr.n_descsz;
	}
	return -ENOENT;
}

int elf_build_id(int fd, unsigned char *id, size_t size)
{
	size_t count = 0, i;
	struct elf_file file;
	GElf_Phdr phdr;
	Elf_Data *data;
	int ret;

	ret = elf_file_open(&file, fd);
	if (ret)
		return ret;
	ret = -ENOENT;
	if (elf_getphdrnum(file.elf, &count))
		count = 0;
	/* By segment, not by section: this also finds it in a file without section headers. */
	for (i = 0; i < count && ret == -ENOENT; i++) {
		if (!gelf_getphdr(file.elf, (int)i, &phdr) || phdr.p_type != PT_NOTE ||
		    phdr.p_filesz > NOTES_MAX || phdr.p_offset > INT64_MAX)
			continue;
		data = elf_getdata_rawchunk(file.elf, (int64_t)phdr.p_offset, phdr.p_filesz,
					    phdr.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		if (data && data->d_buf)
			ret = build_id_in_data(data, id, size);
	}
	elf_file_close(&file);
	return ret;
}

int elf_load_bias(int fd, uint64_t start, uint64_t file_offset, uint64_t *bias)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const GElf_Phdr *load;
	struct elf_file file;
	uint64_t first;
	size_t i;
	int err;

	err = elf_file_open(&file, fd);
	if (err)
		return err;
	err = read_loads(&file);
	for (i = 0; !err && i < file.loads; i++) {
		load = &file.load[i];
		first = load->p_offset & ~(page - 1);
		if (!(load->p_flags & PF_X) || file_offset < first ||
		    file_offset - first >= load->p_filesz + (load->p_offset - first))
			continue;
		*bias = start - (load->p_vaddr + (file_offset - load->p_offset));
		break;
	}
	if (!err && i == file.loads)
		err = -ENOENT;
	elf_file_close(&file);
	return err;
}
