// SPDX-License-Identifier: BSD-2-Clause
/*
 * flood MILLISECONDS: logs as fast as it can, beside a process that logs an entry a millisecond,
 * each to one recorder, "flood" and "quiet", which ask for a replay at the end. Prints how many
 * entries each emitted, and how many a second the first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "flightrec.h"
#include "measure.h"

#define ENTRIES_EACH 1000
#define TIMEOUT FLIGHTREC_SEC(600)

static uint64_t flood(uint64_t end_ns)
{
	uint64_t emitted = 0;

	FLIGHTREC_SCOPE(rec, "flood", TIMEOUT) {
		while (now_ns() < end_ns) {
			for (int i = 0; i < ENTRIES_EACH; i++)
				flightrec_info(rec, "got %d of %s", i, "user:1000042");
			emitted += ENTRIES_EACH;
		}
		flightrec_replay(rec);
	}
	return emitted;
}

static uint64_t quiet(uint64_t end_ns)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	uint64_t emitted = 0;

	FLIGHTREC_SCOPE(rec, "quiet", TIMEOUT) {
		while (now_ns() < end_ns) {
			flightrec_info(rec, "still here, %d", (int)emitted);
			emitted++;
			nanosleep(&pause, NULL);
		}
		flightrec_replay(rec);
	}
	return emitted;
}

int main(int argc, char **argv)
{
	uint64_t ms = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
	uint64_t start_ns, end_ns, emitted, *beside;
	int status;
	pid_t child;

	pin_to_cpu(1);
	check_watchers(flightrec_watch_);
	beside = mmap(NULL, sizeof(*beside), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (beside == MAP_FAILED)
		fail("no memory");
	start_ns = now_ns();
	end_ns = start_ns + ms * 1000000;
	child = fork();
	if (child < 0)
		fail("cannot fork");
	if (!child) {
		*beside = quiet(end_ns);
		_exit(0);
	}
	emitted = flood(end_ns);
	printf("flood_rate %.0f\n", (double)emitted * 1e9 / (double)(now_ns() - start_ns));
	if (waitpid(child, &status, 0) != child || status)
		fail("the quiet process failed");
	printf("flood_emitted %lu\n", emitted);
	printf("quiet_emitted %lu\n", *beside);
	return 0;
}
