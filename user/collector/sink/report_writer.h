/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes reports to a file, in lots: what becomes due in the same moment leaves in few write(2)
 * calls, each of whole reports, so that nothing that others write to the same place gets in
 * between the lines of one. Those that could not be written are counted one by one.
 * Not thread-safe.
 */
#ifndef FLIGHTREC_REPORT_WRITER_H
#define FLIGHTREC_REPORT_WRITER_H

#include "collector/base/text_buffer.h"
#include "collector/report/report_forms.h"

struct report_writer {
	int fd;
	const struct report_form *form;
	struct report_form_state form_state;
	struct text_buffer pending;
	size_t *ends; /* where in pending each report ends */
	size_t n;
	size_t room;
	bool torn;     /* the last one written was cut within a line */
	uint64_t lost; /* reports that were not written, or not whole */
	int error;     /* of the last one of these: a negative errno; 0: none was lost */
};

/* @fd stays the caller's. */
void report_writer_init(struct report_writer *writer, int fd, const struct report_form *form);
/* Does not write what is pending. */
void report_writer_free(struct report_writer *writer);

/* Takes a report, and writes those that have gathered if they are many. */
void report_writer_add(struct report_writer *writer, const struct report *report);
/* Writes what is pending: before anything is waited for. */
void report_writer_flush(struct report_writer *writer);

#endif /* FLIGHTREC_REPORT_WRITER_H */
