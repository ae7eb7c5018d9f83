// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/attachment/attaching.c user/collector/attachment/attached_files.c */
/* What is done with a file that is met; the kernel's side is a fake. */
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

#include "called.h"
#include "collector/attachment/attaching.h"
#include "collector/attachment/attachments.h"
#include "collector/attachment/departures.h"
#include "collector/attachment/descriptor_share.h"
#include "collector/attachment/file_lease.h"
#include "collector/attachment/probe_placement.h"
#include "collector/target/elf_stripped.h"

static struct attachments attachments;
static struct attaching met;

/* ---- fakes ---- */

static size_t copies; /* in the file */
static int found;     /* result of elf_probes_find(), unless it is 0 */
static bool stripped, no_share;
static int lease_error;
static int refused; /* of attaching */
static int64_t changed_ns;

int file_identity_read(int fd, struct file_identity *identity)
{
	*identity = (struct file_identity){1, 2, 3, changed_ns};
	return fd < 0 ? -EBADF : 0;
}

struct file_identity file_identity_held(const struct file_identity *identity)
{
	return (struct file_identity){identity->device, identity->inode, 0, 0};
}

int elf_probes_find(int fd, struct elf_probes *out)
{
	memset(out, 0, sizeof(*out));
	out->copies = copies;
	out->reason = ELF_REASON_TWICE;
	called("look\n");
	return found ? found : copies ? 0 : -ENOENT;
}

const char *elf_reason_text(enum elf_reason reason)
{
	return reason == ELF_REASON_TWICE ? "it stands there twice" : "";
}

uid_t descriptor_share_user(pid_t pid)
{
	return pid ? 77 : 0;
}

bool descriptor_share_left(const struct attached_files *files, uid_t uid)
{
	assert_int_equal(uid, met.pid ? 77 : 0);
	return !no_share;
}

bool elf_stripped_of_notes(int fd)
{
	return stripped;
}

int file_lease_take(int fd)
{
	called("lease\n");
	return lease_error;
}

void file_lease_give_back(int fd)
{
	called("give back\n");
}

int placement_attach_copies(const struct tracker *tracker, struct attached_file *file, int fd,
			    bool by_memory)
{
	called("attach%s%s\n", file->key.pid ? " alone" : "", by_memory ? " by memory" : "");
	file->links.count += !refused;
	return refused;
}

int placement_attach_linker(const struct tracker *tracker, struct attached_file *file, int fd)
{
	called("linker\n");
	file->links.count += !refused;
	return refused;
}

void departures_wait(struct attachments *a, struct attached_file *file)
{
	called("wait\n");
	file->state = FILE_WAITING;
}

void departures_retry(struct attachments *a, struct attached_file *file)
{
	called("retry\n");
}

bool message_limited(struct message_limit *limit, const char *format, ...)
{
	va_list args;
	size_t length = strlen(calls);

	assert_ptr_equal(limit, &attachments.not_attached);
	va_start(args, format);
	vsnprintf(calls + length, sizeof(calls) - length, format, args);
	va_end(args);
	return true;
}

/* ---- the tests ---- */

static struct attached_file *meet(void)
{
	return attaching_file(&attachments, &met);
}

