// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/kernel/uprobes.c */
/* libs: bpf elf z */
/* Puts probes into this program itself. Without the right to do so, most is skipped. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "collector/kernel/uprobes.h"

#define COOKIES 4

/* Far from what the dynamic linker makes read-only, where the kernel would count elsewhere. */
static volatile unsigned short counter[16384] = {0, 0, 0, 0, 7};
#define COUNTER(n) (&counter[8192 + (n)])

/* Its code must be there only once. */
#if defined(__clang__)
#define ALONE __attribute__((noinline))
#else
#define ALONE __attribute__((noinline, noclone))
#endif

static int map = -1, self = -1;
static int program[2] = {-1, -1}; /* for links of one place, of many */

ALONE static void first(void)
{
	__asm__ volatile("nop");
}

ALONE static void second(void)
{
	__asm__ volatile("nop\nnop");
}

/* Where in this file is what is at an address in this process; 0: nowhere. */
static uint64_t file_offset(const volatile void *address)
{
	uintptr_t at = (uintptr_t)address;
	unsigned long start, end, offset;
	FILE *maps = fopen("/proc/self/maps", "re");
	uint64_t found = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 && at >= start &&
		    at < end)
			found = at - start + offset;
	}
	fclose(maps);
	return found;
}

/* Counts its runs by cookie in the map. */
static int load(bool multi)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = multi ? UPROBES_MULTI_TYPE : 0);
	const struct bpf_insn code[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_attach_cookie},
		{.code = BPF_STX | BPF_W | BPF_MEM, .dst_reg = 10, .src_reg = 0, .off = -4},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4},
		{.code = BPF_LD | BPF_DW | BPF_IMM,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = map},
		{.code = 0},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .off = 2},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = 1},
		{.code = BPF_STX | BPF_DW | BPF_ATOMIC, .dst_reg = 0, .src_reg = 1, .imm = BPF_ADD},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "count", "GPL", code,
			     sizeof(code) / sizeof(code[0]), &options);
}

static int set_up(void **state)
{
	(void)state;
	self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "counts", 4, 8, COOKIES, NULL);
	if (map < 0)
		return 0;
	program[0] = load(false);
	program[1] = uprobes_multi_possible() ? load(true) : -1;
	return 0;
}

static uint64_t runs(uint32_t cookie)
{
	uint64_t count = UINT64_MAX, none = 0;

	assert_int_equal(bpf_map_lookup_elem(map, &cookie, &count), 0);
	bpf_map_update_elem(map, &cookie, &none, BPF_ANY);
	return count;
}

static bool fill(struct uprobes_request *r, struct uprobe uprobe[2], bool multi)
{
	uprobe[0] = (struct uprobe){file_offset((void *)first), file_offset(COUNTER(0)), 1};
	uprobe[1] = (struct uprobe){file_offset((void *)second), file_offset(COUNTER(1)), 2};
	*r = (struct uprobes_request){.program = program[multi],
				      .multi = multi,
				      .file = self,
				      .uprobe = uprobe,
				      .count = 2};
	return program[multi] >= 0;
}

/* Each test that needs the kernel runs in both ways. */
static void each_way(void (*check)(bool multi))
{
	if (program[0] < 0) {
		print_message("skipped: BPF programs are not allowed here\n");
		skip();
	}
	check(false);
	if (program[1] >= 0)
		check(true);
	else
		print_message("skipped in part: this kernel has no links of many places\n");
}

static void attaches(bool multi)
{
	struct uprobe_links links = {0};
	struct uprobe uprobe[2];
	struct uprobes_request r;

	fill(&r, uprobe, multi);
	assert_int_equal(uprobes_attach(&r, &links), 0);
	assert_int_equal(links.count, multi ? 1 : 2);
	assert_int_equal(*COUNTER(0), 1);
	assert_int_equal(*COUNTER(1), 1);
	first();
	second();
	second();
	assert_int_equal(runs(1), 1);
	assert_int_equal(runs(2), 2);
	assert_int_equal(runs(0), 0);
	uprobe_links_detach(&links);
	assert_int_equal(links.count, 0);
	assert_int_equal(*COUNTER(0), 0);
	assert_int_equal(*COUNTER(1), 0);
	first();
	second();
	assert_int_equal(runs(1), 0);
	assert_int_equal(runs(2), 0);
}

