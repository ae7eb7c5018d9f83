// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/attachment/attachments.c user/collector/attachment/attached_files.c */
/* Which files of a process are looked at, and what is told of them; the other parts are fakes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "called.h"
#include "collector/attachment/attaching.h"
#include "collector/attachment/attachments.h"
#include "collector/attachment/departures.h"
#include "collector/attachment/detacher.h"
#include "collector/attachment/file_lease.h"
#include "collector/attachment/liveness.h"
#include "collector/attachment/probe_placement.h"
#include "collector/attachment/semaphores.h"
#include "collector/attachment/usual_files.h"
#include "collector/target/elf_places.h"
#include "collector/target/mapping_open.h"
#include "collector/target/mappings.h"

#define PID 1234

static struct attachments attachments;

/* ---- what the process maps ---- */

static char path[] = "/usr/bin/program";
static struct attached_file known[3];
static struct elf_probes probes; /* of the second */
static struct mapped_file mapped[3];
static struct mapped_range ranges[6];
static size_t files, linker;
static int unreadable; /* of the mappings */
static int open_error; /* of the first file */

int mappings_read(pid_t pid, struct mappings *out)
{
	assert_int_equal(pid, PID);
	*out = (struct mappings){
		.file = mapped, .files = files, .range = ranges, .ranges = 6, .linker = linker};
	return unreadable;
}

void mappings_free(struct mappings *m)
{
	memset(m, 0, sizeof(*m));
}

