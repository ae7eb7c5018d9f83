/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds programs and libraries with probes for a test, in a directory of its own. */
#ifndef FLIGHTREC_UNIT_ELF_SAMPLES_H
#define FLIGHTREC_UNIT_ELF_SAMPLES_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/elf_probes.h"
#include "flightrec/probes.h"

static char directory[] = "/tmp/elf_samples.XXXXXX";

/*
 * After each nop there is a jump over the probe's name, by which a test recognizes it. SUFFIX makes
 * a second copy of everything. main() tells where its state is, and waits.
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
	"#define WORDS \" 8@%r10 8@%r11 8@%rax 8@%rbx 8@%r12\"\n"
	"#define JUMP \"jmp\"\n"
	"#else\n"
	"#define A2 \"8@x0 8@x1\"\n"
	"#define A3 A2 \" 8@x2\"\n"
	"#define A4 A3 \" 8@x3\"\n"
	"#define A5 A4 \" 8@x4\"\n"
	"#define A6 A5 \" 8@x5\"\n"
	"#define WORDS \" 8@x6 8@x7 8@x8 8@x9 8@x10\"\n"
	"#define JUMP \"b\"\n"
	"#endif\n"
	"#ifndef NOP\n"
	"#define NOP \"nop\"\n"
	"#endif\n"
	"#ifndef BEGIN_ARGS\n"
	"#define BEGIN_ARGS A5 WORDS\n"
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
	"	{\"flightrec state\", 1, STATE_SIZE, {1000, 1001, 1002, 1003, 1004, 1005, 1006},\n"
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
	"PROBE(entry, 1, A6 WORDS)\n"
	"PROBE(end, 2, A2)\n"
	"PROBE(extend, 3, A3)\n"
	"PROBE(context, 4, A4)\n"
	"PROBE(replay, 5, A2)\n"
	"PROBE(arm, 6, A2)\n"
	"PROBE(late, 6, A3)\n"
	"PROBE(stray, 6, A4 WORDS)\n"
	"PROBE(leave, 6, A3)\n"
	"PROBE(later, 7, A2)\n"
	"#ifdef TWICE\n"
	"#undef NAME\n"
	"#define NAME(a) PASTE(a, _again)\n"
	"extern struct state state_again __attribute__((alias(TEXT(PASTE(state, SUFFIX)))));\n"
	"PROBE(entry, 1, A6 WORDS)\n"
	"#undef NAME\n"
	"#define NAME(a) PASTE(a, SUFFIX)\n"
	"#endif\n"
	"#ifdef MAIN\n"
	"int main(int argc, char **argv) {\n"
	"	NAME(probe_begin)(); NAME(probe_end)();\n"
	"#ifndef FEW\n"
	"	NAME(probe_entry)(); NAME(probe_extend)(); NAME(probe_context)();\n"
	"	NAME(probe_replay)(); NAME(probe_arm)(); NAME(probe_late)();\n"
	"	NAME(probe_stray)(); NAME(probe_leave)(); NAME(probe_later)();\n"
	"#endif\n"
	"	printf(\"%p\\n\", (void *)&NAME(state)); fflush(stdout); getchar(); return 0; }\n"
	"#endif\n";

static inline const char *path_of(const char *name)
{
	static char path[4][256];
	static unsigned turn;
	char *out = path[turn++ % 4];

	snprintf(out, sizeof(path[0]), "%s/%s", directory, name);
	return out;
}

__attribute__((format(printf, 1, 2))) static inline bool shell(const char *format, ...)
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
static inline bool build(const char *name, const char *flags)
{
	return shell("cc -w -g -DSTATE_CONST= -DSTATE_SIZE=%zu -DSUFFIX=_one -o '%s' '%s' %s "
		     "2>/dev/null",
		     sizeof(struct flightrec_state), path_of(name), path_of("source.c"), flags);
}

static inline int find(const char *name, struct elf_probes *probes)
{
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC), err;

	assert_true(fd >= 0);
	err = elf_probes_find(fd, probes);
	close(fd);
	return err;
}

static inline int make_directory(void **state)
{
	FILE *file;

	(void)state;
	if (!mkdtemp(directory))
		return -1;
	file = fopen(path_of("source.c"), "w");
	return !file || fputs(source, file) < 0 || fclose(file) ? -1 : 0;
}

static inline int remove_directory(void **state)
{
	(void)state;
	return shell("rm -rf '%s'", directory) ? 0 : -1;
}

#endif /* FLIGHTREC_UNIT_ELF_SAMPLES_H */
