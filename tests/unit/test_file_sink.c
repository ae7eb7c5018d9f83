/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/* link: user/collector/report/names.c user/collector/report/report_forms.c */
/* link: user/collector/report/report_text.c user/collector/report/report_time.c */
/* link: user/collector/report/report_json.c */
/* link: user/collector/report/date_cache.c user/collector/report/unfinished.c */
/* link: user/collector/report/report_json_thread.c user/collector/report/frame_text.c */
/* link: user/collector/report/report_short.c */
/* link: user/collector/sink/report_writer.c */
/* link: user/collector/base/write_queue.c user/collector/sink/file_sink.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "collector/report/report_forms.h"
#include "collector/sink/file_sink.h"

#define PATIENT 60000

static const struct report end = {.event = REPORT_END};

static void test_writes(void **state)
{
	const struct sink_ops *ops = &file_sink;
	struct sink_options options = {.form = report_form_find("json")};
	char data[1024] = "";
	struct sink *sink;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	options.fd = fd[1];
	assert_int_equal(ops->open(&sink, &options), 0);
	assert_ptr_equal(sink->ops, &file_sink);
	ops->add(sink, &end);
	ops->flush(sink);
	ops->finish(sink, PATIENT);
	assert_true(read(fd[0], data, sizeof(data) - 1) > 0);
	assert_non_null(strstr(data, "\"event\":\"end\""));
	assert_int_equal(sink->lost, 0);
	assert_int_equal(sink->error, 0);
	ops->close(sink);
	/* The descriptor still belongs to the caller. */
	assert_int_equal(close(fd[1]), 0);
	close(fd[0]);
}

static void test_tells_what_is_lost(void **state)
{
	const struct sink_ops *ops = &file_sink;
	struct sink_options options = {.form = report_form_find("json")};
	struct pollfd event = {.events = POLLIN};
	struct sink *sink;

	(void)state;
	options.fd = open("/dev/full", O_WRONLY);
	assert_int_equal(ops->open(&sink, &options), 0);
	event.fd = ops->event_fd(sink);
	assert_int_equal(poll(&event, 1, 0), 0);
	ops->add(sink, &end);
	ops->flush(sink);
	/* It asks to be flushed, which will tell. */
	assert_int_equal(poll(&event, 1, PATIENT), 1);
	ops->flush(sink);
	assert_int_equal(sink->lost, 1);
	assert_int_equal(sink->error, -ENOSPC);
	ops->close(sink);
	close(options.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_tells_what_is_lost),
	};

	return cmocka_run_group_tests_name("file_sink", tests, NULL, NULL);
}
