/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off */
/* link: user/collector/escape.c user/collector/text_buffer.c user/collector/report_form.c user/collector/report_text.c user/collector/report_json.c */
/* clang-format on */
/* libs: jansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <flightrec.h>
#include <jansson.h>
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "collector/report_form.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS UINT64_C(1000000)
#define STARTED (UINT64_C(1524131025876) * MS) /* Thu Apr 19 09:43:45.876 2018 UTC */
#define NOW (STARTED + 10001 * MS)
#define P "[2018-04-19 09:43:55,877: "
#define R "]: [Flight Recorder-1] "
#define WHO                                                                                        \
	P "INFO" R "RedisCache.background_refresh: cache[4242] thread 4243, timeout 10 s, "        \
	  "open for 10.4 s"

static const struct report_context user_42[] = {{"user", "42"}, {"host\n", "\xff"}};

static const struct report_entry two_entries[] = {
	{.time_ns = STARTED + 12000,
	 .offset_ns = 12000,
	 .severity = FLIGHTREC_INFO,
	 .tid = 4243,
	 .line = 21,
	 .message = "+redis_client.get('user')",
	 .file = "cache.c",
	 .function = "background_refresh"},
	{.time_ns = STARTED + 1500 * MS,
	 .offset_ns = 1500 * MS,
	 .severity = FLIGHTREC_ERROR,
	 .tid = 4244,
	 .message = ""},
};

static void nth_entry(const struct report *report, size_t index, struct report_entry *entry)
{
	*entry = ((const struct report_entry *)report->entries)[index];
}

static struct report make(enum report_event event)
{
	struct report report = {
		.event = event,
		.time_ns = NOW,
		.has_recorder = event != REPORT_END,
		.entry = nth_entry,
		.recorder = {.id = 1,
			     .name = "RedisCache.background_refresh",
			     .comm = "cache",
			     .pid = 4242,
			     .tid = 4243,
			     .started_ns = STARTED,
			     .timeout_ns = 10000 * MS,
			     .age_ns = 10400 * MS},
		.late_ns = 2345 * MS,
		.wait_status = 9,
	};

	if (event == REPORT_TIMEOUT || event == REPORT_REPLAY || event == REPORT_ENTRY) {
		report.entries = (void *)two_entries;
		report.n_entries = 1;
		report.entries_total = 1;
	}
	return report;
}

/* A report with all that there can be. */
static struct report make_full(enum report_event event)
{
	struct report report = make(event);

	report.recorder.parent_id = 3;
	report.recorder.exe = "/usr/bin/cache";
	report.recorder.context = user_42;
	report.recorder.n_context = 2;
	report.recorder.adopted = true;
	report.state = "stopped";
	report.entries = (void *)two_entries;
	report.n_entries = 2;
	report.entries_total = 7;
	report.entries_lost = 5;
	report.gap_at = 1;
	report.gap_lost = 4;
	return report;
}

static struct report make_to_none(void)
{
	struct report report = make(REPORT_ENTRY);

	report.has_recorder = false;
	report.pid = 77;
	report.comm = "st\x1bray";
	return report;
}

static char *written(enum report_format format, const struct report *report)
{
	struct report_form form = {.format = format};
	struct text_buffer text = {0};
	size_t size;

	assert_int_equal(report_form_append(&form, &text, report), 0);
	size = text.size;
	text_char(&text, '\0');
	assert_false(text.failed);
	assert_int_equal(strlen(text.data), size);
	return text.data;
}

static void assert_written(enum report_format format, struct report report, const char *expected)
{
	char *data = written(format, &report);

	assert_string_equal(data, expected);
	free(data);
}

#define assert_text(report, expected) assert_written(FORMAT_TEXT, report, expected)
#define assert_detail(report, expected) assert_written(FORMAT_DETAIL, report, expected)
#define assert_json(report, expected) assert_written(FORMAT_JSON, report, expected)

#define TWO_WARNINGS                                                                               \
	P "WARNING]: Warning: Task timed out!\n" P                                                 \
	  "WARNING]: Please make sure it is hanging before restarting.\n"