static int set_up(void **state)
{
	(void)state;
	attachments = (struct attachments){0};
	met = (struct attaching){
		.fd = open("/dev/null", O_RDONLY | O_CLOEXEC), .pid = 5, .path = "/lib/x"};
	copies = 1;
	stripped = no_share = false;
	found = lease_error = refused = 0;
	changed_ns = 1;
	calls[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	struct attached_file *file;

	(void)state;
	while ((file = attached_files_next(&attachments.files, NULL)))
		attached_files_remove(&attachments.files, file);
	attached_files_forget_plain(&attachments.files);
	close(met.fd);
	return 0;
}

/* Looked at again when nobody can write to it any more. */
static void test_attaches_once(void **state)
{
	struct attached_file *file = meet();

	(void)state;
	expect_called("look\nlease\nlook\nattach\n");
	assert_non_null(file);
	assert_true(file->held);
	assert_true(file->lease >= 0);
	assert_int_equal(file->probes->copies, 1);
	assert_int_equal(attachments.copies, 1);
	changed_ns = 2;
	assert_ptr_equal(meet(), file);
	expect_called("");
}

static void test_plain(void **state)
{
	struct attached_file *file;

	(void)state;
	copies = 0;
	file = meet();
	expect_called("look\n");
	assert_non_null(file);
	assert_false(file->held);
	assert_ptr_equal(meet(), file);
	expect_called("");
	/* It was changed: now it has some. */
	changed_ns = 2;
	copies = 1;
	assert_true(meet()->held);
	expect_called("look\nlease\nlook\nattach\n");
}

static void test_ways(void **state)
{
	(void)state;
	attachments.options.by_memory = true;
	meet();
	expect_called("look\nlease\nlook\nattach by memory\n");
	attachments.all_probes = true;
	meet();
	expect_called("look\nlease\nlook\nattach alone\n");
	attachments.all_probes = false;
	meet();
	expect_called("");
	attachments.options.each_process = true;
	meet();
	expect_called("look\nlease\nlook\nattach alone by memory\n");
}

static void test_linker(void **state)
{
	struct attached_file *file;

	(void)state;
	copies = 0;
	met.linker = true;
	file = meet();
	expect_called("look\nlease\nlinker\n");
	assert_true(file->held);
	assert_ptr_equal(meet(), file);
	expect_called("");
}

/* A linker that has no such place is as good as any other file. */
static void test_linker_without_a_place(void **state)
{
	struct attached_file *file;

	(void)state;
	copies = 0;
	met.linker = true;
	refused = -ENOENT;
	file = meet();
	expect_called("look\nlease\nlinker\ngive back\n");
	assert_false(file->held);
	assert_int_equal(file->lease, -1);
	assert_string_equal(attachments.problem, "");
}

static void test_refused(void **state)
{
	(void)state;
	refused = -EPERM;
	assert_false(meet()->held);
	expect_called("look\nlease\nlook\nattach\ngive back\n");
	assert_string_equal(attachments.problem,
			    "cannot attach a uprobe: Operation not permitted: this kernel wants "
			    "CAP_SYS_ADMIN for it");
	assert_int_equal(attachments.copies, 0);
	meet();
	expect_called("");
}

/* What is missing now may be there for the next process; it is said each time. */
static void test_no_descriptors(void **state)
{
	(void)state;
	attachments.tell = true;
	refused = -EMFILE;
	for (int i = 0; i < 2; i++) {
		assert_null(meet());
		expect_called(
			"look\nlease\nlook\nattach\n"
			"process 5 is not watched in /lib/x: cannot attach a uprobe: Too many open "
			"files: raise the limit (ulimit -n)give back\n");
	}
	refused = 0;
	assert_true(meet()->held);
}

/* It may get some when its user's others end. */
static void test_no_share(void **state)
{
	(void)state;
	attachments.tell = true;
	no_share = true;
	assert_null(meet());
	expect_called(
		"look\nlease\nlook\n"
		"process 5 is not watched in /lib/x: its user has all the descriptors that can "
		"be spared: raise the limit (ulimit -n)give back\n");
	copies = 0;
	met.linker = true;
	assert_false(meet()->held);
	no_share = false;
	assert_true(meet()->held);
	assert_int_equal(meet()->uid, 77);
}

static void test_cannot_be_used(void **state)
{
	(void)state;
	found = -EBADMSG;
	attachments.tell = true;
	assert_false(meet()->held);
	expect_called("look\nprocess 5 is not watched in /lib/x: it stands there twice");
	meet();
	expect_called("");
	assert_string_equal(attachments.problem, "it stands there twice");
	met.path = NULL;
	attaching_problem(&attachments, &met, "why");
	expect_called("process 5 is not watched: why");
}

/* It is said, but nothing that was asked for failed. */
static void test_stripped(void **state)
{
	(void)state;
	copies = 0;
	assert_false(meet()->held);
	assert_false(attachments.stripped);
	stripped = true;
	attachments.tell = true;
	changed_ns = 2;
	calls[0] = '\0';
	assert_false(meet()->held);
	expect_called("look\nprocess 5 is not watched in /lib/x: it has probes, but their notes "
		      "(.note.stapsdt) were removed, as llvm-strip does");
	assert_true(attachments.stripped);
	assert_string_equal(attachments.problem, "");
	meet();
	expect_called("");
}

/* Others may write to it, and it need not be mapped: probes do not belong there. */
static void test_usual_without_a_lease(void **state)
{
	(void)state;
	met.pid = 0;
	met.usual = true;
	lease_error = -EACCES;
	assert_null(meet());
	expect_called("look\nlease\n");
	assert_string_equal(attachments.problem, "");
	/* Until a process maps it. */
	met.usual = false;
	assert_true(meet()->held);
	expect_called("look\nlease\nattach\n");
	lease_error = 0;
	met.usual = true;
	assert_false(meet()->lease >= 0);
}

static void test_usual(void **state)
{
	(void)state;
	assert_false(meet()->usual);
	met.usual = true;
	assert_true(meet()->usual);
	met.usual = false;
	assert_true(meet()->usual);
}

/* Nobody knows what it becomes: it waits. */
static void test_open_for_writing(void **state)
{
	struct attached_file *file;

	(void)state;
	lease_error = -EAGAIN;
	file = meet();
	expect_called("look\nlease\nwait\n");
	assert_true(file->held);
	assert_true(file->lease >= 0);
	/* It has the library, but that is not attached to. */
	assert_int_equal(file->probes->copies, 1);
	assert_int_equal(attachments.copies, 0);
	changed_ns = 2;
	met.linker = true;
	assert_ptr_equal(meet(), file);
	expect_called("retry\n");
}

static void test_linker_is_open_for_writing(void **state)
{
	(void)state;
	copies = 0;
	met.linker = true;
	lease_error = -EAGAIN;
	assert_true(meet()->held);
	expect_called("look\nlease\nwait\n");
}

static void test_leaving(void **state)
{
	struct attached_file *file = meet();

	(void)state;
	file->state = FILE_LEAVING;
	calls[0] = '\0';
	assert_ptr_equal(meet(), file);
	expect_called("");
	file->state = FILE_WAITING;
	assert_ptr_equal(meet(), file);
	expect_called("retry\n");
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_attaches_once),
		CASE(test_plain),
		CASE(test_ways),
		CASE(test_linker),
		CASE(test_linker_without_a_place),
		CASE(test_refused),
		CASE(test_no_descriptors),
		CASE(test_no_share),
		CASE(test_cannot_be_used),
		CASE(test_stripped),
		CASE(test_usual_without_a_lease),
		CASE(test_usual),
		CASE(test_open_for_writing),
		CASE(test_linker_is_open_for_writing),
		CASE(test_leaving),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
