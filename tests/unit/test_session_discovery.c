// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/session_discovery.c */
/* Which processes and files are looked at. Attaching is faked. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "called.h"
#include "collector/recorder/adoption.h"
#include "collector/recorder/looks.h"
#include "collector/session_private.h"
#include "collector/target/elf_probes.h"
#include "collector/target/elf_stripped.h"
#include "collector/target/mapping_open.h"
#include "collector/target/mappings.h"
#include "collector/target/target_memory.h"

static struct session session;
static int result; /* of what may fail */
static char problem[32];

/* ---- the kernel's side ---- */

struct tracker {
	char unused;
};

static struct tracker tracker;

int tracker_watch(struct tracker *t, pid_t pid)
{
	assert_ptr_equal(t, &tracker);
	called("watch %d\n", pid);
	return result;
}

void tracker_unwatch(struct tracker *t, pid_t pid)
{
	assert_ptr_equal(t, &tracker);
	called("unwatch %d\n", pid);
}

int tracker_open(struct tracker **t, const struct tracker_options *options,
		 const struct tracker_callbacks *callbacks, char *error, size_t error_size)
{
	(void)options;
	assert_null(callbacks);
	called("open\n");
	snprintf(error, error_size, "%s", result ? "not allowed" : "");
	*t = result ? NULL : &tracker;
	return result;
}

void tracker_close(struct tracker *t)
{
	assert_ptr_equal(t, &tracker);
	called("close\n");
}

void tracker_verified(struct tracker *t, void (*fn)(const char *program, uint32_t count))
{
	assert_ptr_equal(t, &tracker);
	fn("on_begin", 5);
}

/* ---- watching by memory ---- */

static pid_t has_library; /* and no other process */
static char some_looks;
static bool left; /* it was left before */
static bool keeps_log;

void target_init(struct target *target, pid_t pid)
{
	*target = (struct target){.pid = pid};
}

void target_close(struct target *target)
{
	(void)target;
}

int target_read(struct target *target, uint64_t address, void *buffer, size_t size)
{
	struct flightrec_state *state = buffer;
	struct flightrec_process *process = buffer;

	assert_int_equal(target->pid, has_library);
	memset(buffer, 0, size);
	if (address == 0x1000)
		state->process = 0x2000;
	else
		process->memory = keeps_log ? 0x7000 : FLIGHTREC_NO_MEMORY;
	return 0;
}

/* There are no spans. */
size_t spans_scan(struct spans *s, pid_t pid)
{
	return s && pid;
}

const char *spans_problem(const struct spans *s, size_t i)
{
	return s && i ? "why" : NULL;
}

bool spans_may_come(const struct spans *s)
{
	return s;
}

int looks_add(struct looks *l, pid_t pid, uint64_t since_ns)
{
	assert_ptr_equal(l, &some_looks);
	called("look %d %s\n", pid == has_library ? 1 : 0, since_ns ? "before" : "since");
	return 0;
}

bool looks_leave(struct looks *l, pid_t pid)
{
	assert_ptr_equal(l, &some_looks);
	called("leave %d\n", pid == has_library ? 1 : 0);
	return !left;
}

void looks_unasked(struct looks *l, pid_t pid)
{
	assert_ptr_equal(l, &some_looks);
	called("unasked %d\n", pid);
}

bool looks_has_left(const struct looks *l, pid_t pid)
{
	assert_ptr_equal(l, &some_looks);
	assert_int_equal(pid, has_library);
	return left;
}

bool message_limited(struct message_limit *limit, const char *format, ...)
{
	(void)limit;
	(void)format;
	called("told\n");
	return true;
}

void adoption_forget(struct recorders *r, pid_t pid)
{
	assert_ptr_equal(r, session.recorders);
	called("forget %d\n", pid);
}

void adoption_run(struct recorders *r)
{
	assert_ptr_equal(r, session.recorders);
	called("adopt now\n");
}

int attachments_scan_by_probes(struct attachments *a, pid_t pid, attachments_copy_fn fn, void *arg)
{
	assert_ptr_equal(a, &session.attachments);
	assert_ptr_equal(arg, session.recorders);
	called("by probes %d\n", pid == has_library ? 1 : 0);
	fn(arg, pid, 0x1000);
	return 1;
}

/* ---- attachments ---- */

static pid_t scanned_self;
static int init_error;

