// SPDX-License-Identifier: BSD-2-Clause
/*
 * Leaves a function in ways that pass none of its returns, or are not allowed much: by an
 * exception, to another stack, under seccomp. Waits for a line, does it, says so, and waits for
 * another.
 */
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum way { RETURNS, THROWS, SWITCHES };

static ucontext_t here, there;

extern "C" {
#ifdef __clang__
__attribute__((noinline))
#else
__attribute__((noinline, noclone))
#endif
int work(enum way way)
{
	volatile int result = way;

	if (way == THROWS)
		throw std::runtime_error("thrown");
	if (way == SWITCHES)
		swapcontext(&there, &here);
	return result + 1;
}
}

static void run_there()
{
	work(SWITCHES);
}

static void throw_and_catch()
{
	for (int i = 0; i < 3; i++) {
		try {
			work(THROWS);
		} catch (const std::runtime_error &) {
		}
	}
}

static void switch_stacks()
{
	static char stack[65536];

	getcontext(&there);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = sizeof(stack);
	there.uc_link = &here;
	makecontext(&there, run_there, 0);
	swapcontext(&here, &there);
	work(RETURNS);
	swapcontext(&here, &there);
}

/* From now on only what is needed to get to the end. */
static void forbid_the_rest()
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {6, filter};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	for (int i = 0; i < 3; i++)
		work(RETURNS);
}

static void say(const char *line)
{
	if (write(STDOUT_FILENO, line, strlen(line)) < 0)
		_exit(1);
}

static void await_line()
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
		;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	say("ready\n");
	await_line();
	if (!strcmp(how, "throw"))
		throw_and_catch();
	else if (!strcmp(how, "switch"))
		switch_stacks();
	else if (!strcmp(how, "seccomp"))
		forbid_the_rest();
	say("done\n");
	await_line();
	return 0;
}
