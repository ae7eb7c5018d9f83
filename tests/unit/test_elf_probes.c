// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/elf_probes.c user/collector/mappings.c */
/* libs: libelf */
/* Inputs are built here, with each linker there is, and are then read, run, damaged and cut. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/elf_probes.h"
#include "collector/mappings.h"
#include "flightrec.h"

#define ALL_PROBES ((1u << FLIGHTREC_PROBES) - 1)
#define FIRST_SEMAPHORE 1000 /* what the file holds for semaphore[0]; the next ones count on */

static char directory[] = "/tmp/test_elf_probes.XXXXXX";

/*
 * Behind each nop stands a jump over the probe's name, by which a test knows it again. SUFFIX
 * makes a second copy of everything; main() tells where its state stands, and waits.
 */
static const char source[] =
	"#include <stdio.h>\n"
	"#define TEXT_(x) #x\n"
	"#define TEXT(x) TEXT_(x)\n"
	"#define PASTE_(a, b) a##b\n"
	"#define PASTE(a, b) PASTE_(a, b)\n"
	"#define NAME(a) PASTE(a, SUFFIX)\n"
	"#if defined(__x86_64__)\n"
	"#define A2 \"8@%rdi 8@%rsi\"\n"
	"#define A3 A2 \" 8@%rdx\"\n"
	"#define A4 A3 \" 8@%rcx\"\n"
	"#define A5 A4 \" 8@%r8\"\n"
	"#define A6 A5 \" 8@%r9\"\n"
	"#define JUMP \"jmp\"\n"
	"#else\n"
	"#define A2 \"8@x0 8@x1\"\n"
	"#define A3 A2 \" 8@x2\"\n"
	"#define A4 A3 \" 8@x3\"\n"
	"#define A5 A4 \" 8@x4\"\n"
	"#define A6 A5 \" 8@x5\"\n"
	"#define JUMP \"b\"\n"
	"#endif\n"
	"#ifndef NOP\n"
	"#define NOP \"nop\"\n"
	"#endif\n"
	"#ifndef BEGIN_ARGS\n"
	"#define BEGIN_ARGS A5\n"
	"#endif\n"
	"#ifndef SEMAPHORE_STEP\n"
	"#define SEMAPHORE_STEP 2\n"
	"#endif\n"
	"#ifndef SECTION\n"
	"#define SECTION \".probes\"\n"
	"#endif\n"
	"struct state { char magic[16]; unsigned version, size; unsigned short semaphore[8];\n"
	"	unsigned char rest[STATE_SIZE - 40]; };\n"
	"__attribute__((section(SECTION), used, aligned(8))) STATE_CONST struct state NAME(state) "
	"=\n"
	"	{\"flightrec state\", 1, STATE_SIZE, {1000, 1001, 1002, 1003, 1004, 1005},\n"
	"	{0x90, 0, 0, 0, 0x1f, 0x20, 0x03, 0xd5}};\n"
	"#define PROBE(name, p, args)\\\n"
	"__attribute__((noinline, noclone)) void NAME(probe_##name)(void) { __asm__ volatile(\\\n"
	"\"990: \" NOP \"\\n\" JUMP \" 1f\\n .ascii \\\"<\" #name \">\\\"\\n .balign 4\\n "
	"1:\\n\"\\\n"
	"\".pushsection .note.stapsdt,\\\"\\\",\\\"note\\\"\\n .balign 4\\n\"\\\n"
	"\".4byte 992f-991f, 994f-993f, 3\\n 991: .asciz \\\"stapsdt\\\"\\n 992: .balign 4\\n\"\\\n"
	"\"993: .8byte 990b\\n .8byte _.stapsdt.base\\n\"\\\n"
	"\".8byte \" TEXT(NAME(state)) \"+24+\" TEXT(SEMAPHORE_STEP) \"*\" #p \"\\n\"\\\n"
	"\".asciz \\\"flightrec\\\"\\n .asciz \\\"\" #name \"\\\"\\n .asciz \\\"\" args "
	"\"\\\"\\n\"\\\n"
	"\"994: .balign 4\\n .popsection\\n .ifndef _.stapsdt.base\\n\"\\\n"
	"\".pushsection .stapsdt.base,\\\"aG\\\",\\\"progbits\\\",.stapsdt.base,comdat\\n\"\\\n"
	"\".weak _.stapsdt.base\\n .hidden _.stapsdt.base\\n _.stapsdt.base: .space 1\\n\"\\\n"
	"\".size _.stapsdt.base, 1\\n .popsection\\n .endif\\n\"); }\n"
	"PROBE(begin, 0, BEGIN_ARGS)\n"
	"PROBE(entry, 1, A6)\n"
	"PROBE(end, 2, A2)\n"
	"PROBE(extend, 3, A3)\n"
	"PROBE(context, 4, A4)\n"
	"PROBE(replay, 5, A2)\n"
	"PROBE(later, 6, A2)\n"
	"#ifdef TWICE\n"
	"#undef NAME\n"
	"#define NAME(a) PASTE(a, _again)\n"
	"extern struct state state_again __attribute__((alias(TEXT(PASTE(state, SUFFIX)))));\n"
	"PROBE(entry, 1, A6)\n"
	"#undef NAME\n"
	"#define NAME(a) PASTE(a, SUFFIX)\n"
	"#endif\n"
	"#ifdef MAIN\n"
	"int main(int argc, char **argv) {\n"
	"	NAME(probe_begin)(); NAME(probe_end)();\n"
	"#ifndef FEW\n"
	"	NAME(probe_entry)(); NAME(probe_extend)(); NAME(probe_context)();\n"
	"	NAME(probe_replay)(); NAME(probe_later)();\n"
	"#endif\n"
	"	printf(\"%p\\n\", (void *)&NAME(state)); fflush(stdout); getchar(); return 0; }\n"
	"#endif\n";