int attachments_init(struct attachments *a, const struct attachments_options *options)
{
	*a = (struct attachments){.options = *options};
	return init_error;
}

void attachments_free(struct attachments *a)
{
	called("free %s\n", a->options.each_process ? "each" : "all");
}

int attachments_scan(struct attachments *a, pid_t pid, attachments_copy_fn fn, void *arg)
{
	if (pid == getpid())
		scanned_self = pid;
	snprintf(a->problem, sizeof(a->problem), "%s", problem);
	if (pid != has_library)
		return pid > 0 ? 0 : -ESRCH;
	fn(arg, pid, 0x1000);
	return 1;
}

void attachments_add_usual(struct attachments *a)
{
	called("usual\n");
	snprintf(a->problem, sizeof(a->problem), "%s", problem);
}

void adoption_add(void *recorders, pid_t pid, uint64_t state)
{
	assert_ptr_equal(recorders, session.recorders);
	called("adopt %d %#jx\n", pid, (uintmax_t)state);
}

/* ---- what a process maps: three files, the second of which cannot be opened ---- */

static int library_is; /* which of them */
static int opened, looked_at;
static int last_fd = -1;

int mappings_read(pid_t pid, struct mappings *out)
{
	static struct mapped_file files[3];

	*out = (struct mappings){.file = files, .files = pid == getpid() ? 3 : 0};
	return pid == getpid() ? 0 : -ESRCH;
}

void mappings_free(struct mappings *m)
{
	called("free mappings\n");
	m->files = 0;
}

int mapping_open(pid_t pid, const struct mappings *m, const struct mapped_file *file)
{
	assert_int_equal(pid, getpid());
	opened = (int)(file - m->file);
	if (opened == 1)
		return -ENOENT;
	/* The file opened before is closed. */
	assert_int_equal(fcntl(last_fd, F_GETFD), -1);
	last_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return last_fd;
}

int elf_probes_find(int fd, struct elf_probes *out)
{
	(void)out;
	assert_int_equal(fd, last_fd);
	looked_at++;
	return opened == library_is ? 0 : -ENOENT;
}

bool elf_stripped_of_notes(int fd)
{
	assert_int_equal(fd, last_fd);
	looked_at++;
	return opened == library_is;
}

/* ---- the test's ---- */

static int set_up(void **state)
{
	(void)state;
	session = (struct session){.tracker = &tracker, .recorders = (struct recorders *)&tracker};
	calls[0] = '\0';
	problem[0] = '\0';
	result = 0;
	has_library = 0;
	scanned_self = 0;
	looked_at = 0;
	left = false;
	return 0;
}

static void test_watch(void **state)
{
	(void)state;
	assert_int_equal(session_watch(&session, 5), 0);
	assert_false(session.library_seen);
	expect_called("watch 5\n");
	has_library = 6;
	assert_int_equal(session_watch(&session, 6), 1);
	expect_called("watch 6\nadopt 6 0x1000\n");
	assert_true(session.library_seen);
	/* That it was seen is not forgotten. */
	assert_int_equal(session_scan(&session, 5), 0);
	assert_true(session.library_seen);
	session_unwatch(&session, 6);
	expect_called("unwatch 6\n");
}

static void test_watch_refused(void **state)
{
	(void)state;
	has_library = 6;
	result = -E2BIG;
	assert_int_equal(session_watch(&session, 6), -E2BIG);
	expect_called("watch 6\n");
}

static bool go_on(void *arg)
{
	++*(unsigned int *)arg;
	return false;
}

static bool stop(void *arg)
{
	++*(unsigned int *)arg;
	return true;
}

