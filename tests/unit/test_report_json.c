/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/* link: user/collector/report/names.c user/collector/report/unfinished.c */
/* link: user/collector/report/report_json_thread.c user/collector/report/frame_text.c */
/* link: user/collector/report/report_short.c */
/* link: user/collector/report/report_forms.c user/collector/report/report_text.c */
/* link: user/collector/report/report_time.c */
/* link: user/collector/report/report_json.c user/collector/report/date_cache.c */
/* libs: jansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <regex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sample_reports.h"

/* If a key comes twice, JSON has only the last one, since readers would differ. */
static void test_same_key_twice(void **state)
{
	static const struct report_context twice[] = {{"k", "1"}, {"other", "2"}, {"k", "3"}};
	static const struct report_context alike[] = {{"k\xff", "1"}, {"k\xfe", "2"}};
	struct report report = make(REPORT_FINISHED);
	char *json;

	(void)state;
	report.recorder.context = twice;
	report.recorder.n_context = 3;
	json = written("json", &report);
	assert_non_null(strstr(json, "\"context\":{\"other\":\"2\",\"k\":\"3\"}"));
	free(json);
	/* Keys that differ only in bytes that are not UTF-8 still differ. */
	report.recorder.context = alike;
	report.recorder.n_context = 2;
	json = written("json", &report);
	assert_non_null(strstr(json, "\"context\":{\"k\ufffd"
				     "ff\":\"1\",\"k\ufffd"
				     "fe\":\"2\"}"));
	free(json);
}

#define J(event) "{\"event\":\"" event "\",\"time\":\"2018-04-19T09:43:55.877000Z\","
#define J_RECORDER(exe, context, parent)                                                           \
	"\"recorder\":{\"ident\":\"Flight Recorder-1\",\"id\":1,"                                  \
	"\"name\":\"RedisCache.background_refresh\",\"pid\":4242,\"tid\":4243,\"comm\":\"cache\"," \
	"\"exe\":" exe ",\"started\":\"2018-04-19T09:43:45.876000Z\",\"timeout_ms\":10000.0,"      \
	"\"age_ms\":10400.0,\"context\":" context ",\"parent\":" parent "}"
#define J_PLAIN J_RECORDER("null", "{}", "null")
#define J_ENTRY(offset)                                                                            \
	"{\"time\":\"2018-04-19T09:43:45.876012Z\",\"offset_ms\":" offset ",\"severity\":\"INFO\"" \
	",\"message\":\"+redis_client.get('user')\",\"tid\":4243,\"file\":\"cache.c\",\"line\":21" \
	",\"function\":\"background_refresh\"}"

#define J_UNFINISHED                                                                               \
	"\"unfinished\":{\"message\":\"+redis_client.get('user')\",\"since_ms\":10399.988}"

static void test_json(void **state)
{
	struct report report = make(REPORT_TIMEOUT);

	(void)state;
	assert_json(report,
		    J("timeout") J_PLAIN ",\"entries\":[" J_ENTRY(
			    "0.012") "],\"entries_total\":1,\"entries_lost\":0," J_UNFINISHED
				     "}\n");
	assert_json(
		make_full(REPORT_REPLAY),
		J("replay") J_RECORDER(
			"\"/usr/bin/cache\"", "{\"user\":\"42\",\"host\\n\":\"\ufffd\"}",
			"3,\"adopted\":true") ",\"entries\":[" J_ENTRY("0.012") ",{\"time\":\"2018-"
										"04-19T09:43:47."
										"376000Z\","
										"\"offset_ms\":"
										"1500.0,"
										"\"severity\":"
										"\"ERROR\","
										"\"message\":\"\","
										"\"tid\":4244,"
										"\"file\":null,"
										"\"line\":null,"
										"\"function\":null}"
										"],\"entries_"
										"total\":7,"
										"\"entries_lost\":"
										"5,"
										"\"entries_gap\":{"
										"\"at\":1,\"lost\":"
										"4},\"state\":"
										"\"stopped\"}\n");
	assert_json(make(REPORT_ENTRY), J("entry") J_PLAIN ",\"entry\":" J_ENTRY("0.012") "}\n");
	assert_json(
		make_to_none(),
		J("entry") "\"pid\":77,\"comm\":\"st\\u001bray\",\"entry\":" J_ENTRY("null") "}\n");
	assert_json(make(REPORT_FINISHED), J("finished") J_PLAIN ",\"late_ms\":2345.0}\n");
	report = make(REPORT_DIED);
	assert_json(report, J("died") J_PLAIN ",\"signal\":\"SIGKILL\",\"signal_number\":9}\n");
	report.wait_status = 64 | 0x80;
	assert_json(report, J("died") J_PLAIN ",\"signal\":\"SIG64\",\"signal_number\":64,"
					      "\"core_dumped\":true}\n");
	report.wait_status = 3 << 8;
	assert_json(report, J("died") J_PLAIN ",\"exit\":3}\n");
	report.wait_status = -1;
	report.entries_total = 9;
	report.entries_lost = 2;
	assert_json(report, J("died") J_PLAIN ",\"execve\":true,\"entries_total\":9,"
					      "\"entries_lost\":2}\n");
}

