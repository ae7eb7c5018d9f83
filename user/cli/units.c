// SPDX-License-Identifier: BSD-2-Clause
#include "cli/units.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	double factor;
};

static int parse_with_unit(const char *text, const struct unit *units, uint64_t *value)
{
	double number, result;
	char *end;

	/* strtod() also takes blanks, signs, "inf" and hexadecimal numbers. */
	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return -EINVAL;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return -EINVAL;
	number = strtod(text, &end);
	if (end == text)
		return -EINVAL;
	for (; units->name; units++) {
		if (strcasecmp(end, units->name) == 0)
			break;
	}
	if (!units->name)
		return -EINVAL;
	result = number * units->factor + 0.5;
	if (!isfinite(result) || result < 1 || result >= (double)INT64_MAX)
		return -EINVAL;
	*value = (uint64_t)result;
	return 0;
}

int parse_duration(const char *text, uint64_t *ns)
{
	static const struct unit units[] = {
		{"ns", 1},     {"us", 1e3},   {"ms", 1e6},    {"s", 1e9}, {"m", 60e9},
		{"min", 60e9}, {"h", 3600e9}, {"d", 86400e9}, {NULL, 0},
	};

	return parse_with_unit(text, units, ns);
}

int parse_size(const char *text, uint64_t *bytes)
{
	static const struct unit units[] = {
		{"", 1},          {"B", 1},        {"K", 1 << 10},   {"KB", 1 << 10},
		{"KiB", 1 << 10}, {"M", 1 << 20},  {"MB", 1 << 20},  {"MiB", 1 << 20},
		{"G", 1 << 30},   {"GB", 1 << 30}, {"GiB", 1 << 30}, {NULL, 0},
	};

	return parse_with_unit(text, units, bytes);
}

int parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *count)
{
	unsigned long long number;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || *end || number < min || number > max)
		return -EINVAL;
	*count = number;
	return 0;
}

static int add_pid(pid_t pid, pid_t **pids, size_t *count)
{
	pid_t *more;

	for (size_t i = 0; i < *count; i++) {
		if ((*pids)[i] == pid)
			return 0;
	}
	more = reallocarray(*pids, *count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	more[(*count)++] = pid;
	*pids = more;
	return 0;
}

int parse_pids(const char *text, pid_t **pids, size_t *count)
{
	size_t found = 0;

	for (;;) {
		long pid;
		char *end;
		int err;

		text += strspn(text, ", \t\n");
		if (!*text)
			return found ? 0 : -EINVAL;
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		errno = 0;
		pid = strtol(text, &end, 10);
		if (errno || pid <= 0 || pid > INT_MAX || (*end && !strchr(", \t\n", *end)))
			return -EINVAL;
		err = add_pid((pid_t)pid, pids, count);
		if (err)
			return err;
		found++;
		text = end;
	}
}

int parse_severity(const char *text)
{
	static const char *const names[] = {"debug", "info", "warning", "error", "critical"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(text, names[i]) == 0)
			return (int)i;
	}
	return -EINVAL;
}
