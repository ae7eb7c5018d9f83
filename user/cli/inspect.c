// SPDX-License-Identifier: BSD-2-Clause
#include "cli/inspect.h"

#include <errno.h>
#include <string.h>

#include "cli/command.h"
#include "cli/process_number.h"
#include "collector/base/message.h"
#include "collector/inspection.h"

int inspect_open(struct inspection **inspection, pid_t number)
{
	enum process_number kind = process_number_look_up(number, &number);
	const char *problem = process_number_problem(kind);
	int err;

	*inspection = NULL;
	if (kind == NUMBER_OF_NONE) {
		message("no such process: %d", number);
		return EXIT_NOTHING;
	}
	if (problem) {
		message("process %d %s", number, problem);
		return EXIT_NOTHING;
	}
	err = inspection_open(inspection, number);
	switch (err) {
	case 0:
		return 0;
	case -ENOENT:
		message("process %d keeps no memory log: it has opened no recorder, has "
			"FLIGHTREC_MEMORY=0, or does not use the flightrec library",
			number);
		return EXIT_NOTHING;
	case -ESRCH:
		message("no such process: %d", number);
		return EXIT_NOTHING;
	case -EACCES:
	case -EPERM:
		message("not permitted to read the memory of process %d: try as root", number);
		return EXIT_UNSUPPORTED;
	default:
		message("cannot read the memory of process %d: %s", number, strerror(-err));
		return EXIT_FAILED;
	}
}

int64_t inspect_ns(uint64_t ns)
{
	return (int64_t)(ns < INT64_MAX ? ns : INT64_MAX);
}

int64_t inspect_left_ns(const struct report_recorder *recorder)
{
	int64_t age = inspect_ns(recorder->age_ns), from = inspect_ns(recorder->extended_ns);

	return inspect_ns(recorder->timeout_ns) - (from < age ? age - from : 0);
}

const char *inspect_last(const struct report *report)
{
	struct report_entry entry;

	if (!report->n_entries)
		return NULL;
	report->entry(report, report->n_entries - 1, &entry);
	return entry.message;
}
