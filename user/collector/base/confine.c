// SPDX-License-Identifier: BSD-2-Clause
#include "collector/base/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

/* Of "nobody" and its group on every Linux: the kernel's own overflow numbers. */
#define NOBODY 65534

static int give_up_identity(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	/* Whoever is not root has no other user to be. */
	if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
			       setresuid(NOBODY, NOBODY, NOBODY)))
		return -errno;
	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

static int limit(__rlimit_resource_t what, uint64_t most)
{
	struct rlimit now, wanted = {most, most};

	if (getrlimit(what, &now))
		return -errno;
	if (now.rlim_max < most)
		wanted.rlim_cur = wanted.rlim_max = now.rlim_max;
	return setrlimit(what, &wanted) ? -errno : 0;
}

static int set_limits(const struct confine_limits *limits)
{
	int err = limit(RLIMIT_AS, limits->memory);

	err = err ? err : limit(RLIMIT_NOFILE, limits->files);
	err = err ? err : limit(RLIMIT_CORE, 0);
	err = err ? err : limit(RLIMIT_FSIZE, 0);
	err = err ? err : limit(RLIMIT_MEMLOCK, 0);
	return err ? err : limit(RLIMIT_NPROC, 0);
}

/* Memory that is to be executed is not among it: see below. */
static const int allowed[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(close),
	SCMP_SYS(dup),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fcntl),
	SCMP_SYS(fstat),
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(getrandom),
	SCMP_SYS(gettid),
	SCMP_SYS(lseek),
	SCMP_SYS(madvise),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(pread64),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(recvmsg),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sendmsg),
	SCMP_SYS(write),
};

/* newfstatat() is fstat() by another name, if it has no path. */
static int allow_with_arguments(scmp_filter_ctx filter)
{
	int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	err = err ? err
		  : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return err ? err
		   : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
				      SCMP_A3(SCMP_CMP_MASKED_EQ, 0x1000, 0x1000));
}

static int filter_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = filter ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	err = err ? err : allow_with_arguments(filter);
	err = err ? err : seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

int confine(const struct confine_limits *limits)
{
	pid_t parent = getppid();
	int err = give_up_identity();

	err = err ? err : set_limits(limits);
	if (err)
		return err;
	/* After the change of user, which clears it; and it may have ended meanwhile. */
	if (prctl(PR_SET_DUMPABLE, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (getppid() != parent)
		return -ESRCH;
	return filter_calls();
}