#define REPLAYING P "INFO" R "(started at Thu Apr 19 09:43:45 2018) Replaying logs...\n"
#define FIRST P "INFO" R "(Thu Apr 19 09:43:45 2018) +redis_client.get('user')\n"
#define SECOND P "ERROR" R "(Thu Apr 19 09:43:47 2018) \n"
#define END_OF_LOG P "INFO" R "-End of log-\n"
#define FULL_WHO                                                                                   \
	WHO ", /usr/bin/cache\n" P "INFO" R "inside Flight Recorder-3\n" P "INFO" R                \
	    "context: user = 42\n" P "INFO" R "context: host\\n = \\xff\n" P "INFO" R              \
	    "opened before flightrec watched: its earlier entries are not known\n" P "INFO" R      \
	    "state: stopped\n"
#define FOUR_LEFT_OUT P "WARNING" R "... 4 entries left out here ...\n"
#define FIVE_LOST P "WARNING" R "5 entries lost\n"

static void test_replay_text(void **state)
{
	struct report report = make(REPORT_TIMEOUT);

	(void)state;
	assert_text(report, TWO_WARNINGS WHO "\n" REPLAYING FIRST END_OF_LOG);
	assert_text(make(REPORT_REPLAY), WHO "\n" REPLAYING FIRST END_OF_LOG);
	report.n_entries = 0;
	report.entries = NULL;
	assert_text(report, TWO_WARNINGS WHO "\n" REPLAYING END_OF_LOG);
	assert_text(
		make_full(REPORT_TIMEOUT),
		TWO_WARNINGS FULL_WHO REPLAYING FIRST FOUR_LEFT_OUT SECOND END_OF_LOG FIVE_LOST);
	assert_text(make_full(REPORT_REPLAY),
		    FULL_WHO REPLAYING FIRST FOUR_LEFT_OUT SECOND END_OF_LOG FIVE_LOST);
}

static void test_gaps(void **state)
{
	struct report report = make(REPORT_REPLAY);

	(void)state;
	report.n_entries = 2;
	report.entries_lost = 4;
	report.gap_lost = 4;
	assert_text(report, WHO "\n" REPLAYING FOUR_LEFT_OUT FIRST SECOND END_OF_LOG P "WARNING" R
				"4 entries lost\n");
	report.gap_lost = 1;
	report.entries_lost = 1;
	for (report.gap_at = 2; report.gap_at < 4; report.gap_at++) {
		char *json = written(FORMAT_JSON, &report);

		assert_text(report, WHO "\n" REPLAYING FIRST SECOND P "WARNING" R
					"... 1 entry left out here ...\n" END_OF_LOG P "WARNING" R
					"1 entry lost\n");
		assert_non_null(strstr(json, "\"entries_gap\":{\"at\":2,\"lost\":1}"));
		free(json);
	}
	report.n_entries = 0;
	assert_text(report,
		    WHO "\n" REPLAYING P "WARNING" R "... 1 entry left out here ...\n" END_OF_LOG P
			"WARNING" R "1 entry lost\n");
}

static void test_other_events_text(void **state)
{
	struct report report = make(REPORT_FINISHED);

	(void)state;
	report.recorder.age_ns = 12345 * MS;
	assert_text(report, P "INFO" R "RedisCache.background_refresh finished after 12.345 s, "
			      "2.345 s past its deadline\n");
	report = make(REPORT_DIED);
#define NEVER P "WARNING" R "RedisCache.background_refresh never finished: cache[4242] "
	assert_text(report, NEVER "was killed by signal 9 (SIGKILL)\n");
	report.wait_status = SIGSEGV | 0x80;
	assert_text(report, NEVER "was killed by signal 11 (SIGSEGV), core dumped\n");
	report.wait_status = 64;
	assert_text(report, NEVER "was killed by signal 64\n");
	report.wait_status = 3 << 8;
	assert_text(report, NEVER "exited with status 3\n");
	report.wait_status = -1;
	report.entries_lost = 5;
	assert_text(report, NEVER "called execve()\n" FIVE_LOST);
	assert_text(make(REPORT_ENTRY), FIRST);
	assert_text(make_to_none(), P "INFO]: [st\\x1bray 77] (Thu Apr 19 09:43:45 2018) "
				      "+redis_client.get('user')\n");
	assert_text(make(REPORT_END), "");
}

