// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/span_file.c user/collector/span/span_operand.c */
/* link: user/collector/span/span_place.c user/collector/span/span_set.c */
/* link: user/collector/span/span_parser.c user/collector/span/span_events.c */
/* link: user/collector/span/span_statements.c user/collector/span/span_lexer.c */
/* link: user/collector/span/syscall_names.c user/collector/base/nearest.c */
/* link: user/collector/base/units.c user/format/conversion.c user/collector/target/elf_file.c */
/* link: user/collector/target/elf_notes.c user/collector/target/elf_symbols.c */
/* link: user/collector/target/elf_frames.c user/collector/target/function_exits.c */
/* libs: libelf capstone */
/* tests: user/collector/target/elf_symbols.c user/collector/target/elf_frames.c */
/* tests: user/collector/target/function_exits.c */
/* Events are looked for in a program that is built here. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/span_file.h"
#include "collector/target/elf_symbols.h"
#include "collector/target/function_exits.h"

/* FUNCTION(name, code): what the assembler makes of it is what is in the file. */
static const char source[] =
	"#define FUNCTION(name, code) __asm__(\".text\\n.globl \" #name \"\\n.type \" #name \", "
	"@function\\n\" #name \":\\n.cfi_startproc\\n\" code \"\\n.cfi_endproc\\n.size \" #name "
	"\", "
	". - \" #name \"\\n\");\n"
	"#define NOTE(name, args) \"990: nop\\n.pushsection .note.stapsdt,\\\"?\\\",\\\"note\\\"\\n"
	".balign 4\\n.4byte 992f-991f,994f-993f,3\\n991: .asciz \\\"stapsdt\\\"\\n992: .balign 4\\n"
	"993: .8byte 990b,0,0\\n.asciz \\\"app\\\"\\n.asciz \\\"\" name \"\\\"\\n.asciz \\\"\" "
	"args "
	"\"\\\"\\n994: .balign 4\\n.popsection\\n\"\n"
	"FUNCTION(two_returns, \"test %edi, %edi\\njz 1f\\nret\\n1: xor %eax, %eax\\nret\")\n"
	"FUNCTION(tail, \"test %edi, %edi\\njnz two_returns\\nret\")\n"
	"FUNCTION(only_tail, \"jmp two_returns\")\n"
	"FUNCTION(forever, \"1: pause\\njmp 1b\")\n"
	"FUNCTION(indirect, \"jmp *%rax\")\n"
	"FUNCTION(through_memory, \"jmp *8(%rdi)\")\n"
	"FUNCTION(choice, \"lea 2f(%rip), %rdx\\nmovslq (%rdx,%rdi,4), %rax\\nadd %rdx, %rax\\n"
	"jmp *%rax\\n1: ret\\n3: nop\\nret\\n.pushsection .rodata\\n2: .4byte 1b-2b, 3b-2b\\n"
	".popsection\")\n"
	"FUNCTION(plain_choice, \"jmp *table(,%rdi,8)\\n1: ret\\n.pushsection "
	".data.rel.ro,\\\"aw\\\"\\ntable: .8byte 1b\\n.popsection\")\n"
	"FUNCTION(into_nowhere, \"jmp lost\")\n"
	"__asm__(\"lost: ret\");\n"
	"FUNCTION(probed, NOTE(\"start\", \"8@%rdi -4@counter(%rip)\") NOTE(\"stop\", \"\") "
	"NOTE(\"odd\", \"4f@%xmm0\") NOTE(\"twice\", \"\") NOTE(\"twice\", \"\") \"ret\")\n"
	"int counter;\n"
	"int main(void) { return counter; }\n";

static char directory[] = "/tmp/span_file.XXXXXX";
static char path[64];
static bool built;
static struct span_file file;
static struct span_set set;
static struct span_sites sites;
static struct span_problem problem;

static int build(void **state)
{
	char text[64], command[256];
	FILE *to;

	(void)state;
#if defined(__x86_64__)
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/app", directory);
	snprintf(text, sizeof(text), "%s/app.c", directory);
	to = fopen(text, "we");
	if (!to || fputs(source, to) < 0 || fclose(to))
		return -1;
	snprintf(command, sizeof(command), "cc -O1 -no-pie -o %s %s 2>&1", path, text);
	built = system(command) == 0;
	unlink(text);
	if (!built)
		return system("command -v cc >/dev/null") == 0 ? -1 : 0;
#endif
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	file = (struct span_file){.fd = built ? open(path, O_RDONLY | O_CLOEXEC) : -1,
				  .path = path};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (file.fd >= 0)
		close(file.fd);
	elf_frames_free(&file.frames);
	span_set_free(&set);
	free(sites.site);
	sites = (struct span_sites){0};
	return 0;
}