static void test_json_of_what_is_missing(void **state)
{
	struct report report = make(REPORT_HELD_BACK);

	(void)state;
	report.held_back = 5;
	report.lines_per_second = 100;
	assert_json(report, J("held_back") J_PLAIN ",\"held_back\":5,\"lines_per_second\":100}\n");
	report.has_recorder = false;
	report.pid = 77;
	report.comm = "stray";
	assert_json(report, J("held_back") "\"pid\":77,\"comm\":\"stray\",\"held_back\":5,"
					   "\"lines_per_second\":100}\n");
	report = make(REPORT_LOST);
	report.reports_lost = 3;
	assert_json(report, J("lost") "\"reports_lost\":3}\n");
	report = make(REPORT_END);
	report.totals = (struct report_totals){1, 2, 3, UINT64_MAX, {5, 6, 7, 8, 9}, 10, 11};
	assert_json(report, J("end") "\"recorders_opened\":1,\"recorders_timed_out\":2,"
				     "\"entries_seen\":3,\"entries_lost\":9223372036854775807,"
				     "\"lost\":{\"ring\":5,\"share\":6,\"unreadable\":7,"
				     "\"untracked\":8,\"buffer\":9},\"recorders_untracked\":10,"
				     "\"reports_lost\":11}\n");
}

/* Whether @value has one of the types in @types: a name, or an array of names. */
static bool has_type(json_t *types, json_t *value)
{
	static const char *const names[] = {"object", "array", "string", "integer", "number"};
	const char *name = json_string_value(types);
	size_t i;

	for (i = 0; json_is_array(types) && i < json_array_size(types); i++)
		if (has_type(json_array_get(types, i), value))
			return true;
	if (!name)
		return false;
	if (json_is_null(value))
		return !strcmp(name, "null");
	if (json_is_boolean(value))
		return !strcmp(name, "boolean");
	return !strcmp(name, names[json_typeof(value)]) ||
	       (!strcmp(name, "number") && json_is_integer(value));
}

/*
 * Checks the simple part of JSON Schema: types, names, patterns. What depends on the event is
 * compared letter for letter by test_json(). Counts what is wrong with @value.
 */
