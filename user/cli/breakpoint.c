// SPDX-License-Identifier: BSD-2-Clause
#include "cli/breakpoint.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "collector/base/auxv.h"

#if defined(__x86_64__)
static const unsigned char trap[] = {0xcc}; /* int3 */
#define TRAP_PC_AFTER 1                     /* the program counter is left behind the trap */
#elif defined(__aarch64__)
static const unsigned char trap[] = {0x00, 0x00, 0x20, 0xd4}; /* brk #0 */
#define TRAP_PC_AFTER 0
#else
#error "this machine is not supported"
#endif

long breakpoint_trace(int request, pid_t pid, uint64_t address, uint64_t data)
{
	errno = 0;
	return ptrace((enum __ptrace_request)request, pid, (void *)(uintptr_t)address,
		      (void *)(uintptr_t)data);
}

bool breakpoint_set(struct breakpoint *b, pid_t pid)
{
	uint64_t entry, word;

	b->entry = 0;
	if (!auxv_find(pid, AT_ENTRY, &entry) || !entry || entry % sizeof(trap) != 0)
		return false;
	word = (uint64_t)breakpoint_trace(PTRACE_PEEKTEXT, pid, entry & ~7ull, 0);
	if (errno)
		return false;
	b->saved = word;
	memcpy((unsigned char *)&word + (entry & 7), trap, sizeof(trap));
	if (breakpoint_trace(PTRACE_POKETEXT, pid, entry & ~7ull, word))
		return false;
	b->entry = entry;
	return true;
}

void breakpoint_clear(const struct breakpoint *b, pid_t pid)
{
	/* If this fails the process has died, which its waiter will see. */
	breakpoint_trace(PTRACE_POKETEXT, pid, b->entry & ~7ull, b->saved);
}

#if defined(__x86_64__)
static int get_pc(pid_t pid, uint64_t *pc)
{
	*pc = (uint64_t)breakpoint_trace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), 0);
	return -errno;
}

static void set_pc(pid_t pid, uint64_t pc)
{
	breakpoint_trace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rip), pc);
}
#else
static int get_pc(pid_t pid, uint64_t *pc)
{
	struct user_regs_struct regs = {0};
	struct iovec iov = {&regs, sizeof(regs)};

	breakpoint_trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (uintptr_t)&iov);
	*pc = regs.pc;
	return -errno;
}

static void set_pc(pid_t pid, uint64_t pc)
{
	struct user_regs_struct regs;
	struct iovec iov = {&regs, sizeof(regs)};

	if (breakpoint_trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (uintptr_t)&iov))
		return;
	regs.pc = pc;
	breakpoint_trace(PTRACE_SETREGSET, pid, NT_PRSTATUS, (uintptr_t)&iov);
}
#endif

bool breakpoint_hit(const struct breakpoint *b, pid_t pid)
{
	siginfo_t info;
	uint64_t pc;

	return b->entry && get_pc(pid, &pc) == 0 && pc == b->entry + TRAP_PC_AFTER &&
	       breakpoint_trace(PTRACE_GETSIGINFO, pid, 0, (uintptr_t)&info) == 0 &&
	       info.si_code > 0;
}

void breakpoint_leave(const struct breakpoint *b, pid_t pid)
{
	breakpoint_clear(b, pid);
	set_pc(pid, b->entry);
}
