// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/mappings.c user/collector/base/auxv.c */
/* Lines of /proc/PID/maps; of a first byte '#', lines made of 16 bytes each: inode and address. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/target/mappings.h"
#include "fuzz.h"

const struct fuzz_bounds fuzz_bounds = {
	.cpu_ns = {20000000, 5000},
	.allocated = {262144, 256},
};

static void write_all(int fd, const void *data, size_t size)
{
	fuzz_check(write(fd, data, size) == (ssize_t)size);
}

/* As many mappings as there can be are too long a text for a fuzzer. */
static void write_lines(int fd, const uint8_t *data, size_t size)
{
	char line[128];

	for (; size >= 16; data += 16, size -= 16) {
		uint64_t inode, address;

		memcpy(&inode, data, 8);
		memcpy(&address, data + 8, 8);
		address &= UINT64_MAX >> 1;
		write_all(fd, line,
			  (size_t)snprintf(line, sizeof(line),
					   "%" PRIx64 "-%" PRIx64 " r-xp 0 8:1 %" PRIu64 " /a\n",
					   address, address + 1, inode));
	}
}

static void check(const struct mappings *m)
{
	size_t ranges = 0;

	fuzz_check(m->files <= MAPPINGS_FILES_MAX && m->ranges <= MAPPINGS_RANGES_MAX);
	for (size_t i = 0; i < m->files; i++) {
		const struct mapped_file *file = &m->file[i];
		size_t at = file->range;

		fuzz_check(file->path && file->inode);
		for (; at != MAPPINGS_NONE; at = m->range[at].next) {
			fuzz_check(at < m->ranges && ranges < m->ranges);
			fuzz_check(m->range[at].start < m->range[at].end);
			fuzz_check((m->range[at].next == MAPPINGS_NONE) ==
				   (at == file->last_range));
			ranges++;
		}
	}
	fuzz_check(ranges == m->ranges);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct mappings mappings;

	if (fd < 0)
		fd = memfd_create("maps", MFD_CLOEXEC);
	fuzz_check(fd >= 0 && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	if (size && *data == '#')
		write_lines(fd, data + 1, size - 1);
	else
		write_all(fd, data, size);
	fuzz_check(lseek(fd, 0, SEEK_SET) == 0);
	fuzz_check(mappings_read_fd(fd, &mappings) == 0);
	check(&mappings);
	mappings_free(&mappings);
}

void fuzz_seeds(void)
{
	static const char lines[] =
		"55d0c0a00000-55d0c0a02000 r-xp 00002000 fe:01 1234  /usr/bin/a b (deleted)\n"
		"7f0000000000-7f0000001000 r-xp 00000000 00:05 9   /dev/zero (deleted)\n"
		"7f0000002000-7f0000003000 rw-p 00000000 00:00 0 \n"
		"7f0000004000-7f0000005000 r-xp 00001000 fe:01 1234  /a\\012b\n"
		"7fff00000000-7fff00001000 --xp 00000000 00:00 0 [vdso]\n";
	static const uint8_t made[] = "#123456781234567812345679123456781234567812345678";

	fuzz_seed("lines", lines, sizeof(lines) - 1);
	fuzz_seed("no-newline", lines, sizeof(lines) - 2);
	fuzz_seed("made", made, sizeof(made) - 1);
}
