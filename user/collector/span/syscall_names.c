// SPDX-License-Identifier: BSD-2-Clause
#include "collector/span/syscall_names.h"

#include <string.h>
#include <sys/syscall.h>

const struct syscall_name syscall_names[] = {
/* Made by the Makefile from <sys/syscall.h>: {"read", SYS_read}, ... */
#include "syscall_names.inc"
};
const size_t n_syscall_names = sizeof(syscall_names) / sizeof(syscall_names[0]);

int syscall_number(const char *name)
{
	for (size_t i = 0; i < n_syscall_names; i++) {
		if (strcmp(syscall_names[i].name, name) == 0)
			return syscall_names[i].number;
	}
	return -1;
}

const char *syscall_name(int number)
{
	for (size_t i = 0; i < n_syscall_names; i++) {
		if (syscall_names[i].number == number)
			return syscall_names[i].name;
	}
	return NULL;
}
