/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests of launch.c: every case runs twice, held at the entry by ptrace, and held before exec
 * where that is refused.
 */
#ifndef FLIGHTREC_LAUNCH_FIXTURE_H
#define FLIGHTREC_LAUNCH_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/launch.h"

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SHELL(script) ARGV("/bin/sh", "-c", script)

extern const sigset_t *const no_signals;
extern bool ptrace_refused;

/* In the folder of this test; the last four stay. */
const char *path_of(const char *name);
void write_file(const char *name, const char *text, mode_t mode);
/* Builds a program. False if this machine cannot, for example without a static libc. */
bool build(const char *name, const char *flags, const char *source);
int wait_status(pid_t pid);
/* launch_start() and launch_hold(). */
int hold(struct launch *l, const char *const *argv, const sigset_t *mask);
/* The same, but it must work. */
void start(struct launch *l, const char *const *argv);
/* Starts and releases a command; returns its wait status. */
int run(const char *const *argv);
void assert_exits(int status, int code);
void assert_killed(int status, int sig);

/* The main() of a test: runs @group for each way of holding. Returns the status to exit with. */
int launch_tests(char **argv, int (*group)(const char *name));

#endif /* FLIGHTREC_LAUNCH_FIXTURE_H */
