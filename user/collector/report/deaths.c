// SPDX-License-Identifier: BSD-2-Clause
#include "collector/report/deaths.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static const char *const words[] = {
	[DEATHS_CRASH] = "crash", [DEATHS_NONE] = "none", [DEATHS_ALL] = "all"};

#define WORDS (sizeof(words) / sizeof(words[0]))

const char *deaths_word(size_t number)
{
	return number < WORDS ? words[number] : NULL;
}

int deaths_parse(const char *word)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (!strcmp(word, words[i]))
			return (int)i;
	}
	return -EINVAL;
}

/* Of signal(7): those that dump core, whether one was written or not. */
static bool is_crash(int number)
{
	switch (number) {
	case SIGKILL:
	case SIGQUIT:
	case SIGILL:
	case SIGTRAP:
	case SIGABRT:
	case SIGBUS:
	case SIGFPE:
	case SIGSEGV:
	case SIGSYS:
	case SIGXCPU:
	case SIGXFSZ:
		return true;
	default:
		return false;
	}
}

bool deaths_include(enum deaths deaths, int status)
{
	return deaths == DEATHS_ALL ||
	       (deaths == DEATHS_CRASH && WIFSIGNALED(status) && is_crash(WTERMSIG(status)));
}
