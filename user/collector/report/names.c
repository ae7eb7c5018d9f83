// SPDX-License-Identifier: BSD-2-Clause
#include "collector/report/names.h"

#include <errno.h>
#include <flightrec.h>
#include <signal.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *name;
	const char *word;
	const char *alias; /* or NULL */
} severities[] = {
	[FLIGHTREC_DEBUG] = {"DEBUG", "debug", NULL},
	[FLIGHTREC_INFO] = {"INFO", "info", NULL},
	[FLIGHTREC_WARNING] = {"WARNING", "warning", "warn"},
	[FLIGHTREC_ERROR] = {"ERROR", "error", NULL},
	[FLIGHTREC_CRITICAL] = {"CRITICAL", "critical", NULL},
};

const char *severity_name(int severity)
{
	if (severity < FLIGHTREC_DEBUG)
		severity = FLIGHTREC_DEBUG;
	if (severity > FLIGHTREC_CRITICAL)
		severity = FLIGHTREC_CRITICAL;
	return severities[severity].name;
}

const char *severity_word(size_t severity)
{
	return severity < COUNT(severities) ? severities[severity].word : NULL;
}

int severity_parse(const char *word)
{
	for (size_t i = 0; i < COUNT(severities); i++) {
		const char *alias = severities[i].alias;

		if (!strcasecmp(word, severities[i].word) || (alias && !strcasecmp(word, alias)))
			return (int)i;
	}
	return -EINVAL;
}

/* Not every libc has sigabbrev_np(), and strsignal() depends on the locale. */
const char *signal_name(int number)
{
#define NAME(signal) [signal] = #signal
	static const char *const names[] = {
		NAME(SIGHUP),    NAME(SIGINT),   NAME(SIGQUIT), NAME(SIGILL),  NAME(SIGTRAP),
		NAME(SIGABRT),   NAME(SIGBUS),   NAME(SIGFPE),  NAME(SIGKILL), NAME(SIGUSR1),
		NAME(SIGSEGV),   NAME(SIGUSR2),  NAME(SIGPIPE), NAME(SIGALRM), NAME(SIGTERM),
		NAME(SIGCHLD),   NAME(SIGCONT),  NAME(SIGSTOP), NAME(SIGTSTP), NAME(SIGTTIN),
		NAME(SIGTTOU),   NAME(SIGURG),   NAME(SIGXCPU), NAME(SIGXFSZ), NAME(SIGVTALRM),
		NAME(SIGPROF),   NAME(SIGWINCH), NAME(SIGIO),   NAME(SIGPWR),  NAME(SIGSYS),
#ifdef SIGSTKFLT
		NAME(SIGSTKFLT),
#endif
	};
#undef NAME

	return number >= 1 && (size_t)number < COUNT(names) ? names[number] : NULL;
}

const char *event_name(enum report_event event)
{
	static const char *const names[] = {
		[REPORT_TIMEOUT] = "timeout", [REPORT_REPLAY] = "replay",
		[REPORT_ENTRY] = "entry",     [REPORT_FINISHED] = "finished",
		[REPORT_DIED] = "died",       [REPORT_HELD_BACK] = "held_back",
		[REPORT_LOST] = "lost",       [REPORT_END] = "end",
	};

	return (size_t)event < COUNT(names) ? names[event] : "";
}
