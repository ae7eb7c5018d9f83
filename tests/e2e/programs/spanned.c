// SPDX-License-Identifier: BSD-2-Clause
/*
 * A program that does not use the library, with functions and probes for spans. Commands come on
 * standard input, a line each; a second thread carries them out, so that it may hang, and "ok" is
 * written when it has done so, or waits where it was told to.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* As SystemTap's sys/sdt.h writes them. */
#define PROBE(name, one, two)                                                                      \
	__asm__ volatile("990: nop\n"                                                              \
			 ".pushsection .note.stapsdt,\"?\",\"note\"\n"                             \
			 ".balign 4\n.4byte 992f-991f, 994f-993f, 3\n"                             \
			 "991: .asciz \"stapsdt\"\n992: .balign 4\n"                               \
			 "993: .8byte 990b, 0, " #name "_semaphore\n"                              \
			 ".asciz \"spanned\"\n.asciz \"" #name "\"\n.asciz \"-4@%0 8@%1\"\n"       \
			 "994: .balign 4\n.popsection\n" ::"r"(one),                               \
			 "r"(two))
#define SEMAPHORE(name)                                                                            \
	__attribute__((section(".probes"), used)) volatile unsigned short name##_semaphore

SEMAPHORE(rpc__start);
SEMAPHORE(rpc__step);
SEMAPHORE(rpc__done);

enum way { RETURNS, HANGS, JUMPS, LEAVES_THREAD, NESTS };

/* Found by name, and so not static. */
int work(enum way way, const char *what);
int again(int depth);
int outer(enum way way);
int through(enum way way, const char *what);

static int (*volatile chosen)(enum way way, const char *what) = work;

static int wake[2], idle[2];
static jmp_buf before;
static sem_t hangs;

#ifdef __clang__
#define NOT_INLINED __attribute__((noinline))
#else
#define NOT_INLINED __attribute__((noinline, noclone))
#endif

static void wait_for(int *pipe_ends)
{
	char byte;

	sem_post(&hangs);
	while (read(pipe_ends[0], &byte, 1) < 0 && errno == EINTR)
		;
}

/* The function of the tests: its second argument is a string. */
NOT_INLINED int work(enum way way, const char *what)
{
	volatile int result = way;

	if (way == HANGS)
		wait_for(wake);
	else if (way == JUMPS)
		longjmp(before, 1);
	else if (way == LEAVES_THREAD)
		pthread_exit(NULL);
	if (!what)
		return 0;
	return result + 1;
}

/* Calls itself: the outermost frame counts. */
NOT_INLINED int again(int depth)
{
	volatile int result = depth ? again(depth - 1) : 0;

	if (depth == 3)
		wait_for(wake);
	return result + 1;
}

NOT_INLINED int outer(enum way way)
{
	volatile int result = work(way, "inner");

	return result + 1;
}

/* Ends in a jump to an address that only its run knows. */
NOT_INLINED int through(enum way way, const char *what)
{
	return chosen(way, what);
}

static void *run_thread(void *arg)
{
	work(*(enum way *)arg, "thread");
	return NULL;
}

static void start_thread(enum way way, bool cancel)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_thread, &way))
		abort();
	if (cancel) {
		sem_wait(&hangs);
		pthread_cancel(thread);
	}
	pthread_join(thread, NULL);
}

/* A string of a page that nobody has read yet, of a file of two. */
static const char *cold_string(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *text = calloc(2, page), *at;
	int fd = open("cold", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	strcpy(text + page, "never looked at");
	if (fd < 0 || write(fd, text, 2 * page) != (ssize_t)(2 * page))
		abort();
	free(text);
	at = mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE, fd, 0);
	madvise(at, 2 * page, MADV_RANDOM);
	close(fd);
	return at + page;
}

static void lock_twice(void)
{
	int first = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int second = open("lock", O_RDWR | O_CLOEXEC);

	flock(first, LOCK_EX);
	sem_post(&hangs);
	/* Until the main thread closes what has it. */
	printf("ok %d %d\n", first, second);
	flock(second, LOCK_EX);
	close(second);
}

