// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "cli/attach.h"
#include "cli/doctor.h"
#include "cli/options.h"
#include "cli/run.h"
#include "flightrec.h"

static const char help[] =
	"Usage: flightrec run [OPTION...] [--] COMMAND [ARG...]     start COMMAND and watch it\n"
	"       flightrec attach [OPTION...] -p PID[,PID...] | -a   watch running processes\n"
	"       flightrec doctor                                    what is possible here\n"
	"       flightrec --version | --help\n"
	"\n"
	"Replays the log of recorders (see flightrec.h) that exceed their timeout, while the\n"
	"program that opened them still hangs.\n"
	"\n"
	"  -o, --output FILE          write replays to FILE (attach: standard output,\n"
	"                             run: standard error)\n"
	"      --format FORMAT        text, detail or json\n"
	"      --json                 the same as --format json: one object a line\n"
	"      --min-severity LEVEL   leave out entries below debug, info, warning, error, "
	"critical\n"
	"      --timeout DURATION     in place of every recorder's own, such as 250ms, 10s, 5m\n"
	"      --duration DURATION    stop watching after this long\n"
	"      --max-reports N        stop watching after N replays\n"
	"      --buffer SIZE          ring buffers in the kernel, such as 64M (16M)\n"
	"      --max-recorders N      recorders that can be open at once (131072: about 36 MiB)\n"
	"  -q, --quiet                no totals at the end\n"
	"  -v, --verbose              say more about what is being done\n"
	"\n"
	"Exit status: of run, COMMAND's, or 128+N if signal N killed it. Otherwise 0 fine,\n"
	"1 run-time error, 2 usage, 3 nothing to attach to, 4 not permitted or not supported.\n";

static int watch(bool run, int argc, char **argv)
{
	struct options options;
	int status = options_parse(&options, run, argc, argv);

	if (!status)
		status = run ? run_command(&options) : attach_processes(&options);
	options_free(&options);
	return status;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (strcmp(command, "run") == 0)
		return watch(true, argc - 1, argv + 1);
	if (strcmp(command, "attach") == 0)
		return watch(false, argc - 1, argv + 1);
	if (strcmp(command, "doctor") == 0)
		return doctor(argc - 1, argv + 1);
	if (strcmp(command, "--version") == 0 || strcmp(command, "-V") == 0) {
		printf("flightrec %s\n", FLIGHTREC_VERSION_STRING);
		return 0;
	}
	if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0 ||
	    strcmp(command, "help") == 0) {
		fputs(help, stdout);
		return 0;
	}
	if (argc > 1)
		fprintf(stderr, "flightrec: unknown command '%s'; try flightrec --help\n", command);
	else
		fputs(help, stderr);
	return EXIT_USAGE;
}