static void test_attaches(void **state)
{
	(void)state;
	each_way(attaches);
}

/* When asked, a child says whether its counters are raised. */
static pid_t start_child(int *to, int *from)
{
	int there[2], back[2];
	unsigned char up;
	pid_t pid;

	assert_int_equal(pipe(there) | pipe(back), 0);
	pid = fork();
	if (pid == 0) {
		close(there[1]);
		while (read(there[0], &up, 1) == 1) {
			up = (unsigned char)(*COUNTER(0) + *COUNTER(1));
			first();
			if (write(back[1], &up, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(there[0]);
	close(back[1]);
	*to = there[1];
	*from = back[0];
	return pid;
}

static void for_one_process(bool multi)
{
	struct uprobe_links links = {0};
	struct uprobe uprobe[2];
	struct uprobes_request r;
	unsigned char up = 0;
	int to, from, status;

	fill(&r, uprobe, multi);
	r.pid = start_child(&to, &from);
	assert_int_equal(uprobes_attach(&r, &links), 0);
	assert_int_equal(*COUNTER(0), 0);
	first();
	assert_int_equal(runs(1), 0);
	assert_int_equal(write(to, &up, 1), 1);
	assert_int_equal(read(from, &up, 1), 1);
	assert_int_equal(up, 2);
	assert_int_equal(runs(1), 1);
	close(to);
	close(from);
	assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
	assert_int_equal(status, 0);
	uprobe_links_detach(&links);
}

static void test_for_one_process(void **state)
{
	(void)state;
	each_way(for_one_process);
}

static void all_or_none(bool multi)
{
	struct uprobe_links links = {0};
	struct uprobe uprobe[2];
	struct uprobes_request r;

	fill(&r, uprobe, multi);
	uprobe[1].offset = (uint64_t)1 << 40; /* far behind the file's end */
	assert_true(uprobes_attach(&r, &links) < 0);
	assert_int_equal(links.count, 0);
	assert_int_equal(*COUNTER(0), 0);
	fill(&r, uprobe, multi);
	r.pid = 0x7fffffff;
	assert_int_equal(uprobes_attach(&r, &links), -ESRCH);
	fill(&r, uprobe, multi);
	r.count = UPROBES_MAX + 1;
	assert_int_equal(uprobes_attach(&r, &links), -E2BIG);
	assert_int_equal(links.count, 0);
}

static void test_all_or_none(void **state)
{
	(void)state;
	each_way(all_or_none);
}

static struct uprobe_links make_links(size_t count)
{
	struct uprobe_links links = {.fd = calloc(count, sizeof(int)), .room = count};

	assert_non_null(links.fd);
	while (links.count < count)
		links.fd[links.count++] = eventfd(0, EFD_CLOEXEC);
	return links;
}

/* By several threads, without closing descriptors that belong to others. */
static void test_detaches_many(void **state)
{
	struct uprobe_links links = make_links(400);
	int fd[400], other = eventfd(0, EFD_CLOEXEC);

	(void)state;
	memcpy(fd, links.fd, sizeof(fd));
	uprobe_links_detach(&links);
	for (size_t i = 0; i < 400; i++)
		assert_int_equal(fcntl(fd[i], F_GETFD), -1);
	assert_int_equal(fcntl(other, F_GETFD), FD_CLOEXEC);
	close(other);
	uprobe_links_detach(&links);
}

static void test_moves(void **state)
{
	struct uprobe_links a = make_links(3), b = make_links(20), none = {0};
	int first_fd = b.fd[0], last = b.fd[19];

	(void)state;
	uprobe_links_move(&a, &b);
	uprobe_links_move(&a, &none);
	assert_int_equal(b.count, 0);
	assert_int_equal(a.count, 23);
	assert_int_equal(a.fd[3], first_fd);
	assert_int_equal(a.fd[22], last);
	uprobe_links_detach(&a);
	assert_int_equal(fcntl(last, F_GETFD), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attaches),    cmocka_unit_test(test_for_one_process),
		cmocka_unit_test(test_all_or_none), cmocka_unit_test(test_detaches_many),
		cmocka_unit_test(test_moves),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
