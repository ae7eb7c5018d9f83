// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/proc_file.c */
/* link: user/collector/where/waits.c user/collector/where/waits_text.c */
/* link: user/collector/where/waits_futex.c user/collector/where/waits_file.c */
/* link: user/collector/where/waits_peer.c user/collector/where/syscall_text.c */
/* link: user/collector/where/where.c user/collector/base/arena.c */
/* link: user/collector/base/text_buffer.c user/collector/span/syscall_names.c */
/* link: user/collector/target/target_memory.c user/collector/target/host_tid.c */
/* link: user/collector/target/proc_names.c user/collector/target/proc_status.c */
/* link: user/collector/target/time_namespace.c */
/* tests: user/collector/where/waits_text.c */
/* tests: user/collector/where/waits_futex.c */
/* tests: user/collector/where/waits_file.c */
/* tests: user/collector/where/waits_peer.c */
/* Threads are played; locks, files and sockets are this process's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/kernel/threads.h"
#include "collector/where/waits.h"

#define SLEEPING 1
#define THREADS 4

/* Their numbers are those of real threads, as /proc is asked too. */
static struct thread_record shown[THREADS];
static size_t n_shown;
static pthread_barrier_t barrier;
static uint64_t found_inode;
static struct thread_file other_file;

int threads_read(struct threads *threads, pid_t tid, struct thread_record *record)
{
	(void)threads;
	for (size_t i = 0; i < n_shown; i++) {
		if ((pid_t)shown[i].tid == tid) {
			*record = shown[i];
			return 0;
		}
	}
	return -ESRCH;
}

int threads_find_file(struct threads *threads, uint64_t device, uint64_t inode,
		      struct thread_file *files, size_t most)
{
	(void)threads;
	(void)device;
	assert_true(most >= 2);
	found_inode = inode;
	files[0] = (struct thread_file){.pid = (uint32_t)getpid(), .reads = 1, .writes = 1};
	files[1] = other_file;
	return other_file.pid ? 2 : 1;
}

static struct thread_record *show(pid_t tid, long long call, uint64_t first)
{
	struct thread_record *record = &shown[n_shown++];

	*record = (struct thread_record){.pid = (uint32_t)getpid(),
					 .tid = (uint32_t)tid,
					 .state = SLEEPING,
					 .syscall = call,
					 .arg = {first}};
	return record;
}

static struct thread_record *show_futex(pid_t tid, void *address)
{
	struct thread_record *record = show(tid, SYS_futex, (uint64_t)(uintptr_t)address);

	record->arg[1] = FUTEX_WAIT | FUTEX_PRIVATE_FLAG;
	return record;
}

static int begin(void **state)
{
	(void)state;
	n_shown = 0;
	other_file = (struct thread_file){0};
	return 0;
}

/* The text of what the thread that was shown first waits for, %1 to %3 in @expected being numbers.
 */
static void expect(const char *function, const char *kind, const char *format, ...)
{
	struct where *where = where_new(&shown[0]);
	struct report_frame frame = {.function = function};
	char expected[512];
	va_list args;

	va_start(args, format);
	vsnprintf(expected, sizeof(expected), format, args);
	va_end(args);
	where->thread.frame = &frame;
	where->thread.n_frames = function != NULL;
	waits_find(where, NULL);
	if (!kind) {
		assert_null(where->thread.waits);
	} else {
		assert_non_null(where->thread.waits);
		assert_string_equal(where->thread.waits->text, expected);
		assert_string_equal(where->thread.waits->kind, kind);
	}
	where_put(where);
}

/* ---- futex ---- */

static pid_t other_tid;

static void *be_there(void *arg)
{
	other_tid = (pid_t)syscall(SYS_gettid);
	(void)arg;
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static pthread_t other;

static int begin_with_thread(void **state)
{
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&other, NULL, be_there, NULL);
	pthread_barrier_wait(&barrier);
	return begin(state);
}

static int end_thread(void **state)
{
	(void)state;
	pthread_barrier_wait(&barrier);
	pthread_join(other, NULL);
	return 0;
}

