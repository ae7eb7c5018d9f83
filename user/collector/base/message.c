// SPDX-License-Identifier: BSD-2-Clause
#include "collector/base/message.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/escape.h"
#include "collector/base/text_buffer.h"

/* Room for two paths. Anything longer is cut. */
#define MESSAGE_MAX (2 * PATH_MAX)

static uint64_t left_out;

bool message_possible(void)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&out, 1, 0) == 1 && out.revents & POLLOUT;
}

/* A writable pipe takes PIPE_BUF bytes without blocking. */
static bool write_line(const char *data, size_t size)
{
	while (size) {
		size_t part = size < PIPE_BUF ? size : PIPE_BUF;
		ssize_t n;

		if (!message_possible())
			return false;
		n = write(STDERR_FILENO, data, part);
		if (n <= 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

static void begin_line(struct text_buffer *line, const char *command)
{
	if (left_out) {
		text_string(line, "flightrec: ");
		text_number(line, left_out, 1);
		text_string(line, left_out == 1 ? " message was" : " messages were");
		text_string(line, " not written, as standard error was not read\n");
	}
	text_string(line, *command ? "flightrec " : "flightrec");
	text_string(line, command);
	text_string(line, ": ");
}

static void say(const char *command, const char *format, va_list args, uint64_t held_back)
{
	char *text = malloc(MESSAGE_MAX);
	struct text_buffer line = {0};

	if (text)
		vsnprintf(text, MESSAGE_MAX, format, args);
	begin_line(&line, command);
	/* Without memory, at least show what kind of message it is. */
	escape_text(&line, text ? text : format);
	if (held_back) {
		text_string(&line, " (");
		text_number(&line, held_back, 1);
		text_string(&line, " more like this were held back)");
	}
	text_char(&line, '\n');
	if (!line.failed && write_line(line.data, line.size))
		left_out = 0;
	else
		left_out++;
	text_buffer_free(&line);
	free(text);
}

void message(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("", format, args, 0);
	va_end(args);
}

void message_from(const char *command, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(command, format, args, 0);
	va_end(args);
}

bool message_limit_admit(struct message_limit *limit, uint64_t now_ns, uint64_t *held_back)
{
	if (limit->window_ns && now_ns - limit->window_start_ns >= limit->window_ns) {
		limit->window_start_ns = now_ns;
		limit->used = 0;
	}
	if (limit->used >= limit->lines) {
		limit->held_back++;
		return false;
	}
	limit->used++;
	*held_back = limit->held_back;
	limit->held_back = 0;
	return true;
}

bool message_limited(struct message_limit *limit, const char *format, ...)
{
	uint64_t held_back;
	va_list args;

	if (!message_limit_admit(limit, clock_ns(CLOCK_MONOTONIC), &held_back))
		return false;
	va_start(args, format);
	say("", format, args, held_back);
	va_end(args);
	return true;
}
