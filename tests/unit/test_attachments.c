// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/attachment/attachments.c user/collector/attachment/attached_files.c */
/* Which files of a process are attached to, and what is told of it; the kernel's side is a fake. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/attachment/attachments.h"
#include "collector/attachment/probe_placement.h"
#include "collector/attachment/usual_files.h"
#include "collector/target/elf_places.h"
#include "collector/target/mappings.h"

#define PID 1234

static struct attachments attachments;
static char calls[512];

__attribute__((format(printf, 1, 2))) static void called(const char *format, ...)
{
	size_t length = strlen(calls);
	va_list args;

	va_start(args, format);
	vsnprintf(calls + length, sizeof(calls) - length, format, args);
	va_end(args);
}

static void expect_called(const char *what)
{
	assert_string_equal(calls, what);
	calls[0] = '\0';
}

/* ---- what the process maps ---- */

static struct some_file {
	const char *path;
	size_t copies;
	int reason; /* of elf_probes_find() */
} some[4];
static struct mapped_file mapped[4];
static struct mapped_range ranges[4];
static size_t files, linker;
static int unreadable; /* of the mappings */
static int last;       /* the file that was opened last */
static int64_t changed_ns;

int mappings_read(pid_t pid, struct mappings *out)
{
	assert_int_equal(pid, PID);
	*out = (struct mappings){
		.file = mapped, .files = files, .range = ranges, .ranges = files, .linker = linker};
	return unreadable;
}

void mappings_free(struct mappings *m)
{
	memset(m, 0, sizeof(*m));
}

int mapping_open(pid_t pid, const struct mappings *m, const struct mapped_file *file)
{
	last = (int)(file - m->file);
	return some[last].path ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -ENOENT;
}

int file_identity_read(int fd, struct file_identity *identity)
{
	*identity = (struct file_identity){1, (uint64_t)last + 1, 0, changed_ns};
	return 0;
}

struct file_identity file_identity_held(const struct file_identity *identity)
{
	return (struct file_identity){identity->device, identity->inode, 0, 0};
}

int elf_probes_find(int fd, struct elf_probes *out)
{
	*out = (struct elf_probes){.copies = some[last].copies, .reason = ELF_REASON_TWICE};
	out->copy[0].state = 0x10;
	out->copy[1].state = 0x20;
	called("look %d\n", last);
	return some[last].reason ? some[last].reason : some[last].copies ? 0 : -ENOENT;
}

const char *elf_reason_text(enum elf_reason reason)
{
	return reason == ELF_REASON_TWICE ? "it stands there twice" : "";
}

int elf_load_bias(int fd, uint64_t start, uint64_t offset, uint64_t *bias)
{
	*bias = start - offset;
	return 0;
}

/* ---- the kernel's side ---- */

static int refused; /* of attaching */
static int no_place;
static size_t detached;

int placement_attach_copies(const struct tracker *tracker, struct attached_file *file, int fd,
			    bool by_memory)
{
	called("attach %d%s%s\n", last, file->key.pid == PID ? " alone" : "",
	       by_memory ? " by memory" : "");
	file->links.count += !refused;
	return refused;
}

int placement_attach_linker(const struct tracker *tracker, struct attached_file *file, int fd)
{
	called("linker %d\n", last);
	if (no_place)
		return no_place;
	file->links.count += !refused;
	return refused;
}

void uprobe_links_move(struct uprobe_links *to, struct uprobe_links *from)
{
	to->count += from->count;
	from->count = 0;
}

void uprobe_links_detach(struct uprobe_links *links)
{
	detached += links->count;
	links->count = 0;
}

void usual_files_each(void (*fn)(void *arg, const char *path), void *arg)
{
	last = 3;
	fn(arg, "/dev/null");
	fn(arg, "/dev/null/none");
}

/* ---- the tests ---- */

static void on_copy(void *arg, pid_t pid, uint64_t state)
{
	assert_ptr_equal(arg, &attachments);
	called("copy %d %#jx\n", pid, (uintmax_t)state);
}

static int scan(void)
{
	return attachments_scan(&attachments, PID, on_copy, &attachments);
}