/* A child that waits for its end. */
static void test_watch_all(void **state)
{
	unsigned int asked = 0;
	pid_t child = fork();
	char line[64];

	(void)state;
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	has_library = child;
	assert_int_equal(session_watch_all(&session, go_on, &asked), 1);
	snprintf(line, sizeof(line), "adopt %d 0x1000\n", child);
	expect_called(line);
	assert_int_equal(scanned_self, 0);
	assert_true(asked > 2);
	asked = 0;
	assert_int_equal(session_watch_all(&session, stop, &asked), 0);
	assert_int_equal(asked, 1);
	expect_called("");
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_usual_copies(void **state)
{
	(void)state;
	/* There are none: no problem. */
	assert_null(session_watch_usual(&session));
	expect_called("usual\n");
	strcpy(problem, "cannot attach");
	assert_string_equal(session_watch_usual(&session), "cannot attach");
	assert_string_equal(session_problem(&session), "cannot attach");
	/* One of them is enough. */
	session.attachments.copies = 1;
	assert_null(session_watch_usual(&session));
}

static void test_what_a_process_maps(void **state)
{
	bool (*const is[])(pid_t pid) = {session_uses_library, session_lost_notes};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		library_is = 2;
		looked_at = 0;
		assert_true(is[i](getpid()));
		assert_int_equal(looked_at, 2);
		library_is = 0;
		looked_at = 0;
		assert_true(is[i](getpid()));
		assert_int_equal(looked_at, 1);
		library_is = 1; /* which cannot be opened */
		assert_false(is[i](getpid()));
		assert_false(is[i](0));
		assert_int_equal(fcntl(last_fd, F_GETFD), -1);
		expect_called("free mappings\nfree mappings\nfree mappings\nfree mappings\n");
	}
}

static void test_watch_by_memory(void **state)
{
	(void)state;
	session.looks = (struct looks *)&some_looks;
	has_library = 77;
	keeps_log = true;
	assert_int_equal(session_watch(&session, 77), 1);
	expect_called("watch 77\nlook 1 before\n");
	/* Of a process that comes later, everything it opens is seen. */
	assert_int_equal(session_scan(&session, 77), 1);
	expect_called("look 1 since\n");
}

static void test_watch_without_a_log(void **state)
{
	(void)state;
	session.looks = (struct looks *)&some_looks;
	has_library = 77;
	keeps_log = false;
	assert_int_equal(session_watch(&session, 77), 1);
	expect_called("watch 77\nleave 1\ntold\nby probes 1\nadopt 77 0x1000\nadopt now\n");
	/* Again, without a word: its file may be attached to anew. */
	left = true;
	assert_int_equal(session_watch(&session, 77), 1);
	expect_called("watch 77\nleave 1\nby probes 1\nadopt 77 0x1000\nadopt now\n");
	/* Also one that has a log, and more than its room. */
	keeps_log = true;
	assert_int_equal(session_watch(&session, 77), 1);
	expect_called("watch 77\nleave 1\nby probes 1\nadopt 77 0x1000\nadopt now\n");
}

static void test_what_attachments_tell(void **state)
{
	(void)state;
	session_forget_open(&session, 5);
	expect_called("forget 5\n");
	/* By probes there is nothing to look at. */
	session_look_unasked(&session, 5);
	expect_called("");
	session.looks = (struct looks *)&some_looks;
	session_look_unasked(&session, 5);
	expect_called("unasked 5\n");
}

static void verified(const char *program, uint32_t count)
{
	called("verified %s %u\n", program, count);
}

static void test_try(void **state)
{
	char error[64];

	(void)state;
	assert_int_equal(session_try(verified, error, sizeof(error)), 0);
	expect_called("open\nverified on_begin 5\nfree each\nclose\n");
	assert_int_equal(scanned_self, getpid());
	assert_int_equal(session_try(NULL, error, sizeof(error)), 0);
	expect_called("open\nfree each\nclose\n");
}

static void test_try_fails(void **state)
{
	char error[64];

	(void)state;
	strcpy(problem, "cannot attach");
	assert_int_equal(session_try(NULL, error, sizeof(error)), -EPERM);
	assert_string_equal(error, "cannot attach");
	expect_called("open\nfree each\nclose\n");
	problem[0] = '\0';
	init_error = -EMFILE;
	assert_int_equal(session_try(NULL, error, sizeof(error)), -EMFILE);
	assert_string_equal(error, "cannot start: Too many open files");
	expect_called("open\nfree each\nclose\n");
	init_error = 0;
	result = -EACCES;
	assert_int_equal(session_try(verified, error, sizeof(error)), -EACCES);
	assert_string_equal(error, "not allowed");
	expect_called("open\n");
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup(test, set_up)
	const struct CMUnitTest tests[] = {
		CASE(test_watch),
		CASE(test_watch_refused),
		CASE(test_watch_all),
		CASE(test_usual_copies),
		CASE(test_what_a_process_maps),
		CASE(test_try),
		CASE(test_try_fails),
		CASE(test_watch_by_memory),
		CASE(test_what_attachments_tell),
		CASE(test_watch_without_a_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
