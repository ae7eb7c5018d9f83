// SPDX-License-Identifier: BSD-2-Clause
/* To be preloaded: the program's clocks go OTHER_CLOCK seconds ahead, as under libfaketime. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time)
{
	const char *seconds = getenv("OTHER_CLOCK");
	long err = syscall(SYS_clock_gettime, clock, time);

	if (!err && seconds)
		time->tv_sec += atol(seconds);
	return (int)err;
}
