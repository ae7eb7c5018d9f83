/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/* link: user/collector/report/names.c user/collector/report/unfinished.c */
/* link: user/collector/report/report_json_thread.c user/collector/report/frame_text.c */
/* link: user/collector/report/report_short.c */
/* link: user/collector/report/report_forms.c user/collector/report/report_text.c */
/* link: user/collector/report/report_time.c */
/* link: user/collector/report/report_json.c user/collector/report/date_cache.c */
/* link: user/collector/sink/report_writer.c user/collector/base/write_queue.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/sink/report_writer.h"

#define SECOND UINT64_C(1000000000)
#define PATIENT 60000

static struct report make(uint64_t id)
{
	return (struct report){
		.event = REPORT_FINISHED,
		.time_ns = SECOND,
		.has_recorder = true,
		.recorder = {.id = id, .name = "refresh", .comm = "cache", .pid = 1, .tid = 2},
	};
}

static void add(struct report_writer *writer, uint64_t id)
{
	struct report report = make(id);

	report_writer_add(writer, &report);
}

/* What the report with that number looks like. */
static char *line_of(const char *form, uint64_t id)
{
	struct report_form_state state = {0};
	struct report report = make(id);
	struct text_buffer text = {0};

	assert_int_equal(report_append(report_form_find(form), &state, &text, &report), 0);
	text_char(&text, '\0');
	return text.data;
}

/* The contents of a file as a string. */
static char *content(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *data = calloc(1, (size_t)size + 1);

	assert_int_equal(pread(fd, data, (size_t)size, 0), size);
	return data;
}

static int temporary(void)
{
	FILE *file = tmpfile();
	int fd;

	assert_non_null(file);
	fd = dup(fileno(file));
	fclose(file);
	return fd;
}

static void test_in_order(void **state)
{
	struct text_buffer expected = {0};
	struct report_writer writer;
	int fd = temporary();
	char *data;

	(void)state;
	assert_int_equal(report_writer_init(&writer, fd, report_form_find("text")), 0);
	for (uint64_t i = 1; i <= 5000; i++) {
		char *line = line_of("text", i);

		add(&writer, i);
		text_string(&expected, line);
		free(line);
	}
	report_writer_finish(&writer, PATIENT);
	report_writer_finish(&writer, PATIENT);
	text_char(&expected, '\0');
	data = content(fd);
	assert_string_equal(data, expected.data);
	assert_int_equal(writer.lost, 0);
	assert_int_equal(writer.error, 0);
	free(data);
	text_buffer_free(&expected);
	report_writer_free(&writer);
	close(fd);
}

static void test_full_disk(void **state)
{
	int fd = open("/dev/full", O_WRONLY);
	struct report_writer writer;
	struct report report = make(4);

	(void)state;
	for (size_t form = 0; report_form_name(form); form++) {
		assert_int_equal(
			report_writer_init(&writer, fd, report_form_find(report_form_name(form))),
			0);
		for (uint64_t i = 1; i <= 3; i++)
			add(&writer, i);
		assert_int_equal(writer.lost, 0);
		report_writer_finish(&writer, PATIENT);
		assert_int_equal(writer.lost, 3);
		assert_int_equal(writer.error, -ENOSPC);
		/* Nothing is kept that could fail again or show up later. */
		report_writer_finish(&writer, PATIENT);
		assert_int_equal(writer.lost, 3);
		report.has_recorder = false;
		report_writer_add(&writer, &report);
		report_writer_flush(&writer);
		assert_int_equal(writer.lost, 4);
		assert_int_equal(writer.error, -EINVAL);
		/* In text the totals are not a report, so there is nothing to lose. */
		report.event = REPORT_END;
		report_writer_add(&writer, &report);
		report_writer_finish(&writer, PATIENT);
		assert_int_equal(writer.lost, strcmp(report_form_name(form), "json") == 0 ? 5 : 4);
		report.event = REPORT_FINISHED;
		report_writer_free(&writer);
	}
	close(fd);
}

/*
 * The disk is full for a while, in the middle of a write: earlier reports are written, the one that
 * is cut and later ones are counted as lost, and the next one starts on a new line.
 */
static void test_torn(void **state)
{
	char *first = line_of("json", 1), *second = line_of("json", 2);
	char *last = line_of("json", 4), *data, expected[2048];
	struct report_writer writer;
	struct rlimit limit, small;
	int fd = temporary();

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = strlen(first) + 50;
	assert_int_equal(report_writer_init(&writer, fd, report_form_find("json")), 0);
	setrlimit(RLIMIT_FSIZE, &small);
	for (uint64_t i = 1; i <= 3; i++)
		add(&writer, i);
	report_writer_finish(&writer, PATIENT);
	assert_int_equal(writer.lost, 2);
	assert_int_equal(writer.error, -EFBIG);
	setrlimit(RLIMIT_FSIZE, &limit);
	add(&writer, 4);
	add(&writer, 4);
	report_writer_finish(&writer, PATIENT);
	assert_int_equal(writer.lost, 2);
	data = content(fd);
	snprintf(expected, sizeof(expected), "%s%.50s\n%s%s", first, second, last, last);
	assert_string_equal(data, expected);
	free(first);
	free(second);
	free(last);
	free(data);
	report_writer_free(&writer);
	close(fd);
}