static int remove_all(void **state)
{
	(void)state;
	unlink(path);
	rmdir(directory);
	return 0;
}

static int look(const char *text, size_t number)
{
	struct span_error error;

	span_set_free(&set);
	sites.count = 0;
	problem.text[0] = '\0';
	assert_int_equal(span_set_parse(&set, text, strlen(text), &error), 0);
	return span_file_find(&file, &set, number, &sites, &problem);
}

static unsigned char byte_at(uint64_t offset)
{
	unsigned char byte = 0;

	assert_int_equal(pread(file.fd, &byte, 1, (off_t)offset), 1);
	return byte;
}

/* Its begin, and @exits returns. */
static void expect_function(const char *text, size_t exits)
{
	if (look(text, 1))
		fail_msg("%s: %s", text, problem.text);
	assert_int_equal(sites.count, 1 + exits);
	assert_int_equal(sites.site[0].place.action, SPAN_OPENS);
	for (size_t i = 1; i <= exits; i++) {
		assert_int_equal(sites.site[i].place.action, SPAN_CLOSES);
		assert_int_equal(byte_at(sites.site[i].offset), 0xc3);
		for (size_t k = 1; k < i; k++)
			assert_int_not_equal(sites.site[i].offset, sites.site[k].offset);
	}
}

static void test_returns(void **state)
{
	(void)state;
	if (!built)
		skip();
	expect_function("uprobe:app:two_returns 1s", 2);
	expect_function("uprobe:app:tail 1s", 3);
	expect_function("uprobe:app:only_tail 1s", 2);
	expect_function("uprobe:app:choice 1s", 2);
	expect_function("uprobe:app:plain_choice 1s", 1);
}

static void refused(const char *text, const char *why)
{
	char expected[192];

	assert_int_not_equal(look(text, 1), 0);
	/* What is said of addresses is a number. */
	snprintf(expected, sizeof(expected), "%s", why);
	if (!strstr(problem.text, expected))
		fail_msg("'%s' in place of '%s'", problem.text, expected);
}

/* Its end is seen where it returns to, which is known when it is called. */
static void at_caller(const char *text)
{
	assert_int_equal(look(text, 1), 0);
	assert_int_equal(sites.count, 1);
	assert_true(sites.site[0].place.flags & FR_SPAN_AT_CALLER);
	assert_true(sites.site[0].place.flags & FR_SPAN_FRAME);
}

static void test_exits_that_are_not_known(void **state)
{
	(void)state;
	if (!built)
		skip();
	at_caller("uprobe:app:indirect 1s");
	at_caller("uprobe:app:through_memory 1s");
	at_caller("uprobe:app:into_nowhere 1s");
	refused("uprobe:app:forever 1s", "it does not return");
	refused("uprobe:app:two_return 1s",
		"no function 'two_return'; did you mean 'two_returns'?");
	refused("uprobe:app:counter 1s", "has no function 'counter'");
	assert_int_equal(look("uprobe:app:indirect 1s return=hijack", 1), 0);
	assert_int_equal(sites.count, 2);
	assert_true(sites.site[1].returns);
	assert_int_equal(sites.site[1].offset, sites.site[0].offset);
	assert_int_equal(sites.site[1].place.action, SPAN_CLOSES);
	assert_false(sites.site[0].returns);
}

static void test_probes(void **state)
{
	static const char text[] =
		"span x 1s { begin usdt:app:app:start \"%p %d\", arg0, arg1 end usdt:app:app:stop "
		"log usdt:app:app:twice log usdt:app:app:odd \"%d\", arg0 log usdt:app:app:strat "
		"require usdt:app:app:start require usdt:app:other:start }";

	(void)state;
	if (!built)
		skip();
	assert_int_equal(look(text, 1), 0);
	assert_int_equal(sites.count, 1);
	assert_int_equal(byte_at(sites.site[0].offset), 0x90);
	assert_int_equal(sites.site[0].place.operand[1].place, OPERAND_MEMORY);
	assert_int_equal(look(text, 3), 0);
	assert_int_equal(sites.count, 2);
	assert_int_equal(look(text, 4), -ENOTSUP);
	assert_string_equal(problem.text, "usdt:app:app:odd: arg0 is where it cannot be read");
	assert_int_equal(look(text, 5), -ENOENT);
	assert_non_null(strstr(problem.text, "no probe 'strat'; did you mean 'start'?"));
	assert_int_equal(look(text, 6), 0);
	assert_int_equal(sites.count, 0);
	assert_int_equal(look(text, 7), -ENOENT);
}

