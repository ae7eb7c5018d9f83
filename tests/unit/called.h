/* SPDX-License-Identifier: BSD-2-Clause */
/* A log of what the fakes of a test were called for. To be included after <cmocka.h>. */
#ifndef FLIGHTREC_UNIT_CALLED_H
#define FLIGHTREC_UNIT_CALLED_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char calls[1024];

__attribute__((format(printf, 1, 2))) static void called(const char *format, ...)
{
	size_t length = strlen(calls);
	va_list args;

	va_start(args, format);
	vsnprintf(calls + length, sizeof(calls) - length, format, args);
	va_end(args);
}

/* Compares what was called since the last time. */
static void expect_called(const char *what)
{
	assert_string_equal(calls, what);
	calls[0] = '\0';
}

#endif /* FLIGHTREC_UNIT_CALLED_H */
