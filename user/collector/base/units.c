// SPDX-License-Identifier: BSD-2-Clause
#include "collector/base/units.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* An exact decimal fraction: digits * 10^exponent. */
struct decimal {
	uint64_t digits;
	long exponent;
};

/* Returns where the number ends, or NULL if there is none or it is too long to keep exactly. */
static const char *read_decimal(const char *text, struct decimal *number)
{
	bool any = false, point = false;

	*number = (struct decimal){0, 0};
	for (; isdigit((unsigned char)*text) || (*text == '.' && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		any = true;
		if (__builtin_mul_overflow(number->digits, 10, &number->digits) ||
		    __builtin_add_overflow(number->digits, (uint64_t)(*text - '0'),
					   &number->digits))
			return NULL;
		number->exponent -= point;
	}
	if (!any)
		return NULL;
	if ((*text == 'e' || *text == 'E') && isdigit((unsigned char)text[1])) {
		char *end;

		/* ULONG_MAX on overflow, which no valid result reaches. */
		long exponent = strtol(text + 1, &end, 10);

		number->exponent += exponent < 100 ? exponent : 100;
		text = end;
	}
	return text;
}

/* Returns 0, or -EINVAL if @number times @factor is not a whole number below 2^63. */
static int scale(const struct decimal *number, uint64_t factor, uint64_t *result)
{
	unsigned __int128 value = (unsigned __int128)number->digits * factor;
	long exponent = number->exponent;

	for (; value && exponent < 0; exponent++) {
		if (value % 10)
			return -EINVAL;
		value /= 10;
	}
	for (; value && exponent > 0; exponent--) {
		if (value > INT64_MAX)
			return -EINVAL;
		value *= 10;
	}
	if (value > INT64_MAX)
		return -EINVAL;
	*result = (uint64_t)value;
	return 0;
}

static const struct unit *find_unit(const struct unit *units, const char *name, size_t length)
{
	for (; units->name; units++) {
		if (strlen(units->name) == length && strncasecmp(name, units->name, length) == 0)
			return units;
	}
	return NULL;
}

/* Parses a number and its unit. Returns where they end, or NULL. */
static const char *parse_part(const char *text, const struct unit *units, const struct unit **unit,
			      uint64_t *value)
{
	struct decimal number;
	size_t length;

	text = read_decimal(text, &number);
	if (!text)
		return NULL;
	for (length = 0; isalpha((unsigned char)text[length]); length++)
		;
	*unit = find_unit(units, text, length);
	if (!*unit || scale(&number, (*unit)->factor, value))
		return NULL;
	return text + length;
}

int parse_duration(const char *text, uint64_t *ns)
{
	static const struct unit units[] = {
		{"ns", 1},
		{"us", 1000},
		{"ms", 1000000},
		{"s", 1000000000},
		{"m", 60000000000},
		{"min", 60000000000},
		{"h", 3600000000000},
		{"d", 86400000000000},
		{NULL, 0},
	};
	const struct unit *unit;
	uint64_t total = 0, part, shortest = UINT64_MAX;

	do {
		text = parse_part(text, units, &unit, &part);
		if (!text || unit->factor >= shortest || part > INT64_MAX - total)
			return -EINVAL;
		shortest = unit->factor;
		total += part;
	} while (*text);
	if (!total)
		return -EINVAL;
	*ns = total;
	return 0;
}

int parse_size(const char *text, uint64_t *bytes)
{
	static const struct unit units[] = {
		{"", 1},          {"B", 1},        {"K", 1 << 10},   {"KB", 1 << 10},
		{"KiB", 1 << 10}, {"M", 1 << 20},  {"MB", 1 << 20},  {"MiB", 1 << 20},
		{"G", 1 << 30},   {"GB", 1 << 30}, {"GiB", 1 << 30}, {NULL, 0},
	};
	const struct unit *unit;
	uint64_t size;

	text = parse_part(text, units, &unit, &size);
	if (!text || *text || !size)
		return -EINVAL;
	*bytes = size;
	return 0;
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
