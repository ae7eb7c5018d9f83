// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/core_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#endif

/* By default Linux allows 65,530 mappings, and a core has a segment for each. */
#define SEGMENTS_MAX (1u << 20)
#define NOTES_MAX (64u << 20)

struct segment {
	uint64_t address;
	uint64_t size; /* in the file; memory beyond it was not dumped */
	uint64_t offset;
};

struct core_file {
	int fd;
	struct segment *segments;
	size_t n_segments;
	pid_t pid;
	char comm[17];
	uint64_t time_ns;
};

static int read_at(int fd, uint64_t offset, void *to, size_t size)
{
	size_t done = 0;

	if (offset > INT64_MAX - size)
		return -EFAULT;
	while (done < size) {
		ssize_t n = pread(fd, (char *)to + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EFAULT;
		done += (size_t)n;
	}
	return 0;
}

static bool is_core(const Elf64_Ehdr *head)
{
	return memcmp(head->e_ident, ELFMAG, SELFMAG) == 0 &&
	       head->e_ident[EI_CLASS] == ELFCLASS64 && head->e_ident[EI_DATA] == ELFDATA2LSB &&
	       head->e_type == ET_CORE && head->e_machine == MACHINE &&
	       head->e_phentsize == sizeof(Elf64_Phdr);
}

/* The number of segments. Above 65,534 it is in the first section header. */
static int count_segments(int fd, const Elf64_Ehdr *head, size_t *count)
{
	Elf64_Shdr first;
	int err;

	*count = head->e_phnum;
	if (head->e_phnum != PN_XNUM)
		return 0;
	err = read_at(fd, head->e_shoff, &first, sizeof(first));
	*count = first.sh_info;
	return err;
}

/* The first thread's notes come first. They and NT_PRPSINFO have the pid. */
static void take_note(struct core_file *core, const Elf64_Nhdr *note, const void *data)
{
	struct elf_prpsinfo info;

	if (note->n_type != NT_PRPSINFO || note->n_descsz < sizeof(info))
		return;
	memcpy(&info, data, sizeof(info));
	core->pid = info.pr_pid;
	memcpy(core->comm, info.pr_fname, sizeof(info.pr_fname));
}

static int read_notes(struct core_file *core, const Elf64_Phdr *segment)
{
	size_t size = segment->p_filesz < NOTES_MAX ? segment->p_filesz : NOTES_MAX, at = 0;
	char *notes = malloc(size ? size : 1);
	int err = notes ? read_at(core->fd, segment->p_offset, notes, size) : -ENOMEM;

	while (!err && size - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		uint64_t name, data;

		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		name = ((uint64_t)note.n_namesz + 3) & ~3ull;
		data = ((uint64_t)note.n_descsz + 3) & ~3ull;
		if (name > size - at || data > size - at - name)
			break;
		if (note.n_namesz == 5 && memcmp(notes + at, "CORE", 5) == 0)
			take_note(core, &note, notes + at + name);
		at += name + data;
	}
	free(notes);
	return err == -EFAULT ? 0 : err;
}

static int by_address(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

static int take_segments(struct core_file *core, const Elf64_Phdr *headers, size_t count)
{
	int err = 0;

	core->segments = calloc(count ? count : 1, sizeof(*core->segments));
	if (!core->segments)
		return -ENOMEM;
	for (size_t i = 0; i < count && !err; i++) {
		const Elf64_Phdr *header = &headers[i];

		if (header->p_type == PT_NOTE && !core->pid)
			err = read_notes(core, header);
		if (header->p_type != PT_LOAD || !header->p_filesz ||
		    header->p_filesz > UINT64_MAX - header->p_vaddr)
			continue;
		core->segments[core->n_segments++] =
			(struct segment){header->p_vaddr, header->p_filesz, header->p_offset};
	}
	qsort(core->segments, core->n_segments, sizeof(*core->segments), by_address);
	return err;
}

static int read_headers(struct core_file *core)
{
	Elf64_Phdr *headers;
	Elf64_Ehdr head;
	size_t count;
	int err;

	if (read_at(core->fd, 0, &head, sizeof(head)) || !is_core(&head))
		return -ENOEXEC;
	err = count_segments(core->fd, &head, &count);
	if (err || count > SEGMENTS_MAX)
		return -ENOEXEC;
	headers = calloc(count ? count : 1, sizeof(*headers));
	if (!headers)
		return -ENOMEM;
	err = read_at(core->fd, head.e_phoff, headers, count * sizeof(*headers));
	err = err ? -ENOEXEC : take_segments(core, headers, count);
	free(headers);
	return err;
}

int core_file_open(struct core_file **opened, const char *path)
{
	struct core_file *core = calloc(1, sizeof(*core));
	struct stat stat;
	int err;

	*opened = NULL;
	if (!core)
		return -ENOMEM;
	core->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (core->fd < 0 || fstat(core->fd, &stat)) {
		err = -errno;
	} else {
		core->time_ns =
			(uint64_t)stat.st_mtim.tv_sec * 1000000000 + (uint64_t)stat.st_mtim.tv_nsec;
		err = S_ISREG(stat.st_mode) ? read_headers(core) : -ENOEXEC;
	}
	if (err)
		core_file_close(core);
	else
		*opened = core;
	return err;
}

void core_file_close(struct core_file *core)
{
	if (!core)
		return;
	if (core->fd >= 0)
		close(core->fd);
	free(core->segments);
	free(core);
}

/* The segment that contains @address, or NULL. */
static const struct segment *find_segment(const struct core_file *core, uint64_t address)
{
	size_t low = 0, high = core->n_segments;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (core->segments[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - core->segments[low - 1].address >= core->segments[low - 1].size)
		return NULL;
	return &core->segments[low - 1];
}

int core_file_read(struct core_file *core, uint64_t address, void *to, size_t size)
{
	char *at = to;

	while (size) {
		const struct segment *segment = find_segment(core, address);
		uint64_t skip = segment ? address - segment->address : 0;
		size_t piece = size;
		int err;

		if (!segment)
			return -EFAULT;
		if (piece > segment->size - skip)
			piece = segment->size - skip;
		if (segment->offset > UINT64_MAX - skip)
			return -EFAULT;
		err = read_at(core->fd, segment->offset + skip, at, piece);
		if (err)
			return err;
		at += piece;
		address += piece;
		size -= piece;
	}
	return 0;
}

size_t core_file_segments(const struct core_file *core)
{
	return core->n_segments;
}

uint64_t core_file_segment(const struct core_file *core, size_t index)
{
	return core->segments[index].address;
}

pid_t core_file_pid(const struct core_file *core)
{
	return core->pid;
}

const char *core_file_comm(const struct core_file *core)
{
	return core->comm;
}

uint64_t core_file_time_ns(const struct core_file *core)
{
	return core->time_ns;
}
