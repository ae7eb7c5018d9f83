// SPDX-License-Identifier: BSD-2-Clause
#include "collector/where/syscall_text.h"

#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>

#include "collector/span/syscall_names.h"

/* Those that wait, in the order of the alphabet. */
static const struct syscall_text known[] = {
	{"accept", SYSCALL_FILE, 3},
	{"accept4", SYSCALL_FILE, 4},
	{"clock_nanosleep", SYSCALL_TIME, 4},
	{"connect", SYSCALL_FILE, 3},
	{"epoll_pwait", SYSCALL_EPOLL, 6},
	{"epoll_pwait2", SYSCALL_EPOLL, 6},
	{"epoll_wait", SYSCALL_EPOLL, 4},
	{"fallocate", SYSCALL_FILE, 4},
	{"fcntl", SYSCALL_LOCK, 3},
	{"fdatasync", SYSCALL_FILE, 1},
	{"flock", SYSCALL_LOCK, 2},
	{"fsync", SYSCALL_FILE, 1},
	{"ftruncate", SYSCALL_FILE, 2},
	{"futex", SYSCALL_FUTEX, 6},
	{"getdents64", SYSCALL_FILE, 3},
	{"ioctl", SYSCALL_FILE, 3},
	{"io_uring_enter", SYSCALL_FILE, 6},
	{"nanosleep", SYSCALL_TIME, 2},
	{"pause", SYSCALL_SIGNAL, 0},
	{"poll", SYSCALL_POLL, 3},
	{"ppoll", SYSCALL_POLL, 5},
	{"pread64", SYSCALL_FILE, 4},
	{"preadv", SYSCALL_FILE, 5},
	{"pselect6", SYSCALL_OTHER, 6},
	{"pwrite64", SYSCALL_FILE, 4},
	{"pwritev", SYSCALL_FILE, 5},
	{"read", SYSCALL_FILE, 3},
	{"readv", SYSCALL_FILE, 3},
	{"recvfrom", SYSCALL_FILE, 6},
	{"recvmmsg", SYSCALL_FILE, 5},
	{"recvmsg", SYSCALL_FILE, 3},
	{"rt_sigsuspend", SYSCALL_SIGNAL, 2},
	{"rt_sigtimedwait", SYSCALL_SIGNAL, 4},
	{"select", SYSCALL_OTHER, 5},
	{"sendfile", SYSCALL_FILE, 4},
	{"sendmmsg", SYSCALL_FILE, 4},
	{"sendmsg", SYSCALL_FILE, 3},
	{"sendto", SYSCALL_FILE, 6},
	{"sync_file_range", SYSCALL_FILE, 4},
	{"syncfs", SYSCALL_FILE, 1},
	{"wait4", SYSCALL_CHILD, 4},
	{"waitid", SYSCALL_CHILD, 5},
	{"write", SYSCALL_FILE, 3},
	{"writev", SYSCALL_FILE, 3},
};

struct syscall_text syscall_text(const struct thread_record *record)
{
	struct syscall_text call = {0};

	if (record->syscall < 0 || record->syscall > INT32_MAX)
		return call;
	call.name = syscall_name((int)record->syscall);
	for (size_t i = 0; call.name && i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(call.name, known[i].name) == 0)
			return known[i];
	}
	return call;
}

static bool has_descriptor(const struct syscall_text *call)
{
	return call->wait == SYSCALL_FILE || call->wait == SYSCALL_EPOLL ||
	       call->wait == SYSCALL_LOCK;
}

static const char *futex_operation(uint64_t operation)
{
	static const char *const names[] = {
		[FUTEX_WAIT] = "FUTEX_WAIT",
		[FUTEX_LOCK_PI] = "FUTEX_LOCK_PI",
		[FUTEX_WAIT_BITSET] = "FUTEX_WAIT_BITSET",
		[FUTEX_WAIT_REQUEUE_PI] = "FUTEX_WAIT_REQUEUE_PI",
		[FUTEX_LOCK_PI2] = "FUTEX_LOCK_PI2",
	};

	operation &= (uint64_t)FUTEX_CMD_MASK & UINT32_MAX;
	return operation < sizeof(names) / sizeof(names[0]) ? names[operation] : NULL;
}

void syscall_text_arg(struct text_buffer *to, const struct syscall_text *call,
		      const struct thread_record *record, unsigned int arg)
{
	const char *operation = NULL;
	char number[32];

	if (call->wait == SYSCALL_FUTEX && arg == 1)
		operation = futex_operation(record->arg[1]);
	if (operation) {
		text_string(to, operation);
	} else if (arg == 0 && has_descriptor(call)) {
		text_integer(to, (int32_t)record->arg[0]);
	} else {
		snprintf(number, sizeof(number), "0x%" PRIx64, record->arg[arg]);
		text_string(to, number);
	}
}

void syscall_text_put(struct text_buffer *to, const struct thread_record *record)
{
	struct syscall_text call = syscall_text(record);

	if (!call.name)
		return;
	text_string(to, call.name);
	text_char(to, '(');
	if (has_descriptor(&call))
		syscall_text_arg(to, &call, record, 0);
	text_char(to, ')');
}
