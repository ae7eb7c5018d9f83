/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jsoncheck valid FILE			each line is an event as user/cli/report.schema.json has it
 * jsoncheck get FILE EVENT PATH...	of each such event, the values at the paths, with tabs
 *					between; PATH: a.b.c, a number for an item, # for how many,
 *					* for all items with commas between
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned int line_number;

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "jsoncheck: line %u: ", line_number);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

/* ---- get ---- */

static void print_value(const json_t *value)
{
	char *text;

	if (json_is_string(value)) {
		fputs(json_string_value(value), stdout);
	} else if (!value) {
		fputs("missing", stdout);
	} else {
		text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS |
						 JSON_REAL_PRECISION(15));
		fputs(text, stdout);
		free(text);
	}
}

static void print_path(const json_t *value, const char *path)
{
	char key[64];
	size_t length = strcspn(path, ".");
	const char *rest = path[length] ? path + length + 1 : "";

	if (!*path || !value) {
		print_value(value);
		return;
	}
	snprintf(key, sizeof(key), "%.*s", (int)length, path);
	if (strcmp(key, "#") == 0) {
		printf("%zu", json_array_size(value));
	} else if (strcmp(key, "*") == 0) {
		for (size_t i = 0; i < json_array_size(value); i++) {
			if (i)
				putchar(',');
			print_path(json_array_get(value, i), rest);
		}
	} else if (json_is_array(value)) {
		print_path(json_array_get(value, strtoul(key, NULL, 10)), rest);
	} else {
		print_path(json_object_get(value, key), rest);
	}
}

static void get(const json_t *object, const char *event, char **paths)
{
	const char *name = json_string_value(json_object_get(object, "event"));

	if (!name || strcmp(name, event) != 0)
		return;
	for (char **path = paths; *path; path++) {
		if (path != paths)
			putchar('\t');
		print_path(object, *path);
	}
	putchar('\n');
}

/* ---- valid ---- */

/* @types: s string, i integer, n number, o object, a array, 0 null */
static json_t *field(const json_t *object, const char *key, const char *types)
{
	json_t *value = json_object_get(object, key);
	char type;

	if (!value)
		fail("no %s", key);
	type = json_is_string(value)    ? 's'
	       : json_is_integer(value) ? 'i'
	       : json_is_real(value)    ? 'n'
	       : json_is_object(value)  ? 'o'
	       : json_is_array(value)   ? 'a'
	       : json_is_null(value)    ? '0'
					: '?';
	if (!strchr(types, type) && !(type == 'i' && strchr(types, 'n')))
		fail("%s is of type %c, not %s", key, type, types);
	return value;
}

static void check_time(const json_t *object, const char *key)
{
	const char *time = json_string_value(field(object, key, "s"));
	static const char form[] = "0000-00-00T00:00:00.000000Z";

	if (strlen(time) != strlen(form))
		fail("%s: %s", key, time);
	for (size_t i = 0; form[i]; i++) {
		if (form[i] == '0' ? time[i] < '0' || time[i] > '9' : time[i] != form[i])
			fail("%s: %s", key, time);
	}
}

static void check_recorder(const json_t *recorder)
{
	char ident[64];
	const char *key;
	json_t *value;
	double timeout, age;

	snprintf(ident, sizeof(ident), "Flight Recorder-%" JSON_INTEGER_FORMAT,
		 json_integer_value(field(recorder, "id", "i")));
	if (strcmp(json_string_value(field(recorder, "ident", "s")), ident) != 0)
		fail("ident is not %s", ident);
	field(recorder, "name", "s");
	field(recorder, "pid", "i");
	field(recorder, "tid", "i");
	field(recorder, "comm", "s");
	field(recorder, "exe", "s0");
	field(recorder, "parent", "i0");
	check_time(recorder, "started");
	timeout = json_number_value(field(recorder, "timeout_ms", "n"));
	age = json_number_value(field(recorder, "age_ms", "n"));
	if (timeout <= 0 || age < 0)
		fail("timeout_ms %f, age_ms %f", timeout, age);
	json_object_foreach(field(recorder, "context", "o"), key, value)
	{
		if (!json_is_string(value))
			fail("context %s is no string", key);
	}
}

