// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/span/span_set.c user/collector/span/span_parser.c */
/* link: user/collector/span/span_events.c user/collector/span/span_statements.c */
/* link: user/collector/span/span_lexer.c user/collector/span/syscall_names.c */
/* link: user/collector/base/nearest.c user/collector/base/units.c user/format/conversion.c */
/* tests: user/collector/span/span_parser.c user/collector/span/span_events.c */
/* tests: user/collector/span/span_statements.c user/collector/span/span_lexer.c */
/* tests: user/collector/span/syscall_names.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "collector/span/span_set.h"

static const char statement[] =
	"span statement 2s {\n"
	"    name  \"%.60s\", arg0\n"
	"    begin usdt:postgres:postgresql:statement__status if arg0 != 0\n"
	"    end   usdt:postgres:postgresql:statement__status if arg0 == 0\n"
	"    log   usdt:postgres:postgresql:lock__wait__start \"+lock type %u of %u\", arg4, arg0\n"
	"    log   usdt:postgres:postgresql:lock__wait__done  \"-lock\"   # a comment\n"
	"    require usdt:postgres:postgresql:statement__status or \"built without\"\n"
	"}\n";

static struct span_set set;
static struct span_error error;

static int parse(const char *text)
{
	return span_set_parse(&set, text, strlen(text), &error);
}

static int teardown(void **state)
{
	(void)state;
	span_set_free(&set);
	return 0;
}

static void test_a_span_of_probes(void **state)
{
	const struct span_event *event;
	const struct span *span;

	(void)state;
	assert_int_equal(parse(statement), 0);
	assert_int_equal(set.n_spans, 1);
	span = &set.span[0];
	assert_string_equal(span->name, "statement");
	assert_int_equal(span->timeout_ns, 2000000000);
	assert_int_equal(span->by_arg, SPAN_BY_THREAD);
	assert_true(span->has_end);
	assert_string_equal(span->format.text, "%.60s");
	assert_int_equal(span->format.plan.arg[0].limit, 60);
	assert_int_equal(span->n_events, 5);
	event = &span->event[0];
	assert_int_equal(event->kind, SPAN_USDT);
	assert_int_equal(event->role, SPAN_BEGIN);
	assert_string_equal(event->library, "postgres");
	assert_string_equal(event->provider, "postgresql");
	assert_string_equal(event->name, "statement__status");
	assert_string_equal(event->source, "usdt:postgres:postgresql:statement__status");
	assert_int_equal(event->condition.op, SPAN_UNEQUAL);
	assert_int_equal(event->condition.number, 0);
	assert_int_equal(span->event[1].condition.op, SPAN_EQUAL);
	event = &span->event[2];
	assert_string_equal(event->format.text, "+lock type %u of %u");
	assert_int_equal(event->format.arg[0], 4);
	assert_int_equal(event->format.arg[1], 0);
	assert_string_equal(span->event[4].reason, "built without");
	assert_int_equal(event->line, 5);
	assert_int_equal(event->column, 11);
	assert_ptr_equal(span_set_event(&set, 3, &span), event);
	assert_null(span_set_event(&set, 6, &span));
	assert_null(span_set_event(&set, 0, &span));
}

static void test_lines(void **state)
{
	const struct span *span;

	(void)state;
	assert_int_equal(parse("uprobe:libpq:PQexec 2s \"PQexec(%s)\", arg1\n"
			       "syscall:flock,fsync 1s500ms\n"
			       "uprobe:./server:main.(*T).Handle 3s return=hijack"),
			 0);
	assert_int_equal(set.n_spans, 3);
	span = &set.span[0];
	assert_string_equal(span->name, "PQexec");
	assert_false(span->has_end);
	assert_int_equal(span->event[0].format.arg[0], 1);
	span = &set.span[1];
	assert_int_equal(span->timeout_ns, 1500000000);
	assert_int_equal(span->event[0].n_syscalls, 2);
	assert_int_equal(span->event[0].syscall[1], SYS_fsync);
	assert_int_equal(span->first_number, 2);
	span = &set.span[2];
	assert_string_equal(span->event[0].library, "./server");
	assert_string_equal(span->event[0].name, "main.(*T).Handle");
	assert_true(span->event[0].hijack);
}

static void test_what_tells_them_apart(void **state)
{
	(void)state;
	assert_int_equal(
		parse("span rpc 5s by arg0 { begin usdt:./app:app:start \"method %s\", arg1"
		      " end usdt:./app:app:done }"),
		0);
	assert_int_equal(set.span[0].by_arg, 0);
}

static void test_conditions(void **state)
{
	static const struct {
		const char *text;
		enum span_operator op;
		int64_t number;
	} cases[] = {{"arg1 == 0x10", SPAN_EQUAL, 16},
		     {"arg1<-1", SPAN_LESS, -1},
		     {"arg1 <= 2", SPAN_LESS_EQUAL, 2},
		     {"arg1>3", SPAN_GREATER, 3},
		     {"arg1 >= 4", SPAN_GREATER_EQUAL, 4}};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct span_condition *condition;

		snprintf(text, sizeof(text), "uprobe:c:read 1s if %s \"x\"", cases[i].text);
		assert_int_equal(parse(text), 0);
		condition = &set.span[0].event[0].condition;
		assert_int_equal(condition->op, cases[i].op);
		assert_int_equal(condition->number, cases[i].number);
		assert_int_equal(condition->arg, 1);
		assert_string_equal(set.span[0].event[0].format.text, "x");
		span_set_free(&set);
	}
	assert_int_equal(parse("uprobe:c:open 1s if arg0 != \"/t\\\"mp\""), 0);
	assert_true(set.span[0].event[0].condition.is_string);
	assert_int_equal(set.span[0].event[0].condition.length, 5);
	assert_memory_equal(set.span[0].event[0].condition.string, "/t\"mp", 5);
}

static void refused(const char *text, unsigned int line, unsigned int column, const char *why)
{
	size_t before = set.n_spans;

	assert_int_equal(parse(text), -EINVAL);
	assert_string_equal(error.text, why);
	assert_int_equal(error.line, line);
	assert_int_equal(error.column, column);
	assert_int_equal(set.n_spans, before);
}

static void test_errors_say_where(void **state)
{
	(void)state;
	refused("", 1, 1, "no span in it");
	refused("spam x 2s {", 1, 1,
		"expected a span or an event, not 'spam'; did you mean 'span'?");
	refused("span x 2 {", 1, 8, "expected a timeout, such as 250ms or 2s, not '2'");
	refused("span x 2s", 1, 10, "expected {, not the end");
	refused("span x 2s {\n  begn usdt:a:b:c\n}", 2, 3,
		"expected name, begin, end, log, require or }, not 'begn'; did you mean 'begin'?");
	refused("span x 2s {\n  begin udst:a:b:c\n}", 2, 9,
		"expected usdt:..., uprobe:... or syscall:..., not 'udst:a:b:c'");
	refused("span x 2s { begin usdt:a:b }", 1, 19,
		"expected usdt:LIBRARY:PROVIDER:NAME, not 'usdt:a:b'");
	refused("span x 2s { begin usdt:a:b:c }", 1, 1, "nothing ends span x");
	refused("span x 2s { end usdt:a:b:c }", 1, 1, "nothing begins span x");
	refused("syscall:flok 1s", 1, 1, "no system call is called 'flok'; did you mean 'flock'?");
	refused("usdt:a:b:c 1s", 1, 1,
		"a probe needs another one that ends it: span NAME TIMEOUT { begin usdt:... end "
		"usdt:... }");
	refused("uprobe:a:b 1s if arg0 = 1", 1, 23, "expected ==, !=, <, <=, > or >=, not '='");
	refused("uprobe:a:b 1s if arg0 < \"x\"", 1, 25, "a string is compared with == or !=");
	refused("uprobe:a:b 1s if arg0 < x", 1, 25, "expected a number or a string, not 'x'");
	refused("uprobe:a:b 1s if argx < 1", 1, 18,
		"expected an argument, such as arg0, not 'argx'");
	refused("syscall:read 1s by arg0", 1, 1,
		"a system call can begin a span of a thread, which ends when it returns, and "
		"nothing else");
}

static void test_formats(void **state)
{
	(void)state;
	refused("uprobe:a:b 1s \"%s\"", 1, 15, "the format wants 1 argument, and has 0");
	refused("uprobe:a:b 1s \"%d %d\", arg0", 1, 15, "the format wants 2 arguments, and has 1");
	refused("uprobe:a:b 1s \"%f\", arg0", 1, 15,
		"conversion 1 of the format is for what no argument can be: only integers, "
		"pointers "
		"and strings are");
	refused("uprobe:a:b 1s \"%n\", arg0", 1, 15, "this is not a format");
	refused("uprobe:a:b 1s \"abc", 1, 15, "this string has no end");
	refused("uprobe:a:b 1s \"\\q\"", 1, 15,
		"this string is longer than 255 characters, or has an escape that is not \\\" \\\\ "
		"\\n \\t");
	refused("uprobe:a:b 1s \"x\", arg99", 1, 20,
		"expected an argument, such as arg0, not 'arg99'");
}

/* What was parsed before stays, and keeps its numbers. */
static void test_several_texts(void **state)
{
	const struct span *span;

	(void)state;
	assert_int_equal(parse(statement), 0);
	assert_int_equal(parse("syscall:read 1s span"), -EINVAL);
	assert_int_equal(set.n_spans, 1);
	assert_int_equal(parse("syscall:read 1s"), 0);
	assert_int_equal(set.n_spans, 2);
	assert_int_equal(set.span[1].first_number, 6);
	assert_ptr_equal(span_set_event(&set, 6, &span), &set.span[1].event[0]);
	assert_ptr_equal(span, &set.span[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_a_span_of_probes, teardown),
		cmocka_unit_test_teardown(test_lines, teardown),
		cmocka_unit_test_teardown(test_what_tells_them_apart, teardown),
		cmocka_unit_test_teardown(test_conditions, teardown),
		cmocka_unit_test_teardown(test_errors_say_where, teardown),
		cmocka_unit_test_teardown(test_formats, teardown),
		cmocka_unit_test_teardown(test_several_texts, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
