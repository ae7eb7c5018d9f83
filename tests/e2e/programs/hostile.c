// SPDX-License-Identifier: BSD-2-Clause
/*
 * hostile MODE: makes as much work as it can for whoever watches it, until it is killed
 *
 *	late	opens recorders that close late, one after the other
 *	starts	starts processes that open a recorder and end
 *	entries	logs to a recorder that has timed out
 */
#include <flightrec.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_late(void)
{
	flightrec rec = FLIGHTREC_INIT;

	flightrec_begin(&rec, "late", 1);
	flightrec_info(&rec, "an entry");
	flightrec_end(&rec);
}

static void start_process(void)
{
	pid_t child = fork();

	if (child == 0) {
		flightrec rec = FLIGHTREC_INIT;

		flightrec_begin(&rec, "started", FLIGHTREC_SEC(3600));
		flightrec_info(&rec, "an entry");
		_exit(0);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

static void log_entry(void)
{
	static flightrec rec = FLIGHTREC_INIT;

	flightrec_begin(&rec, "entries", 1); /* the first time; then it is open already */
	flightrec_info(&rec, "an entry");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*act)(void);
	} modes[] = {{"late", close_late}, {"starts", start_process}, {"entries", log_entry}};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; argc == 2 && i < sizeof(modes) / sizeof(modes[0]); i++) {
		while (!strcmp(argv[1], modes[i].name))
			modes[i].act();
	}
	fprintf(stderr, "usage: hostile late|starts|entries\n");
	return 2;
}
