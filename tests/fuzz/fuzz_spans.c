// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/span/span_set.c user/collector/span/span_parser.c */
/* link: user/collector/span/span_events.c user/collector/span/span_statements.c */
/* link: user/collector/span/span_lexer.c user/collector/span/syscall_names.c */
/* link: user/collector/base/nearest.c user/collector/base/units.c user/format/conversion.c */
/* Statements of spans: what is accepted is whole, what is refused says where. */
#include <string.h>

#include "collector/span/span_set.h"
#include "fuzz.h"

/* An unknown system call is compared with all. */
const struct fuzz_bounds fuzz_bounds = {
	.cpu_ns = {50000000, 20000},
	.allocated = {1 << 20, 256},
};

static void check_event(const struct span_event *event)
{
	fuzz_check(event->source);
	if (event->kind == SPAN_SYSCALL)
		fuzz_check(event->n_syscalls > 0 && event->n_syscalls <= SPAN_SYSCALLS_MAX);
	else
		fuzz_check(*event->library && *event->name);
	if (event->format.text)
		fuzz_check(event->format.plan.n <= SPAN_ARGS_MAX);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	struct span_set set = {0};
	struct span_error error;

	if (span_set_parse(&set, (const char *)data, size, &error)) {
		fuzz_check(error.text[0] && error.line >= 1 && error.column >= 1);
		fuzz_check(set.n_spans == 0 && set.n_events == 0);
	} else {
		fuzz_check(set.n_spans > 0);
	}
	for (size_t i = 0; i < set.n_spans; i++) {
		fuzz_check(set.span[i].timeout_ns > 0 && set.span[i].n_events > 0);
		for (size_t k = 0; k < set.span[i].n_events; k++)
			check_event(&set.span[i].event[k]);
	}
	span_set_free(&set);
}

void fuzz_seeds(void)
{
	static const char *const seeds[] = {
		"span rpc 5s by arg0 { name \"%.60s\", arg1 begin usdt:./app:app:start if arg0 != "
		"0 "
		"\"method %s %d %ld\", arg1, arg2, arg3\n end usdt:./app:app:done # x\n "
		"log uprobe:c:read if arg0 == \"abc\" \"+r\" require usdt:a:b:c or \"why\" }",
		"uprobe:libpq:PQexec 2s return=hijack \"PQexec(%s)\", arg1\nsyscall:flock,fsync 1s",
	};

	fuzz_seed("block", seeds[0], strlen(seeds[0]));
	fuzz_seed("lines", seeds[1], strlen(seeds[1]));
}