/* What it can do without is left out, and told. */
static void test_all_of_a_span(void **state)
{
	struct span_problem missing = {""};
	const struct span_problems problems = {&problem, &missing};

	(void)state;
	if (!built)
		skip();
	look("span x 1s { begin usdt:app:app:start log usdt:app:app:strat end usdt:app:app:stop "
	     "log usdt:other:app:start }",
	     1);
	sites.count = 0;
	assert_true(span_file_wanted(&set.span[0], path));
	assert_false(span_file_wanted(&set.span[0], "/bin/none"));
	assert_int_equal(span_file_all(&file, &set, 0, &sites, &problems), 0);
	assert_int_equal(sites.count, 2);
	assert_non_null(strstr(missing.text, "no probe 'strat'"));
	look("span x 1s { require usdt:app:app:none or \"it is old\" begin usdt:app:app:start "
	     "end usdt:app:app:stop }",
	     1);
	assert_int_equal(span_file_all(&file, &set, 0, &sites, &problems), -ENOENT);
	assert_non_null(strstr(problem.text, "/app: it is old"));
}

static void test_frames(void **state)
{
	struct elf_symbol symbol;
	struct elf_frames frames;
	const struct elf_frame *frame;
	struct elf_file elf;

	(void)state;
	if (!built)
		skip();
	assert_int_equal(elf_file_open(&elf, file.fd), 0);
	assert_int_equal(elf_frames_read(&elf, &frames), 0);
	assert_int_equal(elf_symbol_find(&elf, "two_returns", &symbol), 0);
	assert_int_equal(symbol.type, STT_FUNC);
	frame = elf_frames_find(&frames, symbol.address + symbol.size - 1);
	assert_non_null(frame);
	assert_int_equal(frame->address, symbol.address);
	assert_int_equal(frame->size, symbol.size);
	assert_null(elf_frames_find(&frames, 0));
	assert_null(elf_frames_find(&frames, UINT64_MAX));
	assert_int_equal(elf_symbol_find(&elf, "nothing", &symbol), -ENOENT);
	elf_frames_free(&frames);
	elf_file_close(&elf);
}

static void test_names_of_files(void **state)
{
	static const struct {
		const char *library, *path;
		bool is;
	} cases[] = {
		{"postgres", "/usr/lib/postgresql/15/bin/postgres", true},
		{"postgres", "/usr/lib/postgresql/15/bin/postgres (deleted)", true},
		{"postgres", "/usr/bin/postgresql", false},
		{"libpq", "/usr/lib/x86_64-linux-gnu/libpq.so.5.15", true},
		{"pq", "/usr/lib/x86_64-linux-gnu/libpq.so.5.15", true},
		{"libpq.so.5.15", "/usr/lib/x86_64-linux-gnu/libpq.so.5.15", true},
		{"c", "/lib/x86_64-linux-gnu/libc.so.6", true},
		{"c", "/lib/x86_64-linux-gnu/libc-2.31.so", true},
		{"c", "/lib/x86_64-linux-gnu/libcap.so.2", false},
		{"c", "/usr/bin/cat", false},
		{"/usr/bin/nothing", "/usr/bin/nothing", true},
		{"/usr/bin/nothing", "/usr/bin/nothing (deleted)", true},
		{"/usr/bin/nothing", "/opt/usr/bin/nothing", false},
		{"jvm", "/usr/lib/jvm/java-17/lib/server/libjvm.so", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (span_file_is(cases[i].library, cases[i].path) != cases[i].is)
			fail_msg("%s and %s", cases[i].library, cases[i].path);
	}
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_returns), CASE(test_exits_that_are_not_known),
		CASE(test_probes),  CASE(test_all_of_a_span),
		CASE(test_frames),  CASE(test_names_of_files),
	};

	return cmocka_run_group_tests(tests, build, remove_all);
}