static void test_detail(void **state)
{
	struct report_entry entry = two_entries[0];
	struct report report = make_full(REPORT_TIMEOUT);

	(void)state;
#define DATE "(Thu Apr 19 09:43:45 2018) "
	assert_detail(report, TWO_WARNINGS FULL_WHO REPLAYING P
		      "INFO" R DATE "+0.012 ms [4243] cache.c:21 background_refresh: "
		      "+redis_client.get('user')\n" FOUR_LEFT_OUT P "ERROR" R
		      "(Thu Apr 19 09:43:47 2018) +1500.000 ms [4244]: \n" END_OF_LOG FIVE_LOST);
	report = make(REPORT_ENTRY);
	report.entries = &entry;
	entry.message = "hit";
	entry.function = NULL;
	assert_detail(report, P "INFO" R DATE "+0.012 ms [4243] cache.c:21: hit\n");
	entry.line = 0;
	assert_detail(report, P "INFO" R DATE "+0.012 ms [4243] cache.c: hit\n");
	entry.file = NULL;
	entry.function = "f";
	assert_detail(report, P "INFO" R DATE "+0.012 ms [4243] f: hit\n");
	report = make_to_none();
	assert_detail(report, P "INFO]: [st\\x1bray 77] " DATE "[4243] cache.c:21 "
				"background_refresh: +redis_client.get('user')\n");
}

static void test_durations(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0 ns"},
		{999, "999 ns"},
		{1000, "1 us"},
		{1050, "1.05 us"},
		{999999, "999.999 us"},
		{250 * MS, "250 ms"},
		{1234567, "1.235 ms"},
		{999999499, "999.999 ms"},
		{999999500, "1 s"},
		{1000 * MS, "1 s"},
		{59999 * MS, "59.999 s"},
		{59999 * MS + 500000, "1 min"},
		{300000 * MS, "5 min"},
		{90500 * MS, "1 min 30.5 s"},
		{3900000 * MS, "1 h 5 min"},
		{86400001 * MS, "1 d 0.001 s"},
		{UINT64_MAX, "213503 d 23 h 34 min 33.71 s"},
	};
	struct report report = make(REPORT_FINISHED);
	char expected[256];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		report.late_ns = cases[i].ns;
		snprintf(expected, sizeof(expected),
			 P "INFO" R "RedisCache.background_refresh finished after 10.4 s, "
			   "%s past its deadline\n",
			 cases[i].text);
		assert_text(report, expected);
	}
}

static void test_dates_and_severities(void **state)
{
	static const char *const names[] = {"DEBUG", "DEBUG",    "INFO",    "WARNING",
					    "ERROR", "CRITICAL", "CRITICAL"};
	struct report_entry entry = {.message = "x", .time_ns = 86400000 * MS * 365};
	struct report report = make(REPORT_ENTRY);
	char expected[128], *json;
	size_t i;

	(void)state;
	report.entries = &entry;
	report.recorder.id = UINT64_MAX;
	report.time_ns = 999999;
	/* Three and a half hours east of Greenwich. */
	setenv("TZ", "XYZ-3:30", 1);
	tzset();
	for (i = 0; i < COUNT(names); i++) {
		entry.severity = (int)i - 1;
		snprintf(expected, sizeof(expected),
			 "[1970-01-01 03:30:00,000: %s]: [Flight Recorder-18446744073709551615] "
			 "(Fri Jan  1 03:30:00 1971) x\n",
			 names[i]);
		assert_text(report, expected);
	}
	/* For programs it stays UTC. */
	json = written(FORMAT_JSON, &report);
	assert_non_null(strstr(json, "\"time\":\"1970-01-01T00:00:00.000999Z\""));
	free(json);
	setenv("TZ", "UTC0", 1);
	tzset();
	entry.severity = FLIGHTREC_DEBUG;
	report.time_ns = entry.time_ns = UINT64_MAX;
	report.recorder.id = 0;
	assert_text(report, "[2554-07-21 23:34:33,709: DEBUG]: [Flight Recorder-0] "
			    "(Sun Jul 21 23:34:33 2554) x\n");
}

#define HOSTILE "\x1b[2J\n[2018: INFO]: \r\x7f\xc2\x9b\xff\u202e\u2028\t\\"
#define HOSTILE_TEXT "\\x1b[2J\\n[2018: INFO]: \\r\\x7f\\u009b\\xff\\u202e\\u2028\\t\\"
#define HOSTILE_JSON "\x1b[2J\n[2018: INFO]: \r\x7f\xc2\x9b\ufffd\u202e\u2028\t\\"

static struct report make_hostile(enum report_event event, struct report_entry *entry,
				  struct report_context *context)
{
	struct report report = make_full(event);

	entry->time_ns = STARTED;
	entry->message = entry->file = entry->function = HOSTILE;
	context->key = context->value = HOSTILE;
	report.recorder.name = report.recorder.comm = report.recorder.exe = HOSTILE;
	report.comm = report.state = HOSTILE;
	report.recorder.context = context;
	report.recorder.n_context = 1;
	report.entries = entry;
	report.n_entries = 1;
	return report;
}

