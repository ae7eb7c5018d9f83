// SPDX-License-Identifier: BSD-2-Clause
/* `flightrec doctor`: what this kernel and these privileges allow. */

#include <stdio.h>
#include <sys/utsname.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/requirements.h"
#include "collector/base/message.h"
#include "collector/session.h"

static void print_line(bool met, bool needed, const char *name, const char *detail)
{
	printf("%-8s%-26s%s\n", met ? "ok" : needed ? "MISSING" : "no", name, detail);
}

static void print_verified(const char *program, uint32_t count)
{
	printf("verifier: %s %u\n", program, count);
}

static void print_stacks(const struct options *options)
{
	char error[1024] = "";
	bool met = session_try_stacks(options->verifier ? print_verified : NULL, error,
				      sizeof(error)) == 0;

	print_line(met, false, "stacks",
		   met ? "of threads that hang, without stopping them" : error);
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
		all = session_try(options->verifier ? print_verified : NULL, detail,
				  sizeof(detail)) == 0;
		print_line(all, true, "BPF programs",
			   all ? "loaded, attached, and the deadline timer started" : detail);
	}
	if (all) {
		print_stacks(options);
		printf("flightrec works here\n");
		return 0;
	}
	if (requirements_met(reason, sizeof(reason)))
		snprintf(reason, sizeof(reason), "%s", detail);
	fflush(stdout);
	message("%s", reason);
	return EXIT_UNSUPPORTED;
}