/* As one that is locked, and waited for. */
static void lock(pthread_mutex_t *mutex, pid_t owner)
{
	*mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	mutex->__data.__lock = 2;
	mutex->__data.__owner = owner;
	mutex->__data.__nusers = 1;
}

static void test_mutex(void **state)
{
	pthread_mutex_t mutex;

	(void)state;
	lock(&mutex, other_tid);
	show_futex(getpid(), &mutex);
	show(other_tid, SYS_pause, 0);
	/* Without a name on the stack, the mutex itself is enough. */
	expect(NULL, "mutex",
	       "for the mutex at %p held by thread %d (test_waits), which is in pause()",
	       (void *)&mutex, other_tid);
	expect("__pthread_mutex_lock", "mutex",
	       "for the mutex at %p held by thread %d (test_waits), which is in pause()",
	       (void *)&mutex, other_tid);
	shown[1].state = 0;
	expect(NULL, "mutex",
	       "for the mutex at %p held by thread %d (test_waits), which is running",
	       (void *)&mutex, other_tid);
	shown[1].state = 0x104;
	expect(NULL, "mutex",
	       "for the mutex at %p held by thread %d (test_waits), which is stopped",
	       (void *)&mutex, other_tid);
}

static void test_deadlock(void **state)
{
	pthread_mutex_t first, second;

	(void)state;
	lock(&first, getpid());
	lock(&second, other_tid);
	show_futex(getpid(), &second);
	show_futex(other_tid, &first);
	expect(NULL, "mutex",
	       "for the mutex at %p held by thread %d (test_waits), which waits for the mutex at "
	       "%p "
	       "held by thread %d (test_waits): a deadlock of threads %d and %d",
	       (void *)&second, other_tid, (void *)&first, getpid(), getpid(), other_tid);
	/* By itself. */
	n_shown = 0;
	show_futex(getpid(), &first);
	expect(NULL, "mutex",
	       "for the mutex at %p held by thread %d (test_waits): a deadlock of thread %d",
	       (void *)&first, getpid(), getpid());
	/* One that leads into a circle, and is not part of it. */
	n_shown = 0;
	lock(&second, other_tid);
	show_futex(getpid(), &second);
	show_futex(other_tid, &second);
	expect(NULL, "mutex",
	       "for the mutex at %p held by thread %d (test_waits), which waits for the mutex at "
	       "%p "
	       "held by thread %d (test_waits): a deadlock of thread %d",
	       (void *)&second, other_tid, (void *)&second, other_tid, other_tid);
}

static void test_not_a_mutex(void **state)
{
	pthread_mutex_t mutex;

	(void)state;
	lock(&mutex, 0x3ffffff);
	show_futex(getpid(), &mutex);
	expect("pthread_mutex_lock", "mutex",
	       "for the mutex at %p, whose owner (thread %d) is not in this process",
	       (void *)&mutex, 0x3ffffff);
	expect("std::something", "unknown", "for something at %p", (void *)&mutex);
	lock(&mutex, getpid());
	mutex.__data.__lock = 1;
	expect(NULL, "unknown", "for something at %p", (void *)&mutex);
	lock(&mutex, getpid());
	mutex.__data.__kind = 0x12345;
	expect(NULL, "unknown", "for something at %p", (void *)&mutex);
	shown[0].arg[0] = 8;
	expect(NULL, "unknown", "for something at 0x8");
}

