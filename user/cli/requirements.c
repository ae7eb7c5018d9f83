// SPDX-License-Identifier: BSD-2-Clause
#include "cli/requirements.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

static bool has_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[capability / 32].effective & 1u << capability % 32;
}

static bool met_capabilities(char *detail, size_t size)
{
	bool admin = has_capability(CAP_SYS_ADMIN);
	bool bpf = admin || has_capability(CAP_BPF);
	bool perfmon = admin || has_capability(CAP_PERFMON);

	if (bpf && perfmon) {
		snprintf(detail, size, "%s", admin ? "CAP_SYS_ADMIN" : "CAP_BPF and CAP_PERFMON");
		return true;
	}
	snprintf(detail, size, "missing capability %s%s%s: run as root, or grant it",
		 bpf ? "" : "CAP_BPF", !bpf && !perfmon ? " and " : "",
		 perfmon ? "" : "CAP_PERFMON");
	return false;
}

static bool met_ptrace(char *detail, size_t size)
{
	bool met = has_capability(CAP_SYS_PTRACE);

	snprintf(detail, size, "%s",
		 met ? "CAP_SYS_PTRACE"
		     : "missing capability CAP_SYS_PTRACE: only your own processes can be watched");
	return met;
}

static bool met_btf(char *detail, size_t size)
{
	const char *path = "/sys/kernel/btf/vmlinux";

	if (access(path, R_OK) == 0) {
		snprintf(detail, size, "%s", path);
		return true;
	}
	snprintf(detail, size, "cannot read %s: %s: a kernel with CONFIG_DEBUG_INFO_BTF is needed",
		 path, strerror(errno));
	return false;
}

static bool met_uprobes(char *detail, size_t size)
{
	const char *path = "/sys/bus/event_source/devices/uprobe/type";

	if (access(path, R_OK) == 0) {
		snprintf(detail, size, "perf uprobe events");
		return true;
	}
	snprintf(detail, size, "no %s: a kernel with CONFIG_UPROBE_EVENTS is needed", path);
	return false;
}

/* "none [integrity] confidentiality": the bracketed one is in force. */
static bool met_lockdown(char *detail, size_t size)
{
	char text[128] = "";
	int fd = open("/sys/kernel/security/lockdown", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		ssize_t got = read(fd, text, sizeof(text) - 1);

		text[got > 0 ? got : 0] = '\0';
		close(fd);
	}
	if (strstr(text, "[confidentiality]")) {
		snprintf(detail, size,
			 "the kernel is locked down (lockdown=confidentiality), and "
			 "refuses BPF programs that read memory: boot with "
			 "lockdown=integrity or none");
		return false;
	}
	snprintf(detail, size, "%s", strstr(text, "[integrity]") ? "integrity" : "none");
	return true;
}

/* The initial namespace has a fixed inode number: PROC_PID_INIT_INO in linux/proc_ns.h. */
static bool met_pid_namespace(char *detail, size_t size)
{
	char link[64] = "";
	bool met;

	met = readlink("/proc/self/ns/pid", link, sizeof(link) - 1) < 0 ||
	      strcmp(link, "pid:[4026531836]") == 0;
	snprintf(detail, size, "%s",
		 met ? "the initial one"
		     : "not the initial one: process numbers are not the kernel's; run on the "
		       "host, or in a container with its pid namespace (--pid=host)");
	return met;
}

static bool met_ring_buffer(char *detail, size_t size)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "probe", 0, 0, (uint32_t)getpagesize(), NULL);

	if (fd < 0) {
		snprintf(detail, size, "cannot create one: %s%s", strerror(errno),
			 errno == EINVAL ? ": Linux 5.8 or later is needed" : "");
		return false;
	}
	close(fd);
	snprintf(detail, size, "BPF_MAP_TYPE_RINGBUF");
	return true;
}

const struct requirement requirements[] = {
	{"capabilities", met_capabilities, true},  {"other users' processes", met_ptrace, false},
	{"type information (BTF)", met_btf, true}, {"uprobes", met_uprobes, true},
	{"kernel lockdown", met_lockdown, true},   {"pid namespace", met_pid_namespace, true},
	{"ring buffer", met_ring_buffer, true},
};
const size_t n_requirements = sizeof(requirements) / sizeof(requirements[0]);

bool requirements_met(char *error, size_t size)
{
	char detail[256];

	for (size_t i = 0; i < n_requirements; i++) {
		if (!requirements[i].needed || requirements[i].met(detail, sizeof(detail)))
			continue;
		snprintf(error, size, "%s: %s", requirements[i].name, detail);
		return false;
	}
	return true;
}
