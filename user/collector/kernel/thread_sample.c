// SPDX-License-Identifier: BSD-2-Clause
#include "collector/kernel/thread_sample.h"

#include <asm/perf_regs.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of its own time on a CPU. */
#define PERIOD_NS 1000000
#define STACK_SIZE 32760
/* Room for two samples; a power of two. */
#define DATA_SIZE 131072

#if defined(__x86_64__)
/* Where perf has the register of each DWARF number. */
static const unsigned char by_dwarf[] = {
	PERF_REG_X86_AX,  PERF_REG_X86_DX,  PERF_REG_X86_CX,  PERF_REG_X86_BX,  PERF_REG_X86_SI,
	PERF_REG_X86_DI,  PERF_REG_X86_BP,  PERF_REG_X86_SP,  PERF_REG_X86_R8,  PERF_REG_X86_R9,
	PERF_REG_X86_R10, PERF_REG_X86_R11, PERF_REG_X86_R12, PERF_REG_X86_R13, PERF_REG_X86_R14,
	PERF_REG_X86_R15, PERF_REG_X86_IP};
#define SP 7
#define PC 16
#elif defined(__aarch64__)
/* They are the same, and pc follows sp in both. */
static const unsigned char by_dwarf[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
					 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
					 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
#define SP 31
#define PC 32
#endif
#define REGISTERS (sizeof(by_dwarf) / sizeof(by_dwarf[0]))

static uint64_t wanted_registers(void)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < REGISTERS; i++)
		mask |= UINT64_C(1) << by_dwarf[i];
	return mask;
}

int thread_sample_open(struct thread_sample *sample, pid_t tid)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attributes),
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.sample_period = PERIOD_NS,
		.sample_type = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
		.sample_regs_user = wanted_registers(),
		.sample_stack_user = STACK_SIZE,
		.wakeup_events = 1,
	};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	*sample = (struct thread_sample){.fd = -1};
	sample->fd =
		(int)syscall(SYS_perf_event_open, &attributes, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (sample->fd < 0)
		return -errno;
	sample->pages =
		mmap(NULL, page + DATA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, sample->fd, 0);
	if (sample->pages == MAP_FAILED) {
		int err = -errno;

		sample->pages = NULL;
		thread_sample_close(sample);
		return err;
	}
	return 0;
}

void thread_sample_close(struct thread_sample *sample)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (sample->pages)
		munmap(sample->pages, page + DATA_SIZE);
	if (sample->fd >= 0)
		close(sample->fd);
	*sample = (struct thread_sample){.fd = -1};
}

/* Records wrap around. */
static void copy_out(const struct thread_sample *sample, uint64_t at, void *to, size_t size)
{
	const unsigned char *data = (const unsigned char *)sample->pages + sysconf(_SC_PAGESIZE);
	size_t begin = at % DATA_SIZE;
	size_t first = size < DATA_SIZE - begin ? size : DATA_SIZE - begin;

	memcpy(to, data + begin, first);
	memcpy((unsigned char *)to + first, data, size - first);
}

/* The order of a mask's bits is that of the registers. */
static void set_registers(struct thread_record *record, const uint64_t *value)
{
	uint64_t mask = wanted_registers();

	for (size_t i = 0; i < REGISTERS; i++) {
		uint64_t below = mask & ((UINT64_C(1) << by_dwarf[i]) - 1);

		record->reg[i] = value[__builtin_popcountll(below)];
	}
	record->sp = record->reg[SP];
	record->pc = record->reg[PC];
	record->syscall = THREAD_NO_SYSCALL;
}

/* abi, registers, size of the stack, the stack, how much of it is valid */
static int parse(const uint64_t *at, struct thread_record *record, unsigned char **stack,
		 size_t *stack_size)
{
	uint64_t size, valid;

	if (*at++ == PERF_SAMPLE_REGS_ABI_NONE)
		return -EAGAIN;
	set_registers(record, at);
	at += REGISTERS;
	size = *at++;
	if (!size || size > STACK_SIZE)
		return -EAGAIN;
	valid = at[size / sizeof(*at)];
	if (valid > size)
		return -EAGAIN;
	*stack = malloc(valid ? valid : 1);
	if (!*stack)
		return -ENOMEM;
	memcpy(*stack, at, valid);
	*stack_size = valid;
	return 0;
}

int thread_sample_take(struct thread_sample *sample, struct thread_record *record,
		       unsigned char **stack, size_t *stack_size)
{
	struct perf_event_mmap_page *head = sample->pages;
	static uint64_t body[(STACK_SIZE + 1024) / sizeof(uint64_t)];
	uint64_t end = __atomic_load_n(&head->data_head, __ATOMIC_ACQUIRE);
	int err = -EAGAIN;

	while (err == -EAGAIN && head->data_tail < end) {
		struct perf_event_header header;

		copy_out(sample, head->data_tail, &header, sizeof(header));
		if (header.type == PERF_RECORD_SAMPLE && header.size > sizeof(header) &&
		    header.size - sizeof(header) <= sizeof(body)) {
			copy_out(sample, head->data_tail + sizeof(header), body,
				 header.size - sizeof(header));
			err = parse(body, record, stack, stack_size);
		}
		__atomic_store_n(&head->data_tail, head->data_tail + header.size, __ATOMIC_RELEASE);
	}
	return err;
}
