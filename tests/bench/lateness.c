// SPDX-License-Identifier: BSD-2-Clause
/*
 * lateness DEADLINES REPORTS: how much later than its deadline each recorder was reported.
 * Prints the median, the 99th percentile and the maximum, in ms; how many were not reported;
 * and how many were reported too early.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "measure.h"

/* Reports carry whole microseconds. */
#define EARLY_NS 2000

static double *late_ms;
static size_t count, early;

static uint64_t parse_time(const char *text)
{
	struct tm tm = {0};
	const char *fraction = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	if (!fraction)
		return 0;
	return (uint64_t)timegm(&tm) * 1000000000 + (uint64_t)(strtod(fraction, NULL) * 1e9 + 0.5);
}

static void take_report(const char *line, const uint64_t *deadlines, size_t n)
{
	json_t *report = json_loads(line, 0, NULL);
	const char *event = json_string_value(json_object_get(report, "event"));
	json_t *recorder = json_object_get(report, "recorder");
	size_t id = (size_t)json_integer_value(json_object_get(recorder, "id"));
	uint64_t time_ns = parse_time(json_string_value(json_object_get(report, "time")));

	if (event && !strcmp(event, "timeout") && id < n && deadlines[id]) {
		if (time_ns + EARLY_NS < deadlines[id])
			early++;
		late_ms[count++] = ((double)time_ns - (double)deadlines[id]) / 1e6;
	}
	json_decref(report);
}

int main(int argc, char **argv)
{
	uint64_t *deadlines = NULL, deadline;
	size_t n = 0, id, expected = 0, room = 0;
	char *line = NULL;
	FILE *file;

	file = argc == 3 ? fopen(argv[1], "re") : NULL;
	if (!file)
		fail("usage: lateness DEADLINES REPORTS");
	while (fscanf(file, "%zu %lu", &id, &deadline) == 2) {
		if (id >= n) {
			deadlines = reallocarray(deadlines, id + 1, sizeof(*deadlines));
			if (!deadlines)
				fail("no memory");
			memset(deadlines + n, 0, (id + 1 - n) * sizeof(*deadlines));
			n = id + 1;
		}
		deadlines[id] = deadline;
		expected++;
	}
	fclose(file);
	late_ms = calloc(expected + 1, sizeof(*late_ms));
	file = fopen(argv[2], "re");
	if (!late_ms || !file)
		fail(argv[2]);
	while (getline(&line, &room, file) > 0 && count < expected)
		take_report(line, deadlines, n);
	fclose(file);
	printf("p50 %.3f\n", median(late_ms, count));
	printf("p99 %.3f\n", count ? late_ms[(count * 99 + 99) / 100 - 1] : 0.0);
	printf("max %.3f\n", count ? late_ms[count - 1] : 0.0);
	printf("missing %zu\n", expected - count);
	printf("early %zu\n", early);
	free(line);
	free(late_ms);
	free(deadlines);
	return 0;
}
