// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/proc_file.c */
/* link: user/collector/recorder/span_view.c user/collector/span/span_set.c */
/* link: user/collector/span/span_parser.c user/collector/span/span_events.c */
/* link: user/collector/span/span_statements.c user/collector/span/span_lexer.c */
/* link: user/collector/span/syscall_names.c user/collector/base/nearest.c */
/* link: user/collector/base/units.c user/collector/target/target_memory.c */
/* link: user/collector/target/time_namespace.c */
/* link: user/collector/report/render.c user/collector/report/render_number.c */
/* link: user/collector/report/render_out.c user/format/conversion.c */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/recorder/span_view.h"
#include "collector/report/render.h"

static struct span_set set;

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

static unsigned char packed[64];
static size_t size;

static void put(const void *bytes, size_t length)
{
	memcpy(packed + size, bytes, length);
	size += length;
}

static void put_word(unsigned int word)
{
	const uint16_t narrow = (uint16_t)word;

	put(&narrow, sizeof(narrow));
}

/* What the packed arguments say, by their format. */
static const char *said(const char *format)
{
	const struct span_packed from = {packed, size};
	static unsigned char data[256];
	static char text[256];

	render_message(&(struct render_input){.format = format,
					      .format_size = strlen(format),
					      .data = data,
					      .size = span_view_read(getpid(), format, &from, data,
								     sizeof(data))},
		       text, sizeof(text));
	size = 0;
	return text;
}

/* What was not in memory is read from the process, as far as the format wants it. */
static void test_strings_are_read_again(void **state)
{
	static const char late[] = "read late";
	const uint64_t address = (uintptr_t)late, nowhere = 8;
	const uint32_t number = 7;

	(void)state;
	put_word(FR_SPAN_STRING_UNREAD);
	put(&address, sizeof(address));
	put(&number, sizeof(number));
	assert_string_equal(said("%s %d"), "read late 7");
	put_word(FR_SPAN_STRING_UNREAD);
	put(&address, sizeof(address));
	assert_string_equal(said("%.4s"), "read");
	put_word(FR_SPAN_STRING_UNREAD);
	put(&nowhere, sizeof(nowhere));
	assert_string_equal(said("%s"), "(not in memory)");
	put_word(3);
	put("abc", 3);
	assert_string_equal(said("%s"), "abc");
	put_word(0xffff);
	assert_string_equal(said("%s"), "(null)");
}

/* What is packed is not believed. */
static void test_damage(void **state)
{
	(void)state;
	put_word(40);
	put("abc", 3);
	assert_string_equal(said("%s"), "...");
	put_word(FR_SPAN_STRING_UNREAD);
	assert_string_equal(said("%s"), "...");
	assert_string_equal(said("%d"), "...");
}

static void test_names(void **state)
{
	struct span_slot slot = {.number = 3, .site = 1};
	struct span_view view;

	(void)state;
	parse("span f 2s { name \"<%s>\", arg0 begin uprobe:c:f }\nsyscall:read,flock 1s\n"
	      "span plain 1s { begin uprobe:c:g }");
	put_word(2);
	put("ab", 2);
	slot.name_size = (uint32_t)size;
	span_view_make(&view, &set, getpid(), &slot, (const char *)packed);
	assert_int_equal(view.id, 3);
	assert_string_equal(view.name, "<ab>");
	assert_string_equal(view.span, "f");
	assert_string_equal(view.source, "uprobe:c:f");
	slot = (struct span_slot){.site = 2, .detail = SYS_flock};
	span_view_make(&view, &set, getpid(), &slot, "");
	assert_string_equal(view.name, "flock");
	assert_string_equal(view.span, "read,flock");
	slot = (struct span_slot){.site = 3};
	span_view_make(&view, &set, getpid(), &slot, "");
	assert_string_equal(view.name, "plain");
	slot.site = 99;
	span_view_make(&view, &set, getpid(), &slot, "");
	assert_string_equal(view.name, "");
	size = 0;
}

static void test_sites(void **state)
{
	struct call_site_info info;

	(void)state;
	parse("uprobe:c:f 1s \"x %d\", arg0\nuprobe:c:g 1s");
	assert_int_equal(span_view_site(&set, 1, &info), 0);
	assert_string_equal(info.format, "x %d");
	assert_string_equal(info.file, "uprobe:c:f");
	assert_int_equal(span_view_site(&set, 2, &info), -ENOENT);
	assert_int_equal(span_view_site(&set, 3, &info), -ENOENT);
	assert_int_equal(span_view_site(NULL, 1, &info), -ENOENT);
}

/* ---- a thread that waits, and what it has left ---- */

static int pipes[2], ready[2];
static pid_t waiting;
static uint64_t frame;

static void *wait_in_read(void *arg)
{
	char byte;

	(void)arg;
	waiting = (pid_t)syscall(SYS_gettid);
	frame = (uintptr_t)__builtin_frame_address(0) + sizeof(void *);
	assert_int_equal(write(ready[1], "x", 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	return NULL;
}

static void await_sleep(void)
{
	char path[64], line[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", waiting);
	while (strncmp(line, "0 ", 2) != 0) {
		file = fopen(path, "re");
		if (!file) {
			print_message("no /proc/PID/task/TID/syscall here\n");
			return;
		}
		if (!fgets(line, sizeof(line), file))
			line[0] = '\0';
		fclose(file);
	}
}

static void test_what_is_gone(void **state)
{
	struct span_slot slot = {.flags = FR_SPAN_FRAME | FR_SPAN_OF_THREAD};
	pthread_t thread;
	char byte;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_in_read, NULL), 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	await_sleep();
	slot.sp = frame;
	memcpy(&slot.return_address, (void *)(uintptr_t)frame, sizeof(slot.return_address));
	assert_false(span_view_is_gone(getpid(), waiting, &slot));
	/* Its return address is another one: something else stands there now. */
	slot.return_address ^= 1;
	assert_true(span_view_is_gone(getpid(), waiting, &slot));
	slot.flags |= FR_SPAN_HIJACKED;
	assert_false(span_view_is_gone(getpid(), waiting, &slot));
	/* The thread's stack ends before it. */
	slot.sp = frame - 16384;
	slot.flags = FR_SPAN_FRAME;
	slot.return_address = 0;
	assert_true(span_view_is_gone(getpid(), waiting, &slot));
	slot = (struct span_slot){.flags = FR_SPAN_SYSCALL, .detail = SYS_read};
	assert_false(span_view_is_gone(getpid(), waiting, &slot));
	slot.detail = SYS_write;
	assert_true(span_view_is_gone(getpid(), waiting, &slot));
	assert_int_equal(write(pipes[1], "x", 1), 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	slot = (struct span_slot){.flags = FR_SPAN_OF_THREAD};
	while (!span_view_is_gone(getpid(), waiting, &slot))
		; /* It has been joined, and is taken off the list a moment later. */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings_are_read_again),
		cmocka_unit_test(test_damage),
		cmocka_unit_test_teardown(test_names, teardown),
		cmocka_unit_test_teardown(test_sites, teardown),
		cmocka_unit_test(test_what_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