/* A datagram socket shows what was written at once: all that was gathered. */
static void test_one_write(void **state)
{
	char data[4096], expected[4096], *one = line_of("text", 1);
	char *two = line_of("text", 2);
	struct report_writer writer;
	ssize_t size;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd), 0);
	assert_int_equal(report_writer_init(&writer, fd[1], report_form_find("text")), 0);
	add(&writer, 1);
	add(&writer, 2);
	report_writer_finish(&writer, PATIENT);
	size = recv(fd[0], data, sizeof(data) - 1, 0);
	assert_true(size > 0);
	data[size] = '\0';
	snprintf(expected, sizeof(expected), "%s%s", one, two);
	assert_string_equal(data, expected);
	signal(SIGPIPE, SIG_IGN);
	close(fd[0]);
	add(&writer, 1);
	report_writer_finish(&writer, PATIENT);
	assert_int_equal(writer.error, -ECONNREFUSED);
	report_writer_free(&writer);
	close(fd[1]);
	free(one);
	free(two);
}

/* Reads what is there until @writer wants to be flushed again; returns how many lines it was. */
static size_t read_until_room(struct report_writer *writer, int fd, char *last, size_t size)
{
	struct pollfd room = {.fd = report_writer_event_fd(writer), .events = POLLIN};
	struct pollfd in = {.fd = fd, .events = POLLIN};
	size_t lines = 0;

	while (poll(&room, 1, 0) == 0) {
		ssize_t n;

		assert_int_equal(poll(&in, 1, PATIENT), 1);
		n = read(fd, last, size - 1);
		assert_true(n > 0);
		last[n] = '\0';
		for (ssize_t i = 0; i < n; i++)
			lines += last[i] == '\n';
	}
	return lines;
}

/*
 * The reader has stopped. Adding goes on, what is too much is lost, and when the reader goes on it
 * finds out where, and how many.
 */
static void test_stopped_reader(void **state)
{
	static char chunk[65536];
	struct report_writer writer;
	char expected[128], *mark = NULL;
	uint64_t added = 0, lost;
	size_t lines;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(report_writer_init(&writer, fd[1], report_form_find("text")), 0);
	do {
		add(&writer, 1);
		added++;
		if (added % 1000 == 0)
			report_writer_flush(&writer);
	} while (!writer.lost);
	assert_int_equal(writer.error, -EAGAIN);
	lost = writer.lost;
	lines = read_until_room(&writer, fd[0], chunk, sizeof(chunk));
	add(&writer, 2);
	report_writer_flush(&writer);
	snprintf(expected, sizeof(expected), "%llu reports lost here", (unsigned long long)lost);
	while (!mark) {
		ssize_t n = read(fd[0], chunk, sizeof(chunk) - 1);

		assert_true(n > 0);
		chunk[n] = '\0';
		mark = strstr(chunk, "lost here");
		for (ssize_t i = 0; i < n && (!mark || chunk + i < mark); i++)
			lines += chunk[i] == '\n';
	}
	assert_non_null(strstr(chunk, expected));
	assert_int_equal(lines + lost, added);
	/* Once. */
	assert_int_equal(writer.lost, lost);
	report_writer_free(&writer);
	close(fd[0]);
	close(fd[1]);
}

/* A reader that stays away does not hold up the end. What it did not take is counted. */
static void test_reader_stays_away(void **state)
{
	struct report_writer writer;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_true(fcntl(fd[1], F_SETPIPE_SZ, 4096) > 0);
	assert_int_equal(report_writer_init(&writer, fd[1], report_form_find("json")), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		add(&writer, i);
	report_writer_flush(&writer);
	assert_int_equal(writer.lost, 0);
	report_writer_finish(&writer, 1);
	assert_in_range(writer.lost, 900, 1000);
	report_writer_free(&writer);
	close(fd[0]);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static int write_interrupted(int fd, uint64_t reports)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval timer = {{0, 1000}, {0, 1000}};
	struct report_writer writer;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	assert_int_equal(report_writer_init(&writer, fd, report_form_find("text")), 0);
	for (uint64_t i = 0; i < reports; i++)
		add(&writer, 1);
	report_writer_finish(&writer, PATIENT);
	return writer.lost ? 1 : 0;
}

/* A slow reader gets everything, with or without signals, blocking or not. */
static void test_slow_reader(void **state)
{
	enum { MANY = 10000 };
	char *line = line_of("text", 1);
	static char chunk[65536];
	int status, fd[2];
	size_t size;
	ssize_t n;

	(void)state;
	for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
		pid_t child;

		assert_int_equal(pipe(fd), 0);
		fcntl(fd[1], F_SETFL, flags);
		child = fork();
		if (!child)
			_exit(write_interrupted(fd[1], MANY));
		close(fd[1]);
		for (size = 0; (n = read(fd[0], chunk, sizeof(chunk))) > 0; usleep(500))
			size += (size_t)n;
		waitpid(child, &status, 0);
		assert_int_equal(status, 0);
		assert_int_equal(size, MANY * strlen(line));
		close(fd[0]);
	}
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_one_write),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_stopped_reader),
		cmocka_unit_test(test_reader_stays_away),
	};

	return cmocka_run_group_tests_name("report_writer", tests, NULL, NULL);
}
