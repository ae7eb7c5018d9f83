// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/span/span_operand.c user/collector/span/span_place.c */
/* link: user/collector/span/span_set.c user/collector/span/span_parser.c */
/* link: user/collector/span/span_events.c user/collector/span/span_statements.c */
/* link: user/collector/span/span_lexer.c user/collector/span/syscall_names.c */
/* link: user/collector/base/nearest.c user/collector/base/units.c user/format/conversion.c */
/* tests: user/collector/span/span_place.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "collector/span/span_place.h"

static int symbol(void *arg, const char *name, uint64_t *address)
{
	(void)arg;
	*address = 0x5000;
	return strcmp(name, "counter") == 0 ? 0 : -ENOENT;
}

static struct span_operand operand;

static int read_argument(const char *arguments, unsigned int number)
{
	const struct span_note note = {.address = 0x4000, .arguments = arguments, .symbol = symbol};

	return span_operand_of_note(&note, number, &operand);
}

#if defined(__x86_64__)
#define FIRST 14  /* rdi */
#define SECOND 13 /* rsi */

static void test_registers(void **state)
{
	static const struct {
		const char *text;
		uint8_t base, size;
		bool is_signed;
	} cases[] = {{"8@%rax", 10, 8, false}, {"-4@%r13d", 2, 4, true}, {"-4@%edi", 14, 4, true},
		     {"2@%bx", 5, 2, false},   {"1@%sil", 13, 1, false}, {"8@%rsp", 19, 8, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_argument(cases[i].text, 0), 0);
		assert_int_equal(operand.place, OPERAND_REGISTER);
		assert_int_equal(operand.base, cases[i].base);
		assert_int_equal(operand.size, cases[i].size);
		assert_int_equal(operand.is_signed, cases[i].is_signed);
	}
}

static void test_memory(void **state)
{
	(void)state;
	assert_int_equal(read_argument("-4@-20(%rbp)", 0), 0);
	assert_int_equal(operand.place, OPERAND_MEMORY);
	assert_int_equal(operand.base, 4);
	assert_int_equal(operand.index, FR_NO_REGISTER);
	assert_int_equal(operand.number, -20);
	assert_int_equal(read_argument("2@(%r12)", 0), 0);
	assert_int_equal(operand.base, 3);
	assert_int_equal(operand.number, 0);
	assert_int_equal(read_argument("8@16(%rax,%rbx,8)", 0), 0);
	assert_int_equal(operand.base, 10);
	assert_int_equal(operand.index, 5);
	assert_int_equal(operand.scale, 8);
	assert_int_equal(operand.number, 16);
	assert_int_equal(read_argument("8@(,%rbx,4)", 0), 0);
	assert_int_equal(operand.base, FR_NO_REGISTER);
	/* From the probe's own address, which is in the instruction pointer. */
	assert_int_equal(read_argument("-4@40+counter(%rip)", 0), 0);
	assert_int_equal(operand.base, 16);
	assert_int_equal(operand.number, 0x1000 + 40);
	assert_int_equal(read_argument("-4@counter(%rip)", 0), 0);
	assert_int_equal(operand.number, 0x1000);
	assert_int_equal(read_argument("-4@counter+8(%rip)", 0), 0);
	assert_int_equal(operand.number, 0x1008);
}

static void test_constants_and_lists(void **state)
{
	(void)state;
	assert_int_equal(read_argument("8@%rax -4@$-9 4@%ecx", 1), 0);
	assert_int_equal(operand.place, OPERAND_CONSTANT);
	assert_int_equal(operand.number, -9);
	assert_int_equal(read_argument("8@%rax -4@$-9 4@%ecx", 2), 0);
	assert_int_equal(operand.base, 11);
	assert_int_equal(read_argument("8@%rax -4@$-9 4@%ecx", 3), -ENOENT);
	assert_int_equal(read_argument("", 0), -ENOENT);
}

