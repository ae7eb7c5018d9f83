/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the stack that each call takes, a line "CALL BYTES", at its first use and later; before
 * that it does all of it in a signal handler, on an alternate stack as small as it may be.
 */
#include <flightrec.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define STACK_BYTES 65536
/* Beside what the kernel needs; see flightrec.h. */
#define HANDLER_STACK_BYTES 4096
#define PAINT 0x5a

static char text[900];
static flightrec *open_recorder;

static void take_nothing(void)
{
}

static void log_short(void)
{
	flightrec_info(open_recorder, "%d %s", 1, "x");
}

static void log_long(void)
{
	flightrec_error(open_recorder, "%2$s %1$.*3$Lf %4$s %4$s %5$d %6$s %7$d", 1.5L, text, 2,
			text, 5, text, 7);
}

static void log_given(void)
{
	flightrec_message(open_recorder, FLIGHTREC_INFO, "file", 1, "function", text, sizeof(text));
}

static void set_context(void)
{
	flightrec_context(open_recorder, "key", "%d %s", 1, "x");
}

static void open_and_close(void)
{
	static flightrec rec;

	flightrec_begin(&rec, "name", FLIGHTREC_SEC(3600));
	flightrec_extend(&rec, FLIGHTREC_SEC(3600));
	flightrec_end(&rec);
}

static void make_step(void)
{
	static struct flightrec_step step;

	FLIGHTREC_STEP_IN_(&step, open_recorder, "%s", text);
	flightrec_step_out_(&step);
}

static const struct {
	const char *name;
	void (*call)(void);
} calls[] = {
	{"nothing", take_nothing}, {"log", log_short},  {"log_long", log_long},
	{"message", log_given},    {"step", make_step}, {"context", set_context},
	{"begin", open_and_close},
};

static ucontext_t caller, callee;
static void (*current)(void);

static void on_own_stack(void)
{
	current();
	swapcontext(&callee, &caller);
}

static size_t stack_of(void (*call)(void))
{
	static _Alignas(16) char stack[STACK_BYTES];
	size_t untouched = 0;

	memset(stack, PAINT, sizeof(stack));
	current = call;
	getcontext(&callee);
	callee.uc_stack.ss_sp = stack;
	callee.uc_stack.ss_size = sizeof(stack);
	makecontext(&callee, on_own_stack, 0);
	swapcontext(&caller, &callee);
	while (untouched < sizeof(stack) && stack[untouched] == PAINT)
		untouched++;
	return sizeof(stack) - untouched;
}

static void on_signal(int number)
{
	flightrec_error(open_recorder, "signal %d in %s", number, "worker");
	FLIGHTREC_SCOPE(rec, "handler", FLIGHTREC_SEC(3600)) {
		flightrec_context(rec, "signal", "%d", number);
		FLIGHTREC_STEP(rec, "%s", text)
			flightrec_info(rec, "%2$s %1$.*3$Lf", 1.5L, text, 2);
	}
}

static int log_from_handler(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
	size_t page = (size_t)sysconf(_SC_PAGESIZE), kernels = getauxval(AT_MINSIGSTKSZ);
	size_t size = (kernels ? kernels : MINSIGSTKSZ) + HANDLER_STACK_BYTES;
	char *memory =
		mmap(NULL, page + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = {.ss_sp = memory + page, .ss_size = size};

	if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE) ||
	    sigaltstack(&stack, NULL) || sigaction(SIGUSR1, &action, NULL))
		return 1;
	return raise(SIGUSR1);
}

int main(void)
{
	int failed = 1;

	memset(text, 'x', sizeof(text) - 1);
	FLIGHTREC_SCOPE(rec, "stack", FLIGHTREC_SEC(3600)) {
		open_recorder = rec;
		/* The very first call of the process that goes into a log. */
		failed = log_from_handler();
		for (size_t i = 0; i < 2 * sizeof(calls) / sizeof(calls[0]); i++) {
			size_t n = i % (sizeof(calls) / sizeof(calls[0]));

			printf("%s %zu\n", calls[n].name, stack_of(calls[n].call));
		}
		flightrec_replay(rec);
	}
	return failed;
}
