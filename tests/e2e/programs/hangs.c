/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hangs WAY [ARG]: hangs in that way within a recorder of 200 ms, until it is killed. Says "ready"
 * when all is as it should be. The functions by whose names tests find the place are not inlined.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flightrec.h"

#ifdef __clang__
#define STUCK __attribute__((noinline))
#else
#define STUCK __attribute__((noinline, noclone))
#endif

static flightrec rec = FLIGHTREC_INIT;
static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier, both;
static sem_t semaphore;
/* Keeps calls from becoming jumps. */
static volatile int after;

static void ready(void)
{
	printf("ready %d\n", (int)syscall(SYS_gettid));
	fflush(stdout);
	flightrec_begin(&rec, "hang", FLIGHTREC_MSEC(200));
	flightrec_info(&rec, "+wait");
}

static void start(pthread_t *thread, void *(*function)(void *arg), void *arg)
{
	if (pthread_create(thread, NULL, function, arg))
		exit(1);
}

STUCK static void stuck_in_mutex(pthread_mutex_t *mutex)
{
	pthread_mutex_lock(mutex);
	after++;
}

/* ---- locks ---- */

static void *hold_second(void *arg)
{
	pthread_mutex_lock(&second);
	pthread_barrier_wait(&both);
	stuck_in_mutex(arg);
	return NULL;
}

static void deadlock(void)
{
	pthread_t thread;

	pthread_barrier_init(&both, NULL, 2);
	pthread_mutex_lock(&first);
	start(&thread, hold_second, &first);
	pthread_barrier_wait(&both);
	ready();
	stuck_in_mutex(&second);
}

static void *hold_and_sleep(void *arg)
{
	pthread_mutex_lock(arg);
	pthread_barrier_wait(&both);
	pause();
	return NULL;
}

static void mutex(void)
{
	pthread_t thread;

	pthread_barrier_init(&both, NULL, 2);
	start(&thread, hold_and_sleep, &first);
	pthread_barrier_wait(&both);
	ready();
	stuck_in_mutex(&first);
}

static void self(void)
{
	pthread_mutex_lock(&first);
	ready();
	stuck_in_mutex(&first);
}

static void *hold_rwlock(void *arg)
{
	(void)arg;
	pthread_rwlock_wrlock(&rwlock);
	pthread_barrier_wait(&both);
	pause();
	return NULL;
}

STUCK static void stuck_in_rwlock(void)
{
	pthread_rwlock_rdlock(&rwlock);
	after++;
}

static void writer(void)
{
	pthread_t thread;

	pthread_barrier_init(&both, NULL, 2);
	start(&thread, hold_rwlock, NULL);
	pthread_barrier_wait(&both);
	ready();
	stuck_in_rwlock();
}

STUCK static void stuck_in_readers(void)
{
	pthread_rwlock_wrlock(&rwlock);
	after++;
}

static void *read_rwlock(void *arg)
{
	(void)arg;
	pthread_rwlock_rdlock(&rwlock);
	pthread_barrier_wait(&both);
	pause();
	return NULL;
}

static void readers(void)
{
	pthread_t thread;

	pthread_barrier_init(&both, NULL, 3);
	start(&thread, read_rwlock, NULL);
	start(&thread, read_rwlock, NULL);
	pthread_barrier_wait(&both);
	ready();
	stuck_in_readers();
}

STUCK static void stuck_in_condition(void)
{
	pthread_mutex_lock(&first);
	pthread_cond_wait(&never, &first);
	after++;
}

static void condition(void)
{
	ready();
	stuck_in_condition();
}

STUCK static void stuck_in_semaphore(void)
{
	sem_wait(&semaphore);
	after++;
}

static void wait_semaphore(void)
{
	sem_init(&semaphore, 0, 0);
	ready();
	stuck_in_semaphore();
}

STUCK static void stuck_in_barrier(void)
{
	pthread_barrier_wait(&barrier);
	after++;
}

static void wait_barrier(void)
{
	pthread_barrier_init(&barrier, NULL, 2);
	ready();
	stuck_in_barrier();
}

static void *sleep_on(void *arg)
{
	(void)arg;
	pause();
	return NULL;
}

STUCK static void stuck_in_join(pthread_t thread)
{
	pthread_join(thread, NULL);
	after++;
}

static void join(void)
{
	pthread_t thread;

	start(&thread, sleep_on, NULL);
	ready();
	stuck_in_join(thread);
}

/* A child that does nothing, and ends with its parent. */
static void sleep_as_child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* ---- files ---- */

STUCK static void stuck_in_read(int fd)
{
	char byte;

	ready();
	after += (int)read(fd, &byte, 1);
}

static void read_pipe(void)
{
	int fd[2];

	if (pipe(fd))
		exit(1);
	stuck_in_read(fd[0]);
}

/* The other end is a child's, which sleeps. */
static void read_unix(void)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		exit(1);
	if (fork() == 0) {
		close(fd[0]);
		sleep_as_child();
	}
	close(fd[1]);
	stuck_in_read(fd[0]);
}

STUCK static void stuck_in_flock(int fd)
{
	ready();
	after += flock(fd, LOCK_EX);
}

/* Held by a child. */
static void lock_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600), done[2];
	char byte = 0;

	if (fd < 0 || pipe(done))
		exit(1);
	if (fork() == 0) {
		fd = open(path, O_RDWR);
		if (flock(fd, LOCK_EX) || write(done[1], &byte, 1) != 1)
			_exit(1);
		sleep_as_child();
	}
	if (read(done[0], &byte, 1) != 1)
		exit(1);
	stuck_in_flock(fd);
}

/* Says after the end of the wait, which comes by itself, what the look did to it. */
STUCK static void stuck_in_epoll(void)
{
	struct rusage before, since;
	struct epoll_event event;
	int epoll = epoll_create1(0), result;

	ready();
	getrusage(RUSAGE_THREAD, &before);
	result = epoll_wait(epoll, &event, 1, 1500);
	getrusage(RUSAGE_THREAD, &since);
	printf("epoll_wait %d, switches %ld\n", result, since.ru_nvcsw - before.ru_nvcsw);
	fflush(stdout);
	pause();
}

/* ---- processes ---- */

STUCK static void stuck_in_wait(void)
{
	if (fork() == 0)
		sleep_as_child();
	ready();
	after += waitpid(-1, NULL, 0);
}

STUCK static void stuck_in_spin(void)
{
	ready();
	for (;;)
		after++;
}

STUCK static void stopped(void)
{
	ready();
	raise(SIGSTOP);
	after++;
}

/* ---- stacks ---- */

STUCK static int descend(int n)
{
	int result = 0;

	if (n)
		result = descend(n - 1);
	else
		pause();
	after++;
	return result + after;
}

static void deep(void)
{
	ready();
	descend(100);
}

static const struct {
	const char *name;
	void (*function)(void);
} ways[] = {
	{"deadlock", deadlock},
	{"mutex", mutex},
	{"self", self},
	{"writer", writer},
	{"readers", readers},
	{"condition", condition},
	{"semaphore", wait_semaphore},
	{"barrier", wait_barrier},
	{"join", join},
	{"pipe", read_pipe},
	{"unix", read_unix},
	{"epoll", stuck_in_epoll},
	{"wait", stuck_in_wait},
	{"spin", stuck_in_spin},
	{"stop", stopped},
	{"deep", deep},
};

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "flock") == 0)
		lock_file(argv[2]);
	for (size_t i = 0; argc == 2 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(argv[1], ways[i].name) == 0)
			ways[i].function();
	}
	return 2;
}