static void test_hostile(void **state)
{
	static const int n_lines[] = {12, 10, 1, 2, 2, 0};
	static const int n_strings[] = {9, 9, 3, 1, 2, 0}; /* in detail */
	struct report_entry entry = {0};
	struct report_context context;
	struct report report;
	enum report_event event;
	char *data, *at;
	int lines, strings;
	json_t *json;

	(void)state;
	for (event = REPORT_TIMEOUT; event <= REPORT_END; event++) {
		report = make_hostile(event, &entry, &context);
		report.has_recorder = event != REPORT_END;
		data = written(FORMAT_DETAIL, &report);
		for (at = data, lines = 0; *at; at++) {
			assert_true((*at >= 0x20 && *at < 0x7f) || *at == '\n');
			lines += *at == '\n';
		}
		for (at = data, strings = 0; (at = strstr(at, HOSTILE_TEXT)); at++)
			strings++;
		assert_int_equal(lines, n_lines[event]);
		assert_int_equal(strings, n_strings[event]);
		free(data);

		data = written(FORMAT_JSON, &report);
		assert_ptr_equal(strchr(data, '\n'), data + strlen(data) - 1);
		for (at = data; at[1]; at++)
			assert_true(*at >= 0x20 || *at < 0);
		assert_null(strpbrk(data, "\x7f"));
		assert_null(strstr(data, "\xc2\x9b"));
		assert_null(strstr(data, "\u202e"));
		json = json_loads(data, 0, NULL);
		assert_non_null(json);
		if (event == REPORT_TIMEOUT) {
			json_t *item = json_array_get(json_object_get(json, "entries"), 0);
			json_t *recorder = json_object_get(json, "recorder");
			const char *message, *name, *value;

			assert_int_equal(json_unpack(item, "{s:s}", "message", &message), 0);
			assert_string_equal(message, HOSTILE_JSON);
			assert_int_equal(json_unpack(recorder, "{s:s, s:{s:s}}", "name", &name,
						     "context", HOSTILE_JSON, &value),
					 0);
			assert_string_equal(name, HOSTILE_JSON);
			assert_string_equal(value, HOSTILE_JSON);
		}
		json_decref(json);
		free(data);
	}
	report = make_hostile(REPORT_ENTRY, &entry, &context);
	report.has_recorder = false;
	assert_text(report,
		    P "DEBUG]: [" HOSTILE_TEXT " 0] (Thu Apr 19 09:43:45 2018) " HOSTILE_TEXT "\n");
}

/* A key that comes twice: in JSON but the last one, or readers would differ. */
static void test_same_key_twice(void **state)
{
	static const struct report_context twice[] = {{"k", "1"}, {"other", "2"}, {"k", "3"}};
	struct report report = make(REPORT_FINISHED);
	char *json;

	(void)state;
	report.recorder.context = twice;
	report.recorder.n_context = 3;
	json = written(FORMAT_JSON, &report);
	assert_non_null(strstr(json, "\"context\":{\"other\":\"2\",\"k\":\"3\"}"));
	free(json);
}

