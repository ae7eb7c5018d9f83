// SPDX-License-Identifier: BSD-2-Clause
#include "collector/sink/file_sink.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/sink/report_writer.h"

struct file {
	struct sink sink; /* the first member */
	struct report_writer writer;
};

static struct file *file_of(struct sink *sink)
{
	return (struct file *)sink;
}

static int open_file(struct sink **sink, const struct sink_options *options)
{
	struct file *file = calloc(1, sizeof(*file));
	int err;

	*sink = NULL;
	if (!file)
		return -ENOMEM;
	file->sink.ops = &file_sink;
	err = report_writer_init(&file->writer, options->fd, options->form);
	file->writer.form_state.terminal = options->terminal;
	if (err)
		free(file);
	else
		*sink = &file->sink;
	return err;
}

static void refresh(struct file *file)
{
	file->sink.lost = file->writer.lost;
	file->sink.error = file->writer.error;
}

static void add(struct sink *sink, const struct report *report)
{
	report_writer_add(&file_of(sink)->writer, report);
}

static void flush(struct sink *sink)
{
	report_writer_flush(&file_of(sink)->writer);
	refresh(file_of(sink));
}

static void finish(struct sink *sink, unsigned int patience_ms)
{
	report_writer_finish(&file_of(sink)->writer, patience_ms);
	refresh(file_of(sink));
}

static int event_fd(const struct sink *sink)
{
	return report_writer_event_fd(&((const struct file *)sink)->writer);
}

static void close_file(struct sink *sink)
{
	report_writer_free(&file_of(sink)->writer);
	free(file_of(sink));
}

const struct sink_ops file_sink = {
	.name = "file",
	.open = open_file,
	.add = add,
	.flush = flush,
	.finish = finish,
	.event_fd = event_fd,
	.close = close_file,
};