static void carry_out(const char *line)
{
	int number = 0;

	if (strcmp(line, "hang") == 0) {
		work(HANGS, "hangs");
	} else if (sscanf(line, "quick %d", &number) == 1) {
		while (number--)
			work(RETURNS, "quick");
	} else if (strcmp(line, "cold") == 0) {
		work(HANGS, cold_string());
	} else if (strcmp(line, "again") == 0) {
		again(3);
	} else if (sscanf(line, "through %d", &number) == 1) {
		while (number--)
			through(RETURNS, "quick");
	} else if (strcmp(line, "beyond") == 0) {
		through(HANGS, "hangs");
	} else if (strcmp(line, "nest") == 0) {
		outer(HANGS);
	} else if (strcmp(line, "jump") == 0) {
		if (!setjmp(before))
			work(JUMPS, "jumps");
		wait_for(idle);
	} else if (strcmp(line, "leave") == 0) {
		start_thread(LEAVES_THREAD, false);
	} else if (strcmp(line, "cancel") == 0) {
		start_thread(HANGS, true);
	} else if (sscanf(line, "start %d", &number) == 1) {
		PROBE(rpc__start, number, (uint64_t)(uintptr_t) "get");
	} else if (sscanf(line, "step %d", &number) == 1) {
		PROBE(rpc__step, number, (uint64_t)number * 10);
	} else if (sscanf(line, "done %d", &number) == 1) {
		PROBE(rpc__done, number, (uint64_t)0);
	}
}

/* Takes what comes for a port, and never answers. */
static bool be_silent_at(int port)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_port = htons((uint16_t)port),
					    .sin_addr.s_addr = htonl(0x7f000009)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

/* Takes connections, and says nothing. Returns the port, or -1. */
static int listen_silently(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000009)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, size) || listen(fd, 8) ||
	    getsockname(fd, (struct sockaddr *)&address, &size))
		return -1;
	return ntohs(address.sin_port);
}

static char command[64];
static sem_t given, taken;

static void *second_thread(void *arg)
{
	(void)arg;
	for (;;) {
		char line[64];

		sem_wait(&given);
		strcpy(line, command);
		if (strcmp(line, "flock") == 0) {
			lock_twice();
		} else {
			carry_out(line);
			if (strcmp(line, "hang") && strcmp(line, "cold") && strcmp(line, "again") &&
			    strcmp(line, "nest") && strcmp(line, "jump") && strcmp(line, "beyond"))
				sem_post(&taken);
		}
	}
	return NULL;
}

/* Has the second thread carry out the command; returns when it hangs, or is through. */
static void give(bool waits)
{
	sem_post(&given);
	sem_wait(waits ? &hangs : &taken);
	if (strcmp(command, "flock") != 0)
		printf("ok\n");
}

int main(void)
{
	pthread_t thread;
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sem_init(&hangs, 0, 0);
	sem_init(&given, 0, 0);
	sem_init(&taken, 0, 0);
	if (pipe(wake) || pipe(idle) || pthread_create(&thread, NULL, second_thread, NULL))
		return 1;
	while (fgets(command, sizeof(command), stdin)) {
		command[strcspn(command, "\n")] = '\0';
		if (strcmp(command, "pid") == 0) {
			printf("ok %d\n", getpid());
		} else if (strcmp(command, "go") == 0) {
			printf(write(wake[1], "x", 1) == 1 ? "ok\n" : "failed\n");
		} else if (strcmp(command, "wake") == 0) {
			printf(write(idle[1], "x", 1) == 1 ? "ok\n" : "failed\n");
		} else if (sscanf(command, "close %d", &fd) == 1) {
			close(fd);
			printf("ok\n");
		} else if (sscanf(command, "silent %d", &fd) == 1) {
			printf(be_silent_at(fd) ? "ok\n" : "failed\n");
		} else if (strcmp(command, "listen") == 0) {
			printf("ok %d\n", listen_silently());
		} else if (strncmp(command, "here ", 5) == 0) {
			carry_out(command + 5);
			printf("ok\n");
		} else {
			give(!strncmp(command, "hang", 4) || !strcmp(command, "cold") ||
			     !strcmp(command, "again") || !strcmp(command, "nest") ||
			     !strcmp(command, "jump") || !strcmp(command, "beyond") ||
			     !strcmp(command, "flock"));
		}
	}
	return 0;
}
