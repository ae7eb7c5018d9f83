/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FLIGHTREC_LIB_READABLE_H
#define FLIGHTREC_LIB_READABLE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Whether this process can read memory at @address. The system call copies a signal set from there
 * before it notices that its first argument is invalid. Async-signal-safe; changes errno.
 */
static inline bool is_readable(const void *address)
{
	return syscall(SYS_rt_sigprocmask, -1, address, NULL, sizeof(uint64_t)) == 0 ||
	       errno != EFAULT;
}

#endif /* FLIGHTREC_LIB_READABLE_H */