static int wrong(json_t *root, json_t *schema, json_t *value)
{
	json_t *definitions = json_object_get(root, "definitions");
	const char *ref = json_string_value(json_object_get(schema, "$ref"));
	const char *pattern = json_string_value(json_object_get(schema, "pattern"));
	json_t *names = json_object_get(schema, "enum"), *item, *properties;
	json_t *constant = json_object_get(schema, "const"),
	       *type = json_object_get(schema, "type");
	const char *key;
	int n = 0, found = 0;
	regex_t regex;
	size_t i;

	if (ref)
		return wrong(root, json_object_get(definitions, strrchr(ref, '/') + 1), value);
	n += type && !has_type(type, value);
	n += constant && !json_equal(constant, value);
	json_array_foreach(names, i, item) found |= json_equal(item, value);
	n += names && !found;
	if (pattern && json_is_string(value)) {
		assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
		n += regexec(&regex, json_string_value(value), 0, NULL, 0) != 0;
		regfree(&regex);
	}
	if (json_is_number(value) && json_object_get(schema, "minimum"))
		n += json_number_value(value) <
		     json_number_value(json_object_get(schema, "minimum"));
	json_array_foreach(json_object_get(schema, "required"), i, item) n +=
		!json_object_get(value, json_string_value(item));
	if (json_object_get(schema, "items"))
		json_array_foreach(value, i, item) n +=
			wrong(root, json_object_get(schema, "items"), item);
	properties = json_object_get(schema, "properties");
	if (json_object_get(schema, "allOf") && !properties)
		return n + wrong(root, json_array_get(json_object_get(schema, "allOf"), 0), value);
	if (properties || json_object_get(schema, "additionalProperties"))
		json_object_foreach(value, key, item)
		{
			type = json_object_get(properties, key);
			if (!type)
				type = json_object_get(schema, "additionalProperties");
			/* What is not in the schema is not documented. */
			n += type ? wrong(root, type, item) : 1;
		}
	return n;
}

static const struct report_frame frames[] = {
	{.function = "f", .file = "f.c", .line = 1, .module = "m", .build_id = "0a"},
	{.times = 2, .inlined = true}};
static const struct report_syscall call = {"read", NULL, 0};
static const struct report_holder holder = {1, 2, "a"};
static const struct report_waits waits = {
	.kind = "mutex", .text = "t", .held_by = &holder, .n_held_by = 1};
static const struct report_thread thread_sample = {.tid = 1,
						   .syscall = &call,
						   .waits = &waits,
						   .state = "sleeping",
						   .frame = frames,
						   .n_frames = 2};

static void test_schema(void **state)
{
	static const char directory[] = __FILE__;
	struct report reports[] = {
		make(REPORT_TIMEOUT),     make_full(REPORT_TIMEOUT),
		make_full(REPORT_REPLAY), make(REPORT_ENTRY),
		make_to_none(),           make(REPORT_FINISHED),
		make_full(REPORT_DIED),   make(REPORT_DIED),
		make(REPORT_DIED),        make(REPORT_END),
		make(REPORT_HELD_BACK),   make(REPORT_LOST),
	};
	json_t *schema, *value, *seen = json_object(), *item;
	char path[4096], *line;
	const char *key;
	size_t i;
	int n;

	(void)state;
	snprintf(path, sizeof(path), "%.*suser/cli/report.schema.json",
		 (int)(strstr(directory, "tests/unit/") - directory), directory);
	schema = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(schema);
	reports[1].thread = &thread_sample;
	reports[7].wait_status = -1;
	reports[8].wait_status = SIGABRT | 0x80;
	reports[6].wait_status = 0;
	reports[10].held_back = 1;
	for (i = 0; i < COUNT(reports); i++) {
		line = written("json", &reports[i]);
		value = json_loads(line, 0, NULL);
		assert_int_equal(wrong(schema, schema, value), 0);
		json_object_update(seen, value);
		/* The check itself can fail: a wrong type; an unknown name and one missing. */
		json_object_foreach(value, key, item)
		{
			json_t *copy = json_copy(value);

			json_object_set_new(copy, key, json_false());
			n = wrong(schema, schema, copy);
			assert_true(n > 0);
			json_object_set_new(copy, "colour", json_false());
			json_object_del(copy, "time");
			assert_true(wrong(schema, schema, copy) >= n + 1);
			json_decref(copy);
		}
		json_decref(value);
		free(line);
	}
	json_object_foreach(json_object_get(schema, "properties"), key, item)
		assert_non_null(json_object_get(seen, key));
	json_decref(seen);
	json_decref(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_key_twice),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_of_what_is_missing),
		cmocka_unit_test(test_schema),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("report as JSON", tests, NULL, NULL);
}
