// SPDX-License-Identifier: BSD-2-Clause
#include "collector/sink/report_writer.h"

#include <errno.h>

#include "collector/base/clock.h"

/*
 * A report of a few entries is about a kilobyte. This many are made in less than a millisecond, so
 * a finished report does not wait longer than that for others.
 */
#define GATHER_MAX 131072
/* How much may wait for a reader. */
#define WAITING_MAX (16u << 20)

int report_writer_init(struct report_writer *writer, int fd, const struct report_form *form)
{
	*writer = (struct report_writer){.form = form};
	return write_queue_open(&writer->queue, fd, WAITING_MAX);
}

void report_writer_free(struct report_writer *writer)
{
	write_queue_close(writer->queue);
	*writer = (struct report_writer){.queue = NULL};
}

static int append(struct report_writer *writer, const struct report *report)
{
	struct text_buffer *text = write_queue_text(writer->queue);
	int err;

	if (!text)
		return -ENOMEM;
	err = report_append(writer->form, &writer->form_state, text, report);
	return err ? err : write_queue_end_piece(writer->queue);
}

static void refresh(struct report_writer *writer)
{
	struct write_queue_state state;

	write_queue_state(writer->queue, &state);
	writer->lost = state.lost;
	writer->error = state.error;
}

static void hand_over(struct report_writer *writer)
{
	struct write_queue_state before, after;

	write_queue_state(writer->queue, &before);
	if (write_queue_flush(writer->queue))
		return;
	write_queue_state(writer->queue, &after);
	writer->missing += after.refused - before.refused;
}

/* Reports, before what follows a gap, that there is a gap. */
static void tell_missing(struct report_writer *writer)
{
	struct report report = {.event = REPORT_LOST, .reports_lost = writer->missing};

	if (!writer->missing || !write_queue_has_room(writer->queue))
		return;
	report.time_ns = clock_ns(CLOCK_REALTIME);
	if (append(writer, &report) == 0)
		writer->missing = 0;
}

void report_writer_add(struct report_writer *writer, const struct report *report)
{
	int err;

	tell_missing(writer);
	err = append(writer, report);
	if (err)
		write_queue_lose(writer->queue, err);
	if (write_queue_gathered(writer->queue) >= GATHER_MAX)
		hand_over(writer);
}

void report_writer_flush(struct report_writer *writer)
{
	tell_missing(writer);
	hand_over(writer);
	refresh(writer);
}

void report_writer_finish(struct report_writer *writer, unsigned int patience_ms)
{
	/* Once more afterwards, to report what there was no room for. */
	for (int i = 0; i < 2; i++) {
		tell_missing(writer);
		hand_over(writer);
		if (!write_queue_finish(writer->queue, patience_ms))
			break;
	}
	refresh(writer);
}

int report_writer_event_fd(const struct report_writer *writer)
{
	return write_queue_event_fd(writer->queue);
}