static void check_entry(const json_t *entry)
{
	static const char *const severities[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
	const char *severity = json_string_value(field(entry, "severity", "s"));
	bool known = false;

	check_time(entry, "time");
	field(entry, "offset_ms", "n0");
	field(entry, "message", "s");
	field(entry, "tid", "i");
	field(entry, "file", "s0");
	field(entry, "line", "i0");
	field(entry, "function", "s0");
	for (size_t i = 0; i < 5; i++)
		known |= strcmp(severity, severities[i]) == 0;
	if (!known)
		fail("severity %s", severity);
}

static void check_thread(const json_t *thread)
{
	const json_t *stack = field(thread, "stack", "a");
	size_t i;
	json_t *frame;

	field(thread, "tid", "i");
	field(thread, "state", "s0");
	field(thread, "stack_end", "s0");
	field(thread, "kernel_stack", "a");
	json_array_foreach(stack, i, frame)
	{
		field(frame, "pc", "s");
		field(frame, "function", "s0");
		field(frame, "offset", "i");
		field(frame, "file", "s0");
		field(frame, "line", "i0");
		field(frame, "module", "s0");
		field(frame, "build_id", "s0");
		if (!json_is_boolean(json_object_get(frame, "inlined")))
			fail("inlined");
	}
}

static void check_replay(const json_t *object)
{
	const json_t *entries = field(object, "entries", "a");
	size_t i;
	json_t *entry;

	json_array_foreach(entries, i, entry) check_entry(entry);
	if (json_integer_value(field(object, "entries_total", "i")) !=
	    (json_int_t)json_array_size(entries) +
		    json_integer_value(field(object, "entries_lost", "i")))
		fail("entries_total is not what is there and what is lost");
	if (json_object_get(object, "thread"))
		check_thread(field(object, "thread", "o"));
}

static void check_event(const json_t *object)
{
	const char *event = json_string_value(field(object, "event", "s"));

	check_time(object, "time");
	if (json_object_get(object, "recorder"))
		check_recorder(field(object, "recorder", "o"));
	else if (strcmp(event, "entry") == 0 || strcmp(event, "held_back") == 0)
		field(object, "pid", "i");
	else if (strcmp(event, "end") != 0)
		fail("%s without recorder", event);

	if (strcmp(event, "timeout") == 0 || strcmp(event, "replay") == 0) {
		check_replay(object);
	} else if (strcmp(event, "entry") == 0) {
		check_entry(field(object, "entry", "o"));
	} else if (strcmp(event, "held_back") == 0) {
		field(object, "comm", "s");
		field(object, "held_back", "i");
		field(object, "lines_per_second", "i");
	} else if (strcmp(event, "finished") == 0) {
		field(object, "late_ms", "n");
	} else if (strcmp(event, "died") == 0) {
		if (!json_object_get(object, "exit") && !json_object_get(object, "signal") &&
		    !json_object_get(object, "execve"))
			fail("how did it die?");
	} else if (strcmp(event, "end") == 0) {
		field(object, "recorders_opened", "i");
		field(object, "recorders_timed_out", "i");
		field(object, "entries_seen", "i");
		field(object, "entries_lost", "i");
		field(object, "lost", "o");
	} else {
		fail("event %s", event);
	}
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	FILE *file;
	bool valid;

	if (argc < 3)
		return 2;
	valid = strcmp(argv[1], "valid") == 0;
	if (!valid && argc < 5)
		return 2;
	file = fopen(argv[2], "r");
	if (!file) {
		perror(argv[2]);
		return 1;
	}
	while ((length = getline(&line, &size, file)) > 0) {
		json_error_t error;
		json_t *object;

		line_number++;
		if (line[length - 1] != '\n')
			fail("no newline at the end");
		/* What others wrote to the same place. */
		if (strncmp(line, "flightrec: ", 11) == 0)
			continue;
		object = json_loadb(line, (size_t)length, JSON_REJECT_DUPLICATES, &error);
		if (!object)
			fail("%s at column %d", error.text, error.column);
		if (valid)
			check_event(object);
		else
			get(object, argv[3], argv + 4);
		json_decref(object);
	}
	free(line);
	fclose(file);
	return 0;
}