static void test_rwlock(void **state)
{
	pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
	char *lock_ = (char *)&rwlock;

	(void)state;
	show_futex(getpid(), lock_ + 8);
	show(other_tid, SYS_pause, 0);
	rwlock.__data.__cur_writer = other_tid;
	expect("pthread_rwlock_rdlock", "rwlock",
	       "to read the rwlock at %p held by thread %d (test_waits), which is in pause()",
	       lock_, other_tid);
	shown[0].arg[0] += 4;
	expect("pthread_rwlock_wrlock", "rwlock",
	       "to write the rwlock at %p held by thread %d (test_waits), which is in pause()",
	       lock_, other_tid);
	shown[0].arg[0] -= 4;
	rwlock.__data.__cur_writer = 0;
	rwlock.__data.__readers = 3 << 3 | 2;
	expect("pthread_rwlock_wrlock", "rwlock", "to write the rwlock at %p held by 3 readers",
	       lock_);
	rwlock.__data.__readers = 0;
	expect("pthread_rwlock_rdlock", "rwlock", "to read a rwlock near %p", lock_ + 8);
}

static void test_other_futexes(void **state)
{
	int word = other_tid;

	(void)state;
	show_futex(getpid(), &word);
	show(other_tid, SYS_nanosleep, 0);
	expect("pthread_cond_wait", "condition", "for a signal to the condition at %p",
	       (void *)&word);
	expect("__new_sem_wait", "semaphore", "for a post to the semaphore at %p", (void *)&word);
	expect("pthread_barrier_wait", "barrier", "for others to come to the barrier at %p",
	       (void *)&word);
	expect(NULL, "unknown", "for something at %p", (void *)&word);
	shown[0].arg[2] = (uint64_t)other_tid;
	expect(NULL, "join", "for thread %d (test_waits) to end, which is in nanosleep()",
	       other_tid);
}

/* ---- files ---- */

static void test_pipe(void **state)
{
	int fd[2];
	struct stat stat_;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	fstat(fd[0], &stat_);
	show(getpid(), SYS_read, (uint64_t)fd[0]);
	expect(NULL, "pipe", "in read(%d) of a pipe, whose other end nobody else has", fd[0]);
	assert_int_equal(found_inode, stat_.st_ino);
	other_file = (struct thread_file){.pid = 1, .writes = 1};
	show(1, SYS_pause, 0);
	char comm[32] = "";
	FILE *file = fopen("/proc/1/comm", "re");

	assert_int_equal(fscanf(file, "%31[^\n]", comm), 1);
	fclose(file);
	expect(NULL, "pipe",
	       "in read(%d) of a pipe, at whose other end is process 1 (%s), which is in pause()",
	       fd[0], comm);
	/* Who reads as well is no end that another reader waits for. */
	other_file = (struct thread_file){.pid = 1, .reads = 1};
	expect(NULL, "pipe", "in read(%d) of a pipe, whose other end nobody else has", fd[0]);
	close(fd[0]);
	close(fd[1]);
}

static void test_unix_socket(void **state)
{
	int fd[2];
	struct stat peer;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	fstat(fd[1], &peer);
	show(getpid(), SYS_recvfrom, (uint64_t)fd[0]);
	expect(NULL, "socket",
	       "in recvfrom(%d) of a socket, at whose other end is process %d (test_waits), which "
	       "is "
	       "in recvfrom(%d)",
	       fd[0], getpid(), fd[0]);
	assert_int_equal(found_inode, peer.st_ino);
	close(fd[0]);
	close(fd[1]);
}

static void test_tcp(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(address);
	struct stat peer;
	int server, port;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&address, &size);
	port = ntohs(address.sin_port);
	assert_int_equal(connect(client, (struct sockaddr *)&address, size), 0);
	server = accept(listener, NULL, NULL);
	fstat(server, &peer);
	getsockname(client, (struct sockaddr *)&address, &size);
	show(getpid(), SYS_read, (uint64_t)client);
	expect(NULL, "socket",
	       "in read(%d) of a socket, TCP from 127.0.0.1:%d to 127.0.0.1:%d, at whose other end "
	       "is process %d (test_waits), which is in read(%d)",
	       client, ntohs(address.sin_port), port, getpid(), client);
	assert_int_equal(found_inode, peer.st_ino);
	close(server);
	close(client);
	close(listener);
}

