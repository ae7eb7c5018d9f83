/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/report/report_form.h"

#include <errno.h>
#include <flightrec.h>
#include <signal.h>

const char *report_severity_name(int severity)
{
	static const char *const names[] = {
		[FLIGHTREC_DEBUG] = "DEBUG",       [FLIGHTREC_INFO] = "INFO",
		[FLIGHTREC_WARNING] = "WARNING",   [FLIGHTREC_ERROR] = "ERROR",
		[FLIGHTREC_CRITICAL] = "CRITICAL",
	};

	if (severity < FLIGHTREC_DEBUG)
		severity = FLIGHTREC_DEBUG;
	if (severity > FLIGHTREC_CRITICAL)
		severity = FLIGHTREC_CRITICAL;
	return names[severity];
}

/* Not every libc has sigabbrev_np(), and strsignal() depends on the locale. */
const char *report_signal_name(int number)
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

	if (number < 1 || (size_t)number >= sizeof(names) / sizeof(names[0]))
		return NULL;
	return names[number];
}

const char *report_date(struct report_date dates[REPORT_DATES], uint64_t time_ns, bool local,
			void (*make)(const struct tm *tm, char *text, size_t size))
{
	time_t second = (time_t)(time_ns / 1000000000);
	struct report_date *date = &dates[(uint64_t)second % REPORT_DATES];
	struct tm tm;

	if (date->known && date->second == second)
		return date->text;
	if (!(local && localtime_r(&second, &tm)) && !gmtime_r(&second, &tm))
		memset(&tm, 0, sizeof(tm));
	make(&tm, date->text, sizeof(date->text));
	date->second = second;
	date->known = true;
	return date->text;
}

int report_form_append(struct report_form *form, struct text_buffer *to,
		       const struct report *report)
{
	size_t before = to->size;

	if (!report->has_recorder && report->event != REPORT_ENTRY && report->event != REPORT_END)
		return -EINVAL;
	if (form->format == FORMAT_JSON)
		report_json(form, to, report);
	else
		report_text(form, to, report);
	if (!to->failed)
		return 0;
	text_buffer_cut(to, before);
	return -ENOMEM;
}