static const char *path_of(const char *name)
{
	static char path[4][256];
	static unsigned turn;
	char *out = path[turn++ % 4];

	snprintf(out, sizeof(path[0]), "%s/%s", directory, name);
	return out;
}

__attribute__((format(printf, 1, 2))) static bool shell(const char *format, ...)
{
	char command[2048];
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_true(size > 0 && (size_t)size < sizeof(command));
	return system(command) == 0;
}

/* The compiler's own output is of no interest where a linker cannot do what is asked. */
static bool build(const char *name, const char *flags)
{
	return shell("cc -w -g -DSTATE_CONST= -DSTATE_SIZE=%zu -DSUFFIX=_one -o '%s' '%s' %s "
		     "2>/dev/null",
		     sizeof(struct flightrec_state), path_of(name), path_of("source.c"), flags);
}

static int find(const char *name, struct elf_probes *probes)
{
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC), err;

	assert_true(fd >= 0);
	err = elf_probes_find(fd, probes);
	close(fd);
	return err;
}

/* What stands at the offsets must be what the source put there. */
static void check_probe(int fd, const struct elf_probe *probe, unsigned p)
{
	char expected[32], code[64];
	uint16_t semaphore;

	assert_int_equal(pread(fd, &semaphore, sizeof(semaphore), (off_t)probe->ref_ctr_offset),
			 sizeof(semaphore));
	assert_int_equal(semaphore, FIRST_SEMAPHORE + p);
	assert_true(pread(fd, code, sizeof(code), (off_t)probe->offset) > 16);
	snprintf(expected, sizeof(expected), "<%s>", elf_probe_name[p]);
#if defined(__x86_64__)
	assert_int_equal((unsigned char)code[0], 0x90);
	assert_memory_equal(code + 3, expected, strlen(expected));
#else
	assert_memory_equal(code + 8, expected, strlen(expected));
#endif
}

static void check_file(const char *name, unsigned present, size_t copies)
{
	struct elf_probes probes;
	unsigned p, have;
	size_t i;
	int fd;

	assert_int_equal(find(name, &probes), 0);
	assert_int_equal(probes.copies, copies);
	fd = open(path_of(name), O_RDONLY | O_CLOEXEC);
	for (i = 0; i < copies; i++) {
		have = probes.copy[i].present;
		/* What is not reachable may be there, or have been dropped. */
		assert_int_equal(have & present, present);
		assert_int_equal(have & ~ALL_PROBES, 0);
		for (p = 0; p < FLIGHTREC_PROBES; p++) {
			if (have & 1u << p)
				check_probe(fd, &probes.copy[i].probe[p], p);
		}
	}
	close(fd);
}

