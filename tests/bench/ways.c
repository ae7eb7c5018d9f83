// SPDX-License-Identifier: BSD-2-Clause
#include "work.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "flightrec.h"
#include "measure.h"

/* A log file starts again at this size: the page cache is not what is measured. */
#define FILE_MAX (16 << 20)

const char *work_key = "user:1000042";

static void work_flightrec(uint64_t n, unsigned int entries)
{
	for (uint64_t i = 0; i < n; i++) {
		FLIGHTREC_SCOPE(rec, "work", FLIGHTREC_SEC(60)) {
			for (unsigned int j = 0; j < entries; j++)
				flightrec_info(rec, "got %d of %s", (int)j, work_key);
		}
	}
}

/* ---- stdio: a line with its time for each opening, entry and closing ---- */

static FILE *files[2];
static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;

static void open_file(int mode)
{
	const char *directory = getenv("BENCH_DIR");
	char path[4096];

	snprintf(path, sizeof(path), "%s/work.log", directory ? directory : ".");
	files[mode == _IOFBF] = fopen(path, "we");
	if (!files[mode == _IOFBF])
		fail(path);
	setvbuf(files[mode == _IOFBF], NULL, mode, 65536);
}

static void open_unbuffered(void)
{
	open_file(_IONBF);
}

static void open_buffered(void)
{
	open_file(_IOFBF);
}

static void print(FILE *file, const char *what, int number)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(file, "%ld.%06ld %s: got %d of %s\n", (long)now.tv_sec, now.tv_nsec / 1000, what,
		number, work_key);
}

static void work_file(FILE *file, uint64_t n, unsigned int entries)
{
	for (uint64_t i = 0; i < n; i++) {
		print(file, "begin", 0);
		for (unsigned int j = 0; j < entries; j++)
			print(file, "entry", (int)j);
		print(file, "end", 0);
	}
	pthread_mutex_lock(&files_lock);
	if (ftell(file) > FILE_MAX &&
	    (fflush(file) || ftruncate(fileno(file), 0) || fseek(file, 0, SEEK_SET)))
		fail("cannot start the log again");
	pthread_mutex_unlock(&files_lock);
}

static void work_unbuffered(uint64_t n, unsigned int entries)
{
	work_file(files[0], n, entries);
}

static void work_buffered(uint64_t n, unsigned int entries)
{
	work_file(files[1], n, entries);
}

/*
 * ---- syslog: what glibc's syslog(3) does, to a socket of our own ----
 * syslog(3) itself would fill the logs of this machine, or find nobody there.
 */

static int log_socket;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void open_syslog(void)
{
	const char *path = getenv("BENCH_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path ? path : "");
	log_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (connect(log_socket, (struct sockaddr *)&address, sizeof(address)))
		fail(address.sun_path);
}

static void send_line(const char *what, int number)
{
	time_t now = time(NULL);
	char line[1024], date[32];
	struct tm tm;
	int length;

	strftime(date, sizeof(date), "%h %e %T", localtime_r(&now, &tm));
	length = snprintf(line, sizeof(line), "<14>%s bench[%d]: %s: got %d of %s", date,
			  (int)getpid(), what, number, work_key);
	pthread_mutex_lock(&log_lock);
	if (send(log_socket, line, (size_t)length, MSG_NOSIGNAL) < 0)
		fail("syslog socket");
	pthread_mutex_unlock(&log_lock);
}

static void work_syslog(uint64_t n, unsigned int entries)
{
	for (uint64_t i = 0; i < n; i++) {
		send_line("begin", 0);
		for (unsigned int j = 0; j < entries; j++)
			send_line("entry", (int)j);
		send_line("end", 0);
	}
}

const struct way ways[] = {
	{"flightrec", NULL, work_flightrec, true},
	{"unbuffered", open_unbuffered, work_unbuffered, false},
	{"buffered", open_buffered, work_buffered, false},
	{"syslog", open_syslog, work_syslog, false},
	{0},
};