static void test_epoll(void **state)
{
	int epoll = epoll_create1(0), fd[2];

	(void)state;
	show(getpid(), SYS_epoll_pwait, (uint64_t)epoll);
	expect(NULL, "epoll", "in epoll_pwait(%d), which has no descriptors", epoll);
	assert_int_equal(pipe(fd), 0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd[0], &(struct epoll_event){.events = EPOLLIN});
	expect(NULL, "epoll", "in epoll_pwait(%d) for %d (a pipe)", epoll, fd[0]);
	close(fd[0]);
	close(fd[1]);
	close(epoll);
}

static void test_file_and_lock(void **state)
{
	char path[] = "/tmp/test_waits.XXXXXX", byte = 0;
	int fd = mkstemp(path), done[2], end[2];
	pid_t child;

	(void)state;
	show(getpid(), SYS_fsync, (uint64_t)fd);
	expect(NULL, "file", "in fsync(%d) of %s", fd, path);
	shown[0].syscall = SYS_flock;
	expect(NULL, "lock", "in flock(%d) for the lock of %s", fd, path);
	assert_int_equal(pipe(done) | pipe(end), 0);
	child = fork();
	if (child == 0) {
		fd = open(path, O_RDWR);
		_exit(flock(fd, LOCK_EX) || write(done[1], &byte, 1) != 1 ||
		      read(end[0], &byte, 1) != 1);
	}
	assert_int_equal(read(done[0], &byte, 1), 1);
	show(child, SYS_read, 3)->pid = (uint32_t)child;
	expect(NULL, "lock",
	       "in flock(%d) for the lock of %s held by process %d (test_waits), which is in "
	       "read(3)",
	       fd, path, child);
	/* Of another kind. */
	shown[0].syscall = SYS_fcntl;
	shown[0].arg[1] = F_SETLKW;
	expect(NULL, "lock", "in fcntl(%d) for the lock of %s", fd, path);
	assert_int_equal(write(end[1], &byte, 1), 1);
	waitpid(child, NULL, 0);
	unlink(path);
	close(fd);
}

static void test_no_such_descriptor(void **state)
{
	(void)state;
	show(getpid(), SYS_read, 0xffffffff);
	expect(NULL, "unknown", "in read(-1)");
}

/* ---- others ---- */

static void test_child(void **state)
{
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		for (;;)
			pause();
	}
	show(getpid(), SYS_wait4, (uint64_t)child);
	show(child, SYS_pause, 0);
	expect(NULL, "child", "in wait4() for process %d (test_waits), which is in pause()", child);
	shown[0].arg[0] = UINT32_MAX;
	expect(NULL, "child", "in wait4() for process %d (test_waits), which is in pause()", child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	expect(NULL, "child", "in wait4() for a child");
}

static void test_states(void **state)
{
	(void)state;
	show(getpid(), SYS_clock_nanosleep, 0);
	expect(NULL, "time", "in clock_nanosleep()");
	shown[0].syscall = SYS_pause;
	expect(NULL, "unknown", "in pause()");
	shown[0].syscall = THREAD_NO_SYSCALL;
	expect(NULL, NULL, "");
	shown[0].state = 0;
	expect(NULL, "running", "for nothing: it is running");
	shown[0].state = 0x104;
	expect(NULL, "stopped", "for SIGCONT: it was stopped by a signal");
	shown[0].state = 8;
	expect(NULL, "traced", "for the debugger that stopped it");
	shown[0].state = 0x8000;
	expect(NULL, "frozen", "to be thawed: its control group is frozen");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
#define WITH_THREAD(name) cmocka_unit_test_setup_teardown(name, begin_with_thread, end_thread)
	const struct CMUnitTest tests[] = {
		WITH_THREAD(test_mutex),
		WITH_THREAD(test_deadlock),
		TEST(test_not_a_mutex),
		WITH_THREAD(test_rwlock),
		WITH_THREAD(test_other_futexes),
		TEST(test_pipe),
		TEST(test_unix_socket),
		TEST(test_tcp),
		TEST(test_epoll),
		TEST(test_file_and_lock),
		TEST(test_no_such_descriptor),
		TEST(test_child),
		TEST(test_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
