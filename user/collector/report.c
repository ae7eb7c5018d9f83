/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing a report. It is made in memory and leaves in one write(2), so that nothing that others
 * write to the same place gets in between, and a report that could not be written is known.
 */
#include "collector/report.h"

#include <errno.h>
#include <flightrec.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * The stream whose last report was cut within a line (disk full, say). The next one starts on a
 * line of its own, else a reader of JSON would lose both.
 */
static FILE *torn;

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

static int write_descriptor(int fd, const char *data, size_t size, size_t *done)
{
	struct pollfd poll_out = {.fd = fd, .events = POLLOUT};
	ssize_t n;

	while (*done < size) {
		n = write(fd, data + *done, size - *done);
		if (n > 0) {
			*done += (size_t)n;
		} else if (n == 0) {
			return -EIO;
		} else if (errno == EAGAIN) {
			/* Somebody who shares it made it non-blocking; for us it is not. */
			if (poll(&poll_out, 1, -1) < 0 && errno != EINTR)
				return -errno;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/*
 * Past stdio where there is a descriptor: stdio gives up at EINTR and EAGAIN, cuts what it writes
 * at the bounds of its buffer, and does not tell how far it came.
 */
static int write_whole(FILE *out, const char *data, size_t size)
{
	size_t done = 0;
	int fd = fileno(out);
	int error = 0;

	errno = 0;
	if (fd < 0) {
		if (fwrite(data, 1, size, out) != size || fflush(out))
			error = errno ? -errno : -EIO;
	} else if (fflush(out)) {
		error = errno ? -errno : -EIO;
	} else {
		if (torn == out)
			error = write_descriptor(fd, "\n", 1, &done);
		done = 0;
		if (!error) {
			torn = NULL;
			error = write_descriptor(fd, data, size, &done);
		}
		if (error && done && data[done - 1] != '\n')
			torn = out;
	}
	if (error)
		clearerr(out);
	return error;
}

int report_write(FILE *out, enum report_format format, const struct report *report)
{
	char *data = NULL;
	size_t size = 0;
	FILE *memory;
	int error;

	if (!report->has_recorder && report->event != REPORT_ENTRY && report->event != REPORT_END)
		return -EINVAL;

	memory = open_memstream(&data, &size);
	if (!memory)
		return -errno;
	if (format == FORMAT_JSON)
		error = report_json(memory, report);
	else
		error = report_text(memory, format, report);
	if (ferror(memory) && !error)
		error = -ENOMEM;
	if (fclose(memory) && !error)
		error = -ENOMEM;
	if (!error && size)
		error = write_whole(out, data, size);
	free(data);
	return error;
}