static int set_up(void **state)
{
	(void)state;
	attachments_init(&attachments, NULL, false);
	memset(some, 0, sizeof(some));
	for (size_t i = 0; i < 4; i++) {
		some[i].path = "/usr/bin/program";
		mapped[i] = (struct mapped_file){.range = i, .path = "/usr/bin/program"};
		ranges[i] = (struct mapped_range){.start = 0x1000 * (i + 1)};
	}
	files = 2;
	linker = MAPPINGS_NONE;
	unreadable = refused = no_place = 0;
	changed_ns = 1;
	detached = 0;
	calls[0] = '\0';
	return 0;
}

static int clean(void **state)
{
	(void)state;
	attachments_free(&attachments);
	return 0;
}

static void test_attaches_once(void **state)
{
	(void)state;
	some[1].copies = 2;
	assert_int_equal(scan(), 2);
	expect_called("look 0\nlook 1\nattach 1\ncopy 1234 0x2010\ncopy 1234 0x2020\n");
	assert_int_equal(attachments.copies, 2);
	assert_int_equal(scan(), 2);
	expect_called("copy 1234 0x2010\ncopy 1234 0x2020\n");
	/* What had no probes may have some when it was changed; what is attached to stays so. */
	changed_ns = 2;
	assert_int_equal(scan(), 2);
	expect_called("look 0\ncopy 1234 0x2010\ncopy 1234 0x2020\n");
	attachments_free(&attachments);
	assert_int_equal(detached, 1);
}

static void test_each_process_by_itself(void **state)
{
	(void)state;
	attachments.each_process = true;
	attachments.by_memory = true;
	some[0].copies = 1;
	files = 1;
	assert_int_equal(scan(), 1);
	expect_called("look 0\nattach 0 alone by memory\ncopy 1234 0x1010\n");
}

/* One that keeps no log gets the other probes too, alone. */
static void test_by_probes(void **state)
{
	(void)state;
	attachments.by_memory = true;
	some[0].copies = 1;
	files = 1;
	assert_int_equal(scan(), 1);
	expect_called("look 0\nattach 0 by memory\ncopy 1234 0x1010\n");
	assert_int_equal(attachments_scan_by_probes(&attachments, PID, on_copy, &attachments), 1);
	expect_called("look 0\nattach 0 alone\ncopy 1234 0x1010\n");
	assert_int_equal(scan(), 1);
	expect_called("copy 1234 0x1010\n");
}

static void test_linker(void **state)
{
	char name[] = "/lib/ld-musl-x86_64.so.1";

	(void)state;
	linker = 1;
	assert_int_equal(scan(), 0);
	expect_called("look 0\nlook 1\nlinker 1\n");
	assert_int_equal(scan(), 0);
	expect_called("");
	/* By its name alone. */
	linker = MAPPINGS_NONE;
	mapped[2].path = name;
	files = 3;
	no_place = -ENOENT;
	assert_int_equal(scan(), 0);
	expect_called("look 2\nlinker 2\n");
	assert_string_equal(attachments.problem, "");
}

static void test_problems(void **state)
{
	(void)state;
	some[0].reason = -EBADMSG;
	some[1].copies = 1;
	refused = -EPERM;
	assert_int_equal(scan(), 0);
	assert_string_equal(attachments.problem,
			    "cannot attach a uprobe: Operation not permitted: this kernel wants "
			    "CAP_SYS_ADMIN for it");
	calls[0] = '\0';
	files = 1;
	changed_ns = 2;
	assert_int_equal(scan(), 0);
	expect_called("look 0\n");
	assert_string_equal(attachments.problem, "it stands there twice");
	assert_int_equal(attachments.copies, 0);
}

static void test_cannot_be_read(void **state)
{
	(void)state;
	some[0].path = NULL;
	some[1].copies = 1;
	assert_int_equal(scan(), 1);
	expect_called("look 1\nattach 1\ncopy 1234 0x2010\n");
	unreadable = -ESRCH;
	assert_int_equal(scan(), -ESRCH);
	expect_called("");
}

static void test_usual_files(void **state)
{
	(void)state;
	attachments.by_memory = true;
	some[3].copies = 1;
	attachments_add_usual(&attachments);
	expect_called("look 3\nattach 3 by memory\n");
	assert_int_equal(attachments.copies, 1);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, clean)
	const struct CMUnitTest tests[] = {
		CASE(test_attaches_once), CASE(test_each_process_by_itself),
		CASE(test_by_probes),     CASE(test_linker),
		CASE(test_problems),      CASE(test_cannot_be_read),
		CASE(test_usual_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
