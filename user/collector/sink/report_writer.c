/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/sink/report_writer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/base/array.h"

/*
 * A report of few entries has about a kilobyte: so many of them take less than a millisecond to
 * make, and one that is ready waits no longer for the others.
 */
#define GATHER_MAX 131072
/* One with very many entries may take much more, and leaves it. */
#define KEEP_MAX (8 * GATHER_MAX)

void report_writer_init(struct report_writer *writer, int fd, const struct report_form *form)
{
	*writer = (struct report_writer){.fd = fd, .form = form};
}

void report_writer_free(struct report_writer *writer)
{
	text_buffer_free(&writer->pending);
	free(writer->ends);
	*writer = (struct report_writer){.fd = -1};
}

/* Returns how much of it was written, and in @error a negative errno if that is not all. */
static size_t write_all(int fd, const char *data, size_t size, int *error)
{
	struct pollfd poll_out = {.fd = fd, .events = POLLOUT};
	size_t done = 0;
	ssize_t n;

	*error = 0;
	while (done < size && !*error) {
		n = write(fd, data + done, size - done);
		if (n > 0) {
			done += (size_t)n;
		} else if (n == 0) {
			*error = -EIO;
		} else if (errno == EAGAIN) {
			/* Somebody who shares it made it non-blocking; for us it is not. */
			if (poll(&poll_out, 1, -1) < 0 && errno != EINTR)
				*error = -errno;
		} else if (errno != EINTR) {
			*error = -errno;
		}
	}
	return done;
}

static void lose(struct report_writer *writer, int error)
{
	writer->lost++;
	writer->error = error;
}

void report_writer_flush(struct report_writer *writer)
{
	const char *data = writer->pending.data;
	size_t start = 0, done, i = 0;
	int error;

	while (i < writer->n) {
		/*
		 * After one that a full disk cut, say, the next starts on a line of its own, else a
		 * reader of JSON would lose both.
		 */
		if (writer->torn && write_all(writer->fd, "\n", 1, &error) == 0) {
			start = writer->ends[i++];
			lose(writer, error);
			continue;
		}
		writer->torn = false;
		done = start +
		       write_all(writer->fd, data + start, writer->pending.size - start, &error);
		while (i < writer->n && writer->ends[i] <= done)
			start = writer->ends[i++];
		if (i < writer->n) {
			writer->torn = done > start && data[done - 1] != '\n';
			start = writer->ends[i++];
			lose(writer, error);
		}
	}
	writer->n = 0;
	if (writer->pending.room > KEEP_MAX)
		text_buffer_free(&writer->pending);
	text_buffer_cut(&writer->pending, 0);
}

void report_writer_add(struct report_writer *writer, const struct report *report)
{
	int error = array_reserve(writer->ends, writer->room, writer->n + 1);
	size_t before = writer->pending.size;

	error = error ?: report_append(writer->form, &writer->form_state, &writer->pending, report);
	if (error)
		lose(writer, error);
	else if (writer->pending.size > before)
		writer->ends[writer->n++] = writer->pending.size;
	if (error || writer->pending.size >= GATHER_MAX)
		report_writer_flush(writer);
}