static void test_what_cannot_be_read(void **state)
{
	static const char *const texts[] = {"4f@%xmm0",
					    "8@%xmm0",
					    "3@%rax",
					    "8@",
					    "8",
					    "8@%rax,",
					    "8@nothing(%rip)",
					    "8@counter(%rbx)",
					    "8@4(%rip)",
					    "8@(%rax,%rbx,3)",
					    "8@(%rax",
					    "8@(%rax)x",
					    "8@$x",
					    "8@counter",
					    "@%rax"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(read_argument(texts[i], 0), -ENOTSUP);
}
#else
#define FIRST 0
#define SECOND 1

static void test_registers(void **state)
{
	(void)state;
	assert_int_equal(read_argument("8@x0 -4@w19 8@sp", 1), 0);
	assert_int_equal(operand.place, OPERAND_REGISTER);
	assert_int_equal(operand.base, 19);
	assert_true(operand.is_signed);
	assert_int_equal(read_argument("8@x0 -4@w19 8@sp", 2), 0);
	assert_int_equal(operand.base, 31);
}

static void test_memory(void **state)
{
	(void)state;
	assert_int_equal(read_argument("8@[sp, 16] -4@[x1]", 0), 0);
	assert_int_equal(operand.place, OPERAND_MEMORY);
	assert_int_equal(operand.base, 31);
	assert_int_equal(operand.number, 16);
	assert_int_equal(read_argument("8@[sp, 16] -4@[x1]", 1), 0);
	assert_int_equal(operand.base, 1);
}

static void test_constants_and_lists(void **state)
{
	(void)state;
	assert_int_equal(read_argument("-4@-9 8@x0", 0), 0);
	assert_int_equal(operand.place, OPERAND_CONSTANT);
	assert_int_equal(operand.number, -9);
	assert_int_equal(read_argument("-4@-9 8@x0", 2), -ENOENT);
}

static void test_what_cannot_be_read(void **state)
{
	(void)state;
	assert_int_equal(read_argument("8@d0", 0), -ENOTSUP);
	assert_int_equal(read_argument("8@[x1", 0), -ENOTSUP);
	assert_int_equal(read_argument("8@x31", 0), -ENOTSUP);
}
#endif

static void test_functions_and_system_calls(void **state)
{
	(void)state;
	assert_int_equal(span_operand_of_function(0, &operand), 0);
	assert_int_equal(operand.base, FIRST);
	assert_int_equal(span_operand_of_syscall(1, &operand), 0);
	assert_int_equal(operand.base, SECOND);
	assert_int_equal(span_operand_of_syscall(6, &operand), -ENOENT);
}

/* ---- places ---- */

static struct span_set set;
static struct span_problem problem;

static int teardown(void **state)
{
	(void)state;
	span_set_free(&set);
	return 0;
}

static void parse(const char *text)
{
	struct span_error error;

	assert_int_equal(span_set_parse(&set, text, strlen(text), &error), 0);
}

static void test_place_of_a_function(void **state)
{
	struct span_place place, end;

	(void)state;
	parse("syscall:read 1s\n"
	      "span f 2s { name \"%.20s\", arg1 begin uprobe:c:f if arg0 >= 3 \"%d %ld %s %.*s\", "
	      "arg0, arg1, arg1, arg2, arg1 }");
	assert_int_equal(span_place_make(&set, 2, NULL, &place, &problem), 0);
	assert_int_equal(place.span, 2);
	assert_int_equal(place.site, 2);
	assert_int_equal(place.action, SPAN_OPENS);
	assert_int_equal(place.flags, FR_SPAN_FRAME | FR_SPAN_NAMED | FR_SPAN_OF_THREAD);
	assert_int_equal(place.timeout_ns, 2000000000);
	assert_int_equal(place.test.compare, COMPARE_GREATER_EQUAL);
	assert_int_equal(place.test.number, 3);
	assert_int_equal(place.test.operand.base, FIRST);
	assert_int_equal(place.operands, 5);
	assert_int_equal(place.operand[0].packed, OPERAND_INT32);
	assert_int_equal(place.operand[1].packed, OPERAND_INT64);
	assert_int_equal(place.operand[2].packed, OPERAND_STRING);
	assert_int_equal(place.operand[2].limit, FR_SPAN_STRING_MAX);
	assert_int_equal(place.operand[4].limit, FR_SPAN_STRING_MAX);
	assert_int_equal(place.name_operands, 1);
	assert_int_equal(place.name[0].limit, 20);
	assert_int_equal(place.name[0].base, SECOND);
	span_place_end(&place, true, &end);
	assert_int_equal(end.action, SPAN_CLOSES);
	assert_int_equal(end.span, 2);
	assert_int_equal(end.test.compare, COMPARE_ALWAYS);
	assert_true(end.flags & FR_SPAN_RETURNED);
	assert_true(end.flags & FR_SPAN_FRAME);
}

static void test_place_by_an_argument(void **state)
{
	const struct span_note note = {
		.address = 1,
#if defined(__x86_64__)
		.arguments = "8@%rsi"
	};
#else
		.arguments = "8@x1"
	};
#endif
	struct span_place place;

	(void)state;
	parse("span f 2s by arg0 { begin usdt:a:b:c end usdt:a:b:d if arg1 == \"ab\" }");
	assert_int_equal(span_place_make(&set, 1, &note, &place, &problem), 0);
	assert_int_equal(place.flags, 0);
	assert_int_equal(place.key.place, OPERAND_REGISTER);
	assert_int_equal(place.key.base, SECOND);
	assert_false(place.has_entry);
	assert_int_equal(span_place_make(&set, 2, &note, &place, &problem), -ENOTSUP);
	assert_string_equal(problem.text, "usdt:a:b:d: arg1 does not exist");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_constants_and_lists),
		cmocka_unit_test(test_what_cannot_be_read),
		cmocka_unit_test(test_functions_and_system_calls),
		cmocka_unit_test_teardown(test_place_of_a_function, teardown),
		cmocka_unit_test_teardown(test_place_by_an_argument, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
