// SPDX-License-Identifier: BSD-2-Clause
#include "collector/kernel/libbpf_message.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

static char last_message[512];
static bool has_verdict;

/*
 * The verifier's verdict is the last line of its log, except for the line that counts instructions.
 */
static bool keep_verdict(const char *message)
{
	static const char begin[] = "-- BEGIN PROG LOAD LOG --\n";
	const char *log = strstr(message, begin);
	const char *end = log ? strstr(log + strlen(begin), "\nprocessed ") : NULL;
	const char *line = end;
	int program = (int)strcspn(message, "-");

	if (!end)
		return false;
	while (line[-1] != '\n')
		line--;
	snprintf(last_message, sizeof(last_message), "%.*s%.*s", program, message,
		 (int)(end - line), line);
	return true;
}

static int keep_message(enum libbpf_print_level level, const char *format, va_list args)
{
	char *message;

	if (level != LIBBPF_WARN || has_verdict || vasprintf(&message, format, args) < 0)
		return 0;
	has_verdict = keep_verdict(message);
	if (!has_verdict)
		snprintf(last_message, sizeof(last_message), "%s", message);
	free(message);
	return 0;
}

void libbpf_message_keep(void)
{
	libbpf_set_print(keep_message);
	last_message[0] = '\0';
	has_verdict = false;
}

const char *libbpf_message(void)
{
	char *end = strchr(last_message, '\n');

	if (end)
		*end = '\0';
	return last_message;
}
