// SPDX-License-Identifier: BSD-2-Clause
#include "cli/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/process_number.h"
#include "collector/inspection.h"

int inspect_open(struct inspection **inspection, pid_t number)
{
	enum process_number kind = process_number_look_up(number, &number);
	const char *problem = process_number_problem(kind);
	int err;

	*inspection = NULL;
	if (kind == NUMBER_OF_NONE) {
		fprintf(stderr, "flightrec: no such process: %d\n", number);
		return EXIT_NOTHING;
	}
	if (problem) {
		fprintf(stderr, "flightrec: process %d %s\n", number, problem);
		return EXIT_NOTHING;
	}
	err = inspection_open(inspection, number);
	switch (err) {
	case 0:
		return 0;
	case -ENOENT:
		fprintf(stderr,
			"flightrec: process %d keeps no memory log: it has opened no recorder, has "
			"FLIGHTREC_MEMORY=0, or does not use the flightrec library\n",
			number);
		return EXIT_NOTHING;
	case -ESRCH:
		fprintf(stderr, "flightrec: no such process: %d\n", number);
		return EXIT_NOTHING;
	case -EACCES:
	case -EPERM:
		fprintf(stderr,
			"flightrec: not permitted to read the memory of process %d: try as root\n",
			number);
		return EXIT_UNSUPPORTED;
	default:
		fprintf(stderr, "flightrec: cannot read the memory of process %d: %s\n", number,
			strerror(-err));
		return EXIT_FAILED;
	}
}
