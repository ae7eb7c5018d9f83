// SPDX-License-Identifier: BSD-2-Clause
#include "cli/exec_job.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/startup.h"
#include "collector/base/escape.h"
#include "collector/report/report_forms.h"

static void add_text(struct exec_job *job, const char *name, const char *value)
{
	struct text_buffer *to = &job->environment;

	if (!value)
		return;
	job->variable[job->n_variables++] = to->size;
	text_string(to, name);
	text_char(to, '=');
	escape_text(to, value);
	text_char(to, '\0');
}

static void add_number(struct exec_job *job, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	add_text(job, name, text);
}

void exec_job_free(struct exec_job *job)
{
	if (!job)
		return;
	text_buffer_free(&job->report);
	text_buffer_free(&job->environment);
	free(job);
}

size_t exec_job_bytes(const struct exec_job *job)
{
	return sizeof(*job) + job->report.size + job->environment.size;
}

struct exec_job *exec_job_new(struct report_form_state *form_state, const struct report *report)
{
	const struct report_recorder *recorder = &report->recorder;
	struct exec_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->process = recorder->pid;
	add_text(job, "FLIGHTREC_EVENT", "timeout");
	add_number(job, "FLIGHTREC_PID", (uint64_t)recorder->pid);
	add_number(job, "FLIGHTREC_TID", (uint64_t)recorder->tid);
	add_number(job, "FLIGHTREC_RECORDER", recorder->id);
	add_text(job, "FLIGHTREC_NAME", recorder->name);
	add_text(job, "FLIGHTREC_COMM", recorder->comm);
	add_text(job, "FLIGHTREC_EXE", recorder->exe);
	if (job->environment.failed ||
	    report_append(report_form_find("json"), form_state, &job->report, report)) {
		exec_job_free(job);
		return NULL;
	}
	return job;
}

static bool is_ours(const char *variable)
{
	static const char *const names[EXEC_JOB_VARIABLES] = {"EVENT", "PID",  "TID", "RECORDER",
							      "NAME",  "COMM", "EXE"};

	if (strncmp(variable, "FLIGHTREC_", 10) != 0)
		return false;
	for (size_t i = 0; i < EXEC_JOB_VARIABLES; i++) {
		size_t length = strlen(names[i]);

		if (strncmp(variable + 10, names[i], length) == 0 && variable[10 + length] == '=')
			return true;
	}
	return false;
}

/* Our own environment, with the job's variables. The strings are borrowed. */
static char **make_environment(const struct exec_job *job)
{
	size_t n = 0, used = 0;
	char **all;

	while (environ[n])
		n++;
	all = calloc(n + job->n_variables + 1, sizeof(*all));
	if (!all)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (!is_ours(environ[i]))
			all[used++] = environ[i];
	}
	for (size_t i = 0; i < job->n_variables; i++)
		all[used++] = job->environment.data + job->variable[i];
	return all;
}

/* Returns a descriptor from which the report can be read, or a negative errno. */
static int make_input(const struct exec_job *job)
{
	int fd = memfd_create("flightrec-report", MFD_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return -errno;
	while (done < job->report.size) {
		ssize_t n = write(fd, job->report.data + done, job->report.size - done);

		if (n <= 0) {
			int err = n ? -errno : -EIO;

			close(fd);
			return err;
		}
		done += (size_t)n;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* Runs in the child, which shares our memory until it executes. */
__attribute__((noreturn)) static void execute(const char *command, const sigset_t *mask,
					      char **environment, int input)
{
	const char *const argv[] = {"sh", "-c", command, NULL};

	setpgid(0, 0);
	startup_restore(mask);
	if (dup2(input, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(126);
	syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
	execve("/bin/sh", (char **)argv, environment);
	_exit(127);
}

/* vfork(), because fork would copy the page tables of all our memory while reports wait. */
static __attribute__((noinline)) pid_t spawn(const char *command, const sigset_t *mask,
					     char **environment, int input)
{
	pid_t pid = vfork();

	if (pid == 0)
		execute(command, mask, environment, input);
	return pid < 0 ? -errno : pid;
}

pid_t exec_job_start(const struct exec_job *job, const char *command, const sigset_t *mask)
{
	char **environment = make_environment(job);
	int input = environment ? make_input(job) : -ENOMEM;
	sigset_t all, before;
	pid_t pid = input;

	if (input >= 0) {
		/* None of our handlers may run in the child. */
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, &before);
		pid = spawn(command, mask, environment, input);
		sigprocmask(SIG_SETMASK, &before, NULL);
		close(input);
	}
	free(environment);
	return pid;
}
