/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/kernel/ring_record.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/kernel/ring_record.h"

static const struct ring_record_limits limits = {.recorders = 100, .processes = 10};

/* Of exactly that size, so that a sanitizer notices reads beyond it. */
static int check(const void *data, size_t size, struct ring_record *record)
{
	void *copy = malloc(size ? size : 1);
	int err;

	assert_non_null(copy);
	memcpy(copy, data, size);
	err = ring_record_check(copy, size, &limits, record);
	free(copy);
	return err;
}

static struct entry_record *new_entry(uint16_t size)
{
	struct entry_record *entry = calloc(1, sizeof(*entry) + FR_ENTRY_DATA_MAX);

	assert_non_null(entry);
	entry->type = RECORD_ENTRY;
	entry->size = size;
	entry->slot = 99;
	entry->process = 9;
	return entry;
}

static void test_entry(void **state)
{
	struct entry_record *entry = new_entry(16);
	struct ring_record record;

	(void)state;
	assert_int_equal(check(entry, sizeof(*entry) + 16, &record), 0);
	assert_int_equal(record.type, RECORD_ENTRY);
	assert_int_equal(record.process, 9);
	assert_null(record.site);
	/* The ring's records are larger than what they hold. */
	assert_int_equal(check(entry, sizeof(*entry) + 48, &record), 0);
	entry->size = FR_ENTRY_DATA_MAX;
	assert_int_equal(check(entry, sizeof(*entry) + FR_ENTRY_DATA_MAX, &record), 0);
	entry->slot = FR_NONE;
	assert_int_equal(check(entry, sizeof(*entry) + FR_ENTRY_DATA_MAX, &record), 0);
	free(entry);
}

static void test_entry_cut(void **state)
{
	struct entry_record *entry = new_entry(16);
	struct ring_record record;

	(void)state;
	for (size_t size = 0; size < sizeof(*entry) + 16; size++) {
		assert_int_equal(check(entry, size, &record), -EBADMSG);
		assert_null(record.entry);
	}
	free(entry);
}

static void test_entry_out_of_bounds(void **state)
{
	struct entry_record *entry = new_entry(0);
	size_t size = sizeof(*entry) + FR_ENTRY_DATA_MAX;
	struct ring_record record;

	(void)state;
	entry->slot = 100;
	assert_int_equal(check(entry, size, &record), -EBADMSG);
	entry->slot = 0;
	entry->process = 10;
	assert_int_equal(check(entry, size, &record), -EBADMSG);
	entry->process = UINT16_MAX;
	assert_int_equal(check(entry, size, &record), -EBADMSG);
	entry->process = 0;
	entry->size = UINT16_MAX;
	assert_int_equal(check(entry, size, &record), -EBADMSG);
	entry->size = 0;
	entry->type = 0;
	assert_int_equal(check(entry, size, &record), -EBADMSG);
	entry->type = RECORD_SITE + 1;
	assert_int_equal(check(entry, size, &record), -EBADMSG);
	free(entry);
}

static void test_context(void **state)
{
	struct entry_record *entry = new_entry(FR_CONTEXT_MAX);
	size_t size = sizeof(*entry) + FR_ENTRY_DATA_MAX;
	struct ring_record record;

	(void)state;
	entry->type = RECORD_CONTEXT;
	assert_int_equal(check(entry, size, &record), 0);
	entry->size = FR_CONTEXT_MAX + 1;
	assert_int_equal(check(entry, size, &record), -EBADMSG);
	entry->size = 0;
	/* Of no recorder: that means nothing. */
	entry->slot = FR_NONE;
	assert_int_equal(check(entry, size, &record), -EBADMSG);
	free(entry);
}

static void test_site(void **state)
{
	struct site_record site = {.type = RECORD_SITE, .process = 3, .format_size = 4};
	struct ring_record record;

	(void)state;
	memcpy(site.format, "%d\n", 4);
	assert_int_equal(check(&site, sizeof(site), &record), 0);
	assert_int_equal(record.process, 3);
	for (size_t size = 0; size < sizeof(site); size += 7)
		assert_int_equal(check(&site, size, &record), -EBADMSG);
	/* Not terminated where it says, or beyond its room. */
	site.format_size = 3;
	assert_int_equal(check(&site, sizeof(site), &record), -EBADMSG);
	site.format_size = FR_SITE_FORMAT_MAX + 1;
	assert_int_equal(check(&site, sizeof(site), &record), -EBADMSG);
	site.format_size = 4;
	site.file_size = UINT16_MAX;
	assert_int_equal(check(&site, sizeof(site), &record), -EBADMSG);
	site.file_size = 0;
	site.function_size = FR_SITE_FUNCTION_MAX;
	assert_int_equal(check(&site, sizeof(site), &record), 0);
	site.process = 10;
	assert_int_equal(check(&site, sizeof(site), &record), -EBADMSG);
}

static void test_notice(void **state)
{
	struct notice notice = {.type = NOTICE_RECORDER, .index = 99};

	(void)state;
	assert_ptr_equal(ring_record_notice(&notice, sizeof(notice), &limits), &notice);
	assert_null(ring_record_notice(&notice, sizeof(notice) - 1, &limits));
	assert_null(ring_record_notice(&notice, 0, &limits));
	notice.index = 100;
	assert_null(ring_record_notice(&notice, sizeof(notice), &limits));
	notice.type = NOTICE_PROCESS;
	notice.index = 10;
	assert_null(ring_record_notice(&notice, sizeof(notice), &limits));
	notice.index = 9;
	assert_non_null(ring_record_notice(&notice, sizeof(notice), &limits));
	/* A pid, which is not an index of ours. */
	notice.type = NOTICE_REFUSED;
	notice.index = 1000000;
	assert_non_null(ring_record_notice(&notice, sizeof(notice), &limits));
	notice.type = NOTICE_UNQUEUED;
	assert_null(ring_record_notice(&notice, sizeof(notice), &limits));
	notice.index = 99;
	assert_non_null(ring_record_notice(&notice, sizeof(notice), &limits));
	/* Pids as well. */
	notice.index = 1000000;
	for (notice.type = NOTICE_ARM; notice.type <= NOTICE_RETURN; notice.type++)
		assert_non_null(ring_record_notice(&notice, sizeof(notice), &limits));
	notice.type = NOTICE_RETURN + 1;
	assert_null(ring_record_notice(&notice, sizeof(notice), &limits));
	notice.type = 0;
	assert_null(ring_record_notice(&notice, sizeof(notice), &limits));
}

/* Whatever comes is either refused, or all its numbers are within bounds. */
static void test_garbage(void **state)
{
	unsigned char *data = malloc(2048);
	struct ring_record record;

	(void)state;
	assert_non_null(data);
	srand48(1);
	for (int round = 0; round < 200000; round++) {
		size_t size = (size_t)(lrand48() % 2048);

		for (size_t i = 0; i < 64; i++)
			data[i] = (unsigned char)lrand48();
		data[0] = (unsigned char)(lrand48() % 5);
		if (lrand48() % 2)
			memset(data + 8, 0, 8);
		if (ring_record_check(data, size, &limits, &record))
			continue;
		assert_true(record.process < limits.processes);
		if (record.entry)
			assert_true(sizeof(*record.entry) + record.entry->size <= size);
		if (record.site)
			assert_true(size >= sizeof(*record.site));
	}
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_entry_cut),
		cmocka_unit_test(test_entry_out_of_bounds),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_site),
		cmocka_unit_test(test_notice),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
