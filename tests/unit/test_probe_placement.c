// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/attachment/probe_placement.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/attachment/attached_files.h"
#include "collector/attachment/probe_placement.h"
#include "collector/kernel/tracker.h"
#include "collector/target/elf_places.h"

#define BIT(probe) (1u << FLIGHTREC_PROBE_##probe)
#define OF_MEMORY (BIT(ARM) | BIT(LATE) | BIT(STRAY) | BIT(LEAVE))
#define ALL ((1u << FLIGHTREC_PROBES) - 1)

/* ---- the kernel's side ---- */

static struct uprobes_request request; /* the last one */
static struct uprobe uprobe[UPROBES_MAX];
static int result, symbol;

int tracker_probes_program(const struct tracker *t)
{
	assert_null(t);
	return 11;
}

int tracker_mappings_program(const struct tracker *t)
{
	assert_null(t);
	return 12;
}

bool tracker_has_multi(const struct tracker *t)
{
	assert_null(t);
	return true;
}

int uprobes_attach(const struct uprobes_request *r, struct uprobe_links *links)
{
	request = *r;
	memcpy(uprobe, r->uprobe, r->count * sizeof(uprobe[0]));
	links->count += result == 0;
	return result;
}

int elf_symbol_offset(int fd, const char *name, uint64_t *offset)
{
	assert_int_equal(fd, 3);
	assert_string_equal(name, "_dl_debug_state");
	*offset = 0x77;
	return symbol;
}

/* ---- the tests ---- */

static struct elf_probes probes;
static struct attached_file file;

static int set_up(void **state)
{
	(void)state;
	memset(&probes, 0, sizeof(probes));
	file = (struct attached_file){.probes = &probes, .key.pid = 42};
	memset(&request, 0, sizeof(request));
	result = symbol = 0;
	return 0;
}

static void add_copy(unsigned present)
{
	struct elf_probes_copy *copy = &probes.copy[probes.copies++];

	copy->present = present;
	for (unsigned p = 0; p < FLIGHTREC_PROBES; p++) {
		copy->probe[p].offset = 0x1000 * probes.copies + p;
		copy->probe[p].ref_ctr_offset = 0x100000 * probes.copies + p;
	}
}

static void test_wanted(void **state)
{
	const struct elf_probes_copy all = {.present = ALL}, old = {.present = ALL & ~OF_MEMORY};

	(void)state;
	assert_int_equal(placement_wanted(&all, true), OF_MEMORY | BIT(REPLAY));
	assert_int_equal(placement_wanted(&all, false), ALL & ~OF_MEMORY);
	assert_int_equal(placement_wanted(&old, true), ALL & ~OF_MEMORY);
}

static unsigned place_of(enum flightrec_probe probe)
{
	unsigned i = 0;

	while (i < request.count && uprobe[i].cookie != (uint64_t)probe)
		i++;
	return i;
}

static void test_all_copies(void **state)
{
	unsigned seen[2] = {0};

	(void)state;
	add_copy(ALL);
	add_copy(ALL & ~BIT(CONTEXT));
	assert_int_equal(placement_attach_copies(NULL, &file, 3, false), 0);
	assert_int_equal(file.links.count, 1);
	assert_int_equal(request.program, 11);
	assert_int_equal(request.pid, 42);
	assert_int_equal(request.file, 3);
	assert_true(request.multi);
	assert_int_equal(request.count, 11);
	for (size_t i = 0; i < request.count; i++) {
		unsigned copy = uprobe[i].offset < 0x2000 ? 1 : 2;

		assert_int_equal(uprobe[i].offset, 0x1000 * copy + uprobe[i].cookie);
		assert_int_equal(uprobe[i].ref_ctr_offset, 0x100000 * copy + uprobe[i].cookie);
		seen[copy - 1] |= 1u << uprobe[i].cookie;
	}
	assert_int_equal(seen[0], ALL & ~OF_MEMORY);
	assert_int_equal(seen[1], ALL & ~OF_MEMORY & ~BIT(CONTEXT));
	/* Nothing is seen of which the end would be missed. */
	assert_true(place_of(FLIGHTREC_PROBE_END) < place_of(FLIGHTREC_PROBE_BEGIN));
	assert_true(place_of(FLIGHTREC_PROBE_BEGIN) < place_of(FLIGHTREC_PROBE_ENTRY));
}

static void test_by_memory(void **state)
{
	(void)state;
	add_copy(ALL);
	assert_int_equal(placement_attach_copies(NULL, &file, 3, true), 0);
	assert_int_equal(request.count, 5);
	assert_int_equal(place_of(FLIGHTREC_PROBE_ARM), 4);
	assert_true(place_of(FLIGHTREC_PROBE_LATE) < 4);
}

static void test_refused(void **state)
{
	(void)state;
	add_copy(ALL);
	result = -EMFILE;
	assert_int_equal(placement_attach_copies(NULL, &file, 3, true), -EMFILE);
	assert_int_equal(placement_attach_linker(NULL, &file, 3), -EMFILE);
	assert_int_equal(file.links.count, 0);
}

static void test_linker(void **state)
{
	(void)state;
	assert_int_equal(placement_attach_linker(NULL, &file, 3), 0);
	assert_int_equal(request.program, 12);
	assert_int_equal(request.count, 1);
	assert_int_equal(uprobe[0].offset, 0x77);
	assert_int_equal(uprobe[0].ref_ctr_offset, 0);
	symbol = -ENOENT;
	request.count = 0;
	assert_int_equal(placement_attach_linker(NULL, &file, 3), -ENOENT);
	assert_int_equal(request.count, 0);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup(test, set_up)
	const struct CMUnitTest tests[] = {
		CASE(test_wanted),  CASE(test_all_copies), CASE(test_by_memory),
		CASE(test_refused), CASE(test_linker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
