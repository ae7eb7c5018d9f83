// SPDX-License-Identifier: BSD-2-Clause
/* `flightrec doctor`: what this kernel and these privileges allow. */

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/requirements.h"
#include "collector/kernel/attachments.h"
#include "collector/kernel/tracker.h"

static void print_line(bool met, bool needed, const char *name, const char *detail)
{
	printf("%-8s%-26s%s\n", met ? "ok" : needed ? "MISSING" : "no", name, detail);
}

static void print_verified(const char *program, uint32_t count)
{
	printf("verifier: %s %u\n", program, count);
}

static void ignore_copy(void *arg, pid_t pid, uint64_t state)
{
	(void)arg;
	(void)pid;
	(void)state;
}

/* Attaches to this process's own dynamic linker, which it has in common with any other. */
static bool can_attach(struct tracker *tracker, char *detail, size_t size)
{
	struct attachments attachments;
	bool met;

	attachments_init(&attachments, tracker, true);
	attachments_scan(&attachments, getpid(), ignore_copy, NULL);
	met = !attachments.problem[0];
	snprintf(detail, size, "%s",
		 met ? "loaded, attached, and the deadline timer started" : attachments.problem);
	attachments_free(&attachments);
	return met;
}

/* The tests that count: the verifier's, and that of perf_event_open(). */
static bool can_load(char *detail, size_t size, bool verifier)
{
	struct tracker_options options = {.ring_bytes = 1 << 16, .max_recorders = 64};
	struct tracker tracker;
	bool met;

	if (tracker_open(&tracker, &options, NULL, detail, size))
		return false;
	if (verifier)
		tracker_verified(&tracker, print_verified);
	met = can_attach(&tracker, detail, size);
	tracker_close(&tracker);
	return met;
}

int cmd_doctor(const struct options *options)
{
	struct utsname kernel;
	char detail[1024] = "", reason[1024];
	bool all = true, met;

	uname(&kernel);
	printf("%s %s %s\n", kernel.sysname, kernel.release, kernel.machine);
	for (size_t i = 0; i < n_requirements; i++) {
		met = requirements[i].met(detail, sizeof(detail));
		print_line(met, requirements[i].needed, requirements[i].name, detail);
		all = all && (met || !requirements[i].needed);
	}
	if (all) {
		all = can_load(detail, sizeof(detail), options->verifier);
		print_line(all, true, "BPF programs", detail);
	}
	if (all) {
		printf("flightrec works here\n");
		return 0;
	}
	if (requirements_met(reason, sizeof(reason)))
		snprintf(reason, sizeof(reason), "%s", detail);
	fflush(stdout);
	fprintf(stderr, "flightrec: %s\n", reason);
	return EXIT_UNSUPPORTED;
}