static uint64_t state_by_mapping(pid_t pid, const char *name)
{
	uint64_t bias = 0, state = 0;
	struct mappings mappings;
	struct elf_probes probes;
	struct stat wanted, st;
	size_t i;
	int fd;

	assert_int_equal(stat(path_of(name), &wanted), 0);
	assert_int_equal(mappings_read(pid, &mappings), 0);
	for (i = 0; i < mappings.files && !state; i++) {
		fd = mapping_open(pid, &mappings, &mappings.file[i]);
		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0 && st.st_ino == wanted.st_ino &&
		    st.st_dev == wanted.st_dev) {
			const struct mapped_range *range = &mappings.range[mappings.file[i].range];

			assert_int_equal(elf_probes_find(fd, &probes), 0);
			assert_int_equal(elf_load_bias(fd, range->start, range->offset, &bias), 0);
			state = bias + probes.copy[0].state;
		}
		close(fd);
	}
	mappings_free(&mappings);
	return state;
}

/* Runs it, and compares the address it tells with the one found from outside. */
static void check_running(const char *name)
{
	int to[2], from[2], status;
	char line[64] = "";
	pid_t pid;

	assert_int_equal(pipe2(to, O_CLOEXEC) | pipe2(from, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		execl(path_of(name), name, NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	assert_true(read(from[0], line, sizeof(line) - 1) > 0);
	assert_int_equal(state_by_mapping(pid, name), strtoull(line, NULL, 16));
	close(to[1]);
	close(from[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void check_linker(const char *linker)
{
	static const char *const kind[] = {"-shared -fPIC", "-DMAIN -pie -fPIE",
					   "-DMAIN -no-pie -fno-pie", "-DMAIN -static",
					   "-DMAIN -static-pie -fPIE"};
	static const char *const drop[] = {"",
					   "-ffunction-sections -fdata-sections -Wl,--gc-sections"};
	char flags[256];
	size_t i, j;

	for (i = 0; i < sizeof(kind) / sizeof(kind[0]); i++) {
		for (j = 0; j < 2; j++) {
			snprintf(flags, sizeof(flags), "%s %s %s", kind[i], drop[j], linker);
			if (!build("file", flags)) {
				print_message("skipped: cc %s does not work here\n", flags);
				continue;
			}
			check_file("file", ALL_PROBES, 1);
			if (i > 0)
				check_running("file");
			assert_true(
				shell("strip -o '%s' '%s'", path_of("stripped"), path_of("file")));
			check_file("stripped", ALL_PROBES, 1);
		}
	}
	/* Of what main() does not reach the linker may leave the notes without the code. */
	snprintf(flags, sizeof(flags), "-DMAIN -DFEW %s %s", drop[1], linker);
	if (build("file", flags))
		check_file("file", 1u << FLIGHTREC_PROBE_BEGIN | 1u << FLIGHTREC_PROBE_END, 1);
	else
		print_message("skipped: cc %s does not work here\n", flags);
}

static void test_bfd(void **state)
{
	(void)state;
	assert_true(build("file", "-shared -fPIC"));
	check_linker("-fuse-ld=bfd");
}

static void test_gold(void **state)
{
	(void)state;
	check_linker("-fuse-ld=gold");
}

static void test_lld(void **state)
{
	(void)state;
	check_linker("-fuse-ld=lld");
}

static void test_copies(void **state)
{
	char objects[2048] = "", object[300];
	unsigned i, copies;

	(void)state;
	for (i = 0; i <= ELF_PROBES_COPIES_MAX; i++) {
		snprintf(object, sizeof(object), "%s%u.o", path_of("copy"), i);
		assert_true(shell("cc -w -fPIC -c -DSTATE_CONST= -DSTATE_SIZE=%zu -DSUFFIX=_%u "
				  "-o '%s' '%s'",
				  sizeof(struct flightrec_state), i, object, path_of("source.c")));
		strcat(strcat(objects, " "), object);
		copies = i + 1;
		if (copies != 2 && copies < ELF_PROBES_COPIES_MAX)
			continue;
		assert_true(shell("ld -r -o '%s' %s && cc -shared -o '%s' '%s'", path_of("all.o"),
				  objects, path_of("copies"), path_of("all.o")));
		if (copies <= ELF_PROBES_COPIES_MAX) {
			check_file("copies", ALL_PROBES, copies);
		} else {
			struct elf_probes probes;

			assert_int_equal(find("copies", &probes), -EBADMSG);
			assert_int_equal(probes.copies, 0);
			assert_non_null(strstr(probes.reason, "too many"));
		}
	}
}

static void refused(const char *flags, const char *reason)
{
	struct elf_probes probes;

	assert_true(build("file", flags));
	assert_int_equal(find("file", &probes), -EBADMSG);
	assert_int_equal(probes.copies, 0);
	assert_non_null(probes.reason);
	if (!strstr(probes.reason, reason))
		fail_msg("%s: %s", flags, probes.reason);
}

static void test_unusable(void **state)
{
	(void)state;
	refused("-shared -fPIC -DBEGIN_ARGS=A4", "arguments");
	refused("-shared -fPIC -DBEGIN_ARGS=A6", "arguments");
	refused("-shared -fPIC -DBEGIN_ARGS='A4 \" 4@%r8d\"'", "arguments");
	refused("-shared -fPIC -DBEGIN_ARGS='\"\"'", "arguments");
	refused("-shared -fPIC -DSEMAPHORE_STEP=4", "semaphore");
	refused("-shared -fPIC -DSEMAPHORE_STEP=0", "semaphores do not lie");
	refused("-shared -fPIC -DTWICE", "more than once");
	refused("-shared -fPIC -DNOP='\".4byte 0\"'", "nop");
	refused("-shared -fPIC -USTATE_CONST -DSTATE_CONST=const -DSECTION='\".rodata.x\"'",
		"semaphore");
}

static void test_no_probes(void **state)
{
	struct elf_probes probes;
	uint64_t offset;
	int fds[2];

	(void)state;
	assert_true(shell("printf 'int main(void) { return 0; }' > '%s'", path_of("main.c")));
	assert_true(shell("cc -o '%s' '%s'", path_of("none"), path_of("main.c")));
	assert_int_equal(find("none", &probes), -ENOENT);
	assert_int_equal(find("source.c", &probes), -ENOENT);
	assert_true(shell(": > '%s'", path_of("empty")));
	assert_int_equal(find("empty", &probes), -ENOENT);
	/* What cannot be read at an offset at all. */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(elf_probes_find(fds[0], &probes), -ENOENT);
	assert_int_equal(elf_symbol_offset(fds[0], "main", &offset), -ENOENT);
	close(fds[0]);
	close(fds[1]);
}

struct image {
	unsigned char *bytes;
	size_t size;
};

static struct image load(const char *name)
{
	struct image image = {NULL, 0};
	struct stat st;
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	image.size = (size_t)st.st_size;
	image.bytes = malloc(image.size);
	assert_non_null(image.bytes);
	assert_int_equal(read(fd, image.bytes, image.size), image.size);
	close(fd);
	return image;
}

/* Calls everything for a file of these bytes. Whatever it says must be true of the file. */
static int examine(const unsigned char *bytes, size_t size, struct elf_probes *probes)
{
	int fd = memfd_create("image", MFD_CLOEXEC), err;
	unsigned char id[ELF_BUILD_ID_MAX];
	uint64_t offset = 0, bias;
	unsigned p;
	size_t i;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	err = elf_probes_find(fd, probes);
	assert_true(err == 0 || err == -ENOENT || err == -EBADMSG || err == -ENOMEM);
	assert_true((err == 0) == (probes->copies > 0));
	assert_true(err != -EBADMSG || probes->reason);
	for (i = 0; i < probes->copies; i++) {
		assert_true(probes->copy[i].present);
		for (p = 0; p < FLIGHTREC_PROBES; p++) {
			if (!(probes->copy[i].present & 1u << p))
				continue;
			assert_true(probes->copy[i].probe[p].offset < size);
		}
	}
	if (elf_symbol_offset(fd, "probe_begin_one", &offset) == 0)
		assert_true(offset <= INT64_MAX);
	assert_true(elf_build_id(fd, id, sizeof(id)) <= (int)sizeof(id));
	(void)elf_load_bias(fd, 0x10000, 0x1000, &bias);
	close(fd);
	return err;
}

static void test_cut_short(void **state)
{
	struct elf_probes probes;
	struct image image;
	size_t size;

	(void)state;
	assert_true(build("file", "-shared -fPIC -Wl,--build-id"));
	image = load("file");
	for (size = 0; size < image.size; size += 64)
		assert_int_not_equal(examine(image.bytes, size, &probes), 0);
	assert_int_equal(examine(image.bytes, image.size, &probes), 0);
	free(image.bytes);
}

/* The start of the next note's descriptor, or 0. */
static size_t next_note(const struct image *image, size_t from)
{
	static const char name[] = "stapsdt", provider[] = "flightrec";

	for (; from + 64 < image->size; from++) {
		if (memcmp(image->bytes + from, name, sizeof(name)) == 0 &&
		    memcmp(image->bytes + from + 32, provider, sizeof(provider)) == 0)
			return from + sizeof(name);
	}
	return 0;
}

static void flip(struct image *image, size_t first, size_t size, unsigned rounds)
{
	struct elf_probes probes;
	unsigned char saved[8];
	size_t at[8];
	unsigned i, n;

	assert_true(first + size <= image->size);
	while (rounds--) {
		n = 1 + (unsigned)random() % 8;
		for (i = 0; i < n; i++) {
			at[i] = first + (size_t)random() % size;
			saved[i] = image->bytes[at[i]];
			image->bytes[at[i]] = random() % 4 ? (unsigned char)random() : 0xff;
		}
		examine(image->bytes, image->size, &probes);
		while (n--)
			image->bytes[at[n]] = saved[n];
	}
}

static void test_damaged(void **state)
{
	struct elf_probes probes;
	struct image image;
	Elf64_Ehdr header;
	size_t note;

	(void)state;
	srandom(1);
	assert_true(build("file", "-shared -fPIC -Wl,--build-id"));
	image = load("file");
	memcpy(&header, image.bytes, sizeof(header));
	note = next_note(&image, 0);
	assert_true(note > 20);
	flip(&image, note - 20, 7 * 100, 4000);
	flip(&image, 0, sizeof(header), 1000);
	flip(&image, header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr), 2000);
	flip(&image, header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr), 4000);
	flip(&image, 0, image.size, 2000);
	assert_int_equal(examine(image.bytes, image.size, &probes), 0);
	free(image.bytes);
}

/* Prelink moves the file but not what its notes say: the same as notes moved the other way. */
static void test_prelinked(void **state)
{
	struct elf_probes expected, got;
	uint64_t field[3];
	struct image image;
	size_t note, i;

	(void)state;
	assert_true(build("file", "-shared -fPIC"));
	assert_int_equal(find("file", &expected), 0);
	image = load("file");
	for (note = 0; (note = next_note(&image, note));) {
		memcpy(field, image.bytes + note, sizeof(field));
		for (i = 0; i < 3; i++)
			field[i] -= 0x7000;
		memcpy(image.bytes + note, field, sizeof(field));
	}
	assert_int_equal(examine(image.bytes, image.size, &got), 0);
	assert_memory_equal(&got, &expected, sizeof(got));
	free(image.bytes);
}

/* A nop does not make a probe where nothing can be executed. */
static void test_nop_in_data(void **state)
{
	struct elf_probes probes;
	struct image image;
	uint64_t address;
	size_t note;

	(void)state;
	assert_true(build("file", "-shared -fPIC"));
	assert_int_equal(find("file", &probes), 0);
	address = probes.copy[0].state + 40;
#if defined(__aarch64__)
	address += 4;
#endif
	image = load("file");
	for (note = 0; (note = next_note(&image, note));)
		memcpy(image.bytes + note, &address, sizeof(address));
	assert_int_equal(examine(image.bytes, image.size, &probes), -EBADMSG);
	assert_non_null(strstr(probes.reason, "nop"));
	free(image.bytes);
}

/* The state must be in the file, to its last byte: the kernel counts semaphores by file offset. */
static void test_state_cut_off(void **state)
{
	struct elf_probes probes;
	struct image image;
	Elf64_Ehdr header;
	Elf64_Phdr phdr;
	uint64_t last;
	size_t at;

	(void)state;
	assert_true(build("file", "-shared -fPIC"));
	assert_int_equal(find("file", &probes), 0);
	last = probes.copy[0].state + sizeof(struct flightrec_state) - 1;
	image = load("file");
	memcpy(&header, image.bytes, sizeof(header));
	for (at = header.e_phoff;; at += sizeof(phdr)) {
		memcpy(&phdr, image.bytes + at, sizeof(phdr));
		if (phdr.p_type == PT_LOAD && last - phdr.p_vaddr < phdr.p_filesz)
			break;
	}
	phdr.p_filesz = last - phdr.p_vaddr + 1;
	memcpy(image.bytes + at, &phdr, sizeof(phdr));
	assert_int_equal(examine(image.bytes, image.size, &probes), 0);
	phdr.p_filesz--;
	memcpy(image.bytes + at, &phdr, sizeof(phdr));
	assert_int_equal(examine(image.bytes, image.size, &probes), -EBADMSG);
	assert_non_null(strstr(probes.reason, "semaphore"));
	free(image.bytes);
}

/* A note that ends with its section, before what every note has. */
static void test_short_note(void **state)
{
	uint32_t size;
	struct elf_probes probes;
	struct image image;
	Elf64_Ehdr header;
	Elf64_Shdr shdr;
	size_t note, at;

	(void)state;
	assert_true(build("file", "-shared -fPIC"));
	image = load("file");
	memcpy(&header, image.bytes, sizeof(header));
	note = next_note(&image, next_note(&image, 0));
	for (at = header.e_shoff;; at += sizeof(shdr)) {
		memcpy(&shdr, image.bytes + at, sizeof(shdr));
		if (shdr.sh_type == SHT_NOTE && note - shdr.sh_offset < shdr.sh_size)
			break;
	}
	for (size = 0; size < 48; size += 4) {
		memcpy(image.bytes + note - 16, &size, sizeof(size)); /* n_descsz */
		shdr.sh_size = note - shdr.sh_offset + size;
		memcpy(image.bytes + at, &shdr, sizeof(shdr));
		assert_int_equal(examine(image.bytes, image.size, &probes), 0);
		assert_int_equal(probes.copy[0].present, 1u << FLIGHTREC_PROBE_BEGIN);
	}
	free(image.bytes);
}

static void test_symbol_and_build_id(void **state)
{
	static const unsigned char expected_id[] = {0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4};
	unsigned char id[ELF_BUILD_ID_MAX];
	struct elf_probes probes;
	uint64_t offset;
	int fd;

	(void)state;
	assert_true(build("file", "-shared -fPIC -s -fcf-protection=none -fomit-frame-pointer -O2 "
				  "-Wl,--build-id=0xdeadbeef01020304"));
	assert_int_equal(find("file", &probes), 0);
	fd = open(path_of("file"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(elf_symbol_offset(fd, "probe_end_one", &offset), 0);
	assert_int_equal(offset, probes.copy[0].probe[FLIGHTREC_PROBE_END].offset);
	assert_int_equal(elf_symbol_offset(fd, "no_such_function", &offset), -ENOENT);
	assert_int_equal(elf_symbol_offset(fd, "state_one", &offset), -ENOENT);
	assert_int_equal(elf_build_id(fd, id, sizeof(id)), sizeof(expected_id));
	assert_memory_equal(id, expected_id, sizeof(expected_id));
	assert_int_equal(elf_build_id(fd, id, 4), -ENOSPC);
	close(fd);

	/* A static function, which only .symtab has; and no build id. */
	assert_true(build("file", "-DMAIN -no-pie -Wl,--build-id=none"));
	fd = open(path_of("file"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(elf_symbol_offset(fd, "main", &offset), 0);
	assert_int_equal(elf_symbol_offset(fd, "printf", &offset), -ENOENT); /* undefined */
	assert_int_equal(elf_build_id(fd, id, sizeof(id)), -ENOENT);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bfd),
		cmocka_unit_test(test_gold),
		cmocka_unit_test(test_lld),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_unusable),
		cmocka_unit_test(test_no_probes),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_prelinked),
		cmocka_unit_test(test_nop_in_data),
		cmocka_unit_test(test_state_cut_off),
		cmocka_unit_test(test_short_note),
		cmocka_unit_test(test_symbol_and_build_id),
	};
	FILE *file;
	int failed;

	if (!mkdtemp(directory))
		return 1;
	file = fopen(path_of("source.c"), "w");
	if (!file || fputs(source, file) < 0 || fclose(file))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	return !shell("rm -rf '%s'", directory) || failed;
}
