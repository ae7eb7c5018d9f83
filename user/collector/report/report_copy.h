/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports that are kept for a while: everything they borrow is copied. */
#ifndef FLIGHTREC_REPORT_COPY_H
#define FLIGHTREC_REPORT_COPY_H

#include "collector/report/report.h"

struct report_copy;

/* Returns NULL if there is no memory, or if it takes more than @most bytes. */
struct report_copy *report_copy_new(const struct report *report, size_t most);
void report_copy_free(struct report_copy *copy);

struct report *report_copy_get(struct report_copy *copy);
size_t report_copy_size(const struct report_copy *copy);

#endif /* FLIGHTREC_REPORT_COPY_H */