int mapping_open(pid_t pid, const struct mappings *m, const struct mapped_file *file)
{
	if (open_error && file == m->file)
		return open_error;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int elf_load_bias(int fd, uint64_t start, uint64_t offset, uint64_t *bias)
{
	*bias = start - offset;
	return 0;
}

/* ---- the other parts ---- */

static size_t next; /* file to be met */
static unsigned down;
static uint64_t down_at;
static int lease_signals, detached;
static bool any_signals;
static struct attached_file *done;
static struct file_user some_user;

struct attached_file *attaching_file(struct attachments *a, const struct attaching *met)
{
	struct attached_file *file = &known[met->pid ? next : 2];

	called("meet %td%s%s\n", file - known, met->linker ? " linker" : "",
	       met->usual ? " usual" : "");
	next++;
	return file->state == FILE_WAITING && !file->held ? NULL : file;
}

void attaching_problem(struct attachments *a, const struct attaching *met, const char *why)
{
	assert_int_equal(met->pid, PID);
	called("problem of %s: %s\n", met->path ? met->path : "all", why);
}

unsigned placement_wanted(const struct elf_probes_copy *copy, bool by_memory)
{
	return by_memory ? 2 : 1;
}

unsigned semaphores_down(pid_t pid, uint64_t state, unsigned wanted)
{
	assert_int_equal(pid, PID);
	called("wanted %u\n", wanted);
	return !down_at || down_at == state ? down : 0;
}

void liveness_found(struct attachments *a, struct file_user *user, const struct liveness *found)
{
	if (found->file)
		called("blind %td%s in %s\n", found->file - known, found->twice ? " twice" : "",
		       found->path);
}

struct file_user *file_users_find(const struct file_users *users, pid_t pid)
{
	return pid == PID ? &some_user : NULL;
}

struct file_user *file_users_set(struct file_users *users, const struct file_user_scan *scan)
{
	called("%d uses", scan->pid);
	for (size_t i = 0; i < scan->files; i++)
		called(" %td", scan->file[i] - known);
	called("%s\n", scan->all_probes ? " by probes" : "");
	some_user.files = scan->files;
	return &some_user;
}

void file_users_drop(struct file_users *users, struct file_user *user)
{
	assert_ptr_equal(user, &some_user);
	called("drop\n");
}

void file_users_drop_all(struct file_users *users)
{
	called("drop all\n");
}

void departures_wanted(struct attachments *a)
{
	called("wanted\n");
}

void departures_done(struct attachments *a, struct attached_file *file)
{
	called("done %td\n", file - known);
}

void departures_due(struct attachments *a, uint64_t now_ns, bool scans_pending)
{
	called("due%s\n", scans_pending ? " later" : "");
}

struct detacher *detacher_new(void)
{
	return (struct detacher *)&detached;
}

void detacher_free(struct detacher *d)
{
	called("free\n");
}

int detacher_fd(const struct detacher *d)
{
	return detached;
}

void *detacher_done(struct detacher *d)
{
	struct attached_file *file = done;
	uint64_t count;

	done = NULL;
	if (!file && read(detached, &count, sizeof(count)) < 0)
		return NULL;
	return file;
}

int file_lease_signals(void)
{
	return lease_signals = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

bool file_lease_take_signals(int signals)
{
	return any_signals;
}

struct file_identity file_identity_held(const struct file_identity *identity)
{
	return *identity;
}

void uprobe_links_move(struct uprobe_links *to, struct uprobe_links *from)
{
	to->count += from->count;
	from->count = 0;
}

void uprobe_links_detach(struct uprobe_links *links)
{
	called("detach %zu\n", links->count);
}

void usual_files_each(void (*fn)(void *arg, const char *path), void *arg)
{
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
	next = 0;
	return attachments_scan(&attachments, PID, on_copy, &attachments);
}

static int set_up(void **state)
{
	const struct attachments_options options = {.by_memory = true};

	(void)state;
	detached = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_int_equal(attachments_init(&attachments, &options), 0);
	memset(known, 0, sizeof(known));
	memset(&probes, 0, sizeof(probes));
	probes.copies = 1;
	probes.copy[0].state = 0x10;
	known[1].probes = &probes;
	known[1].held = true;
	for (size_t i = 0; i < 3; i++) {
		mapped[i] = (struct mapped_file){.range = i, .path = path};
		ranges[i] = (struct mapped_range){.start = 0x1000 * (i + 1), .next = MAPPINGS_NONE};
	}
	files = 2;
	linker = MAPPINGS_NONE;
	unreadable = open_error = 0;
	down = 0;
	down_at = 0;
	any_signals = false;
	calls[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	attachments_free(&attachments);
	close(detached);
	return 0;
}

static void test_scan(void **state)
{
	(void)state;
	assert_int_equal(scan(), 1);
	expect_called("meet 0\nmeet 1\ncopy 1234 0x2010\nwanted 2\n1234 uses 1\n");
	next = 0;
	attachments_scan_by_probes(&attachments, PID, on_copy, &attachments);
	expect_called("meet 0\nmeet 1\ncopy 1234 0x2010\nwanted 1\n1234 uses 1 by probes\n");
	assert_false(attachments.all_probes);
}

static void test_linker(void **state)
{
	char musl[] = "/lib/ld-musl-x86_64.so.1";

	(void)state;
	linker = 0;
	mapped[1].path = musl;
	scan();
	expect_called("meet 0 linker\nmeet 1 linker\ncopy 1234 0x2010\nwanted 2\n1234 uses 1\n");
}

/* A file may hold several copies of the library, and be mapped several times. */
static void test_copies_and_places(void **state)
{
	(void)state;
	probes.copies = 2;
	probes.copy[1].state = 0x20;
	ranges[1].next = 3;
	/* Another part of the same mapping, and another mapping. */
	ranges[3] = (struct mapped_range){.start = 0x2400, .offset = 0x400, .next = 4};
	ranges[4] = (struct mapped_range){.start = 0x8000, .next = MAPPINGS_NONE};
	down = 1;
	down_at = 0x8020;
	assert_int_equal(scan(), 4);
	expect_called("meet 0\nmeet 1\n"
		      "copy 1234 0x2010\nwanted 2\ncopy 1234 0x2020\nwanted 2\n"
		      "copy 1234 0x8010\nwanted 2\ncopy 1234 0x8020\nwanted 2\n"
		      "1234 uses 1\nblind 1 twice in /usr/bin/program\n");
}

static void test_blind(void **state)
{
	(void)state;
	down = 1;
	scan();
	expect_called("meet 0\nmeet 1\ncopy 1234 0x2010\nwanted 2\n1234 uses 1\n"
		      "blind 1 in /usr/bin/program\n");
}

/* It is not attached to for now: it has the library, but there is nothing to be seen. */
static void test_file_waits(void **state)
{
	(void)state;
	known[1].state = FILE_WAITING;
	assert_int_equal(scan(), 1);
	expect_called("meet 0\nmeet 1\n1234 uses 1\nblind 1 in /usr/bin/program\n");
	known[1].held = false;
	assert_int_equal(scan(), 0);
	expect_called("meet 0\nmeet 1\n1234 uses\n");
}

static void test_cannot_be_read(void **state)
{
	(void)state;
	open_error = -EMFILE;
	next = 1;
	files = 1;
	assert_int_equal(attachments_scan(&attachments, PID, on_copy, &attachments), 0);
	expect_called("problem of /usr/bin/program: too many open files: raise the limit (ulimit "
		      "-n)\n1234 uses\n");
	open_error = -ENOENT;
	scan();
	expect_called("1234 uses\n");
	unreadable = -ESRCH;
	assert_int_equal(scan(), -ESRCH);
	expect_called("");
	unreadable = -EMFILE;
	assert_int_equal(scan(), -EMFILE);
	expect_called("problem of all: too many open files: raise the limit (ulimit -n)\n");
}

static void test_usual_files(void **state)
{
	(void)state;
	attachments_add_usual(&attachments);
	expect_called("meet 2 usual\n");
}

static void send(int fd)
{
	const uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static void test_work(void **state)
{
	(void)state;
	attachments_work(&attachments, false);
	expect_called("due\n");
	attachments_work(&attachments, true);
	expect_called("due later\n");
	/* A signal that is somebody else's. */
	send(lease_signals);
	attachments_work(&attachments, false);
	expect_called("due\n");
	any_signals = true;
	send(lease_signals);
	attachments_work(&attachments, false);
	expect_called("wanted\ndue\n");
	done = &known[1];
	send(detached);
	attachments_work(&attachments, false);
	expect_called("done 1\ndue\n");
	attachments.usual_again = true;
	assert_int_equal(attachments_next(&attachments), 1);
	attachments_work(&attachments, false);
	expect_called("due\nmeet 2 usual\n");
	assert_int_equal(attachments_next(&attachments), UINT64_MAX);
}

static void test_end_of_a_process(void **state)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = PID};
	int pidfd = eventfd(1, EFD_CLOEXEC);

	(void)state;
	assert_int_equal(epoll_ctl(attachments_fd(&attachments), EPOLL_CTL_ADD, pidfd, &event), 0);
	attachments_work(&attachments, false);
	expect_called("drop\ndue\n");
	close(pidfd);
}

/* Files are given back when their probes are out, and nothing is attached to afterwards. */
static void test_all_is_given_back(void **state)
{
	struct attached_key key;
	struct attached_file *file;
	int lease;

	(void)state;
	memset(&key, 0, sizeof(key));
	file = attached_files_add(&attachments.files, &key);
	file->links.count = 3;
	file->lease = lease = open("/dev/null", O_RDONLY | O_CLOEXEC);
	attached_files_hold(&attachments.files, file);
	attachments_free(&attachments);
	expect_called("free\ndetach 3\ndrop all\n");
	assert_int_equal(fcntl(lease, F_GETFD), -1);
	assert_int_equal(scan(), 0);
	attachments_add_usual(&attachments);
	attachments_work(&attachments, false);
	expect_called("");
	assert_int_equal(attachments_next(&attachments), UINT64_MAX);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_scan),
		CASE(test_linker),
		CASE(test_copies_and_places),
		CASE(test_blind),
		CASE(test_file_waits),
		CASE(test_cannot_be_read),
		CASE(test_usual_files),
		CASE(test_work),
		CASE(test_end_of_a_process),
		CASE(test_all_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
