/* SPDX-License-Identifier: BSD-2-Clause */
/* Captures what is written to standard error between capture_begin() and capture_end(). */
#ifndef FLIGHTREC_UNIT_CAPTURED_H
#define FLIGHTREC_UNIT_CAPTURED_H

#include <stdio.h>
#include <unistd.h>

static int real_stderr = -1;
static FILE *captured_file;
static char captured[16384];

/* Returns 0, or -1. */
static inline int capture_begin(void)
{
	fflush(stderr);
	real_stderr = dup(STDERR_FILENO);
	captured_file = tmpfile();
	return captured_file && dup2(fileno(captured_file), STDERR_FILENO) >= 0 ? 0 : -1;
}

/* What was written so far. */
static inline const char *captured_so_far(void)
{
	ssize_t n;

	fflush(stderr);
	n = pread(fileno(captured_file), captured, sizeof(captured) - 1, 0);
	captured[n > 0 ? n : 0] = '\0';
	return captured;
}

/* Returns all that was written. */
static inline const char *capture_end(void)
{
	captured_so_far();
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	fclose(captured_file);
	return captured;
}

#endif /* FLIGHTREC_UNIT_CAPTURED_H */