static void test_missing_strings(void **state)
{
	static const struct report_context empty = {NULL, NULL};
	struct report_entry entry = {.time_ns = STARTED};
	struct report report = make(REPORT_REPLAY);
	char *json;

	(void)state;
	report.recorder.name = report.recorder.comm = NULL;
	report.recorder.context = &empty;
	report.recorder.n_context = 1;
	report.entries = &entry;
	assert_text(report, P "INFO" R "(no name): [4242] thread 4243, timeout 10 s, open for "
			      "10.4 s\n" P "INFO" R "context:  = \n" REPLAYING P "DEBUG" R DATE
			      "\n" END_OF_LOG);
	json = written(FORMAT_JSON, &report);
	assert_non_null(strstr(json, "\"name\":\"\""));
	assert_non_null(strstr(json, "\"context\":{\"\":\"\"}"));
	assert_non_null(strstr(json, "\"message\":\"\",\"tid\":0,\"file\":null,\"line\":null,"
				     "\"function\":null"));
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

static void test_json(void **state)
{
	struct report report = make(REPORT_TIMEOUT);

	(void)state;
	assert_json(report, J("timeout") J_PLAIN ",\"entries\":[" J_ENTRY(
				    "0.012") "],\"entries_total\":1,\"entries_lost\":0}\n");
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
	assert_json(report, J("died") J_PLAIN ",\"signal\":9,\"signal_name\":\"SIGKILL\"}\n");
	report.wait_status = 64 | 0x80;
	assert_json(report, J("died") J_PLAIN ",\"signal\":64,\"signal_name\":null,"
					      "\"core_dumped\":true}\n");
	report.wait_status = 3 << 8;
	assert_json(report, J("died") J_PLAIN ",\"exit_status\":3}\n");
	report.wait_status = -1;
	report.entries_total = 9;
	report.entries_lost = 2;
	assert_json(report, J("died") J_PLAIN ",\"execve\":true,\"entries_total\":9,"
					      "\"entries_lost\":2}\n");
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
 * The plain part of JSON Schema: types, names, patterns, but not what depends on the event, which
 * test_json() holds letter for letter. Counts what is wrong with @value.
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

static void test_schema(void **state)
{
	static const char directory[] = __FILE__;
	struct report reports[] = {
		make(REPORT_TIMEOUT),     make_full(REPORT_TIMEOUT),
		make_full(REPORT_REPLAY), make(REPORT_ENTRY),
		make_to_none(),           make(REPORT_FINISHED),
		make_full(REPORT_DIED),   make(REPORT_DIED),
		make(REPORT_DIED),        make(REPORT_END),
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
	reports[7].wait_status = -1;
	reports[8].wait_status = SIGABRT | 0x80;
	reports[6].wait_status = 0;
	for (i = 0; i < COUNT(reports); i++) {
		line = written(FORMAT_JSON, &reports[i]);
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

/* Many entries take no longer each than few do, and no memory but that of their text. */
static void test_many_entries(void **state)
{
	enum { MANY = 100000 };
	struct report_entry *entries = calloc(MANY, sizeof(*entries));
	struct report report = make(REPORT_TIMEOUT);
	size_t i, size;
	int format;
	char *data;

	(void)state;
	for (i = 0; i < MANY; i++) {
		entries[i] = two_entries[0];
		entries[i].time_ns += i * MS / 10;
	}
	report.entries = entries;
	report.n_entries = MANY;
	for (format = FORMAT_TEXT; format <= FORMAT_JSON; format++) {
		data = written(format, &report);
		for (i = 0, size = 0; data[i]; i++)
			size += data[i] == '\n';
		assert_int_equal(size, format == FORMAT_JSON ? 1 : MANY + 5);
		free(data);
	}
	free(entries);
}

/* More seconds than are remembered, back and forth: each date is its own. */
static void test_dates_alternate(void **state)
{
	struct report_form form = {.format = FORMAT_JSON};
	struct report report = make(REPORT_FINISHED);
	struct text_buffer text = {0};
	char expected[48];

	(void)state;
	for (uint64_t i = 0; i < 200; i++) {
		uint64_t second = i * 7 % 50;

		report.time_ns = second * 1000 * MS;
		text_buffer_cut(&text, 0);
		assert_int_equal(report_form_append(&form, &text, &report), 0);
		snprintf(expected, sizeof(expected), "\"time\":\"1970-01-01T00:00:%02u.000000Z\"",
			 (unsigned int)second);
		text_char(&text, '\0');
		assert_non_null(strstr(text.data, expected));
	}
	text_buffer_free(&text);
}

/* A report for which there is no memory leaves nothing; one that is not whole is refused. */
static void test_refused(void **state)
{
	struct report_form form = {.format = FORMAT_TEXT};
	struct report report = make(REPORT_FINISHED);
	struct text_buffer text = {0};
	char room[16] = "before";

	(void)state;
	text = (struct text_buffer){.data = room, .size = 6, .room = 16, .failed = true};
	assert_int_equal(report_form_append(&form, &text, &report), -ENOMEM);
	form.format = FORMAT_JSON;
	text.failed = true;
	assert_int_equal(report_form_append(&form, &text, &report), -ENOMEM);
	report.has_recorder = false;
	assert_int_equal(report_form_append(&form, &text, &report), -EINVAL);
	assert_int_equal(text.size, 6);
	assert_string_equal(room, "before");
	assert_false(text.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay_text),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_other_events_text),
		cmocka_unit_test(test_detail),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_dates_and_severities),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_missing_strings),
		cmocka_unit_test(test_same_key_twice),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_many_entries),
		cmocka_unit_test(test_dates_alternate),
		cmocka_unit_test(test_refused),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
