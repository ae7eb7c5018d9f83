/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Reads the arguments of events, and packs them as the library packs those of entries. */
#ifndef FLIGHTREC_SPAN_PACK_BPF_H
#define FLIGHTREC_SPAN_PACK_BPF_H

#include "maps.bpf.h"
#include "probe_arguments.bpf.h"
#include "span.h"

/* Of a string's size, as in FLIGHTREC_STRING_CUT, and of an entry, FLIGHTREC_HOW_CUT. */
#define FR_SPAN_STRING_CUT 0x8000u
#define FR_SPAN_STRING_NULL 0xffffu
#define FR_SPAN_CUT 0x100u
#define FR_SPAN_SEVERITY 1u /* FLIGHTREC_INFO */

#define SIGNAL_GROUP_EXIT 4

#if defined(__TARGET_ARCH_x86)
#define SPAN_REGISTER_SP 19
#define SPAN_REGISTERS_SIZE sizeof(struct pt_regs)
/* A number of a 32-bit system call means another one. */
#define TS_COMPAT 2

static __always_inline bool is_32_bit_call(void)
{
	return bpf_get_current_task_btf()->thread_info.status & TS_COMPAT;
}

static __always_inline u64 syscall_of(const struct pt_regs *regs)
{
	return regs->orig_ax;
}
#elif defined(__TARGET_ARCH_arm64)
#define SPAN_REGISTER_SP 31
#define SPAN_REGISTERS_SIZE (FR_SPAN_REGISTERS * sizeof(u64))

static __always_inline bool is_32_bit_call(void)
{
	return false;
}

/* Behind what user_pt_regs has stand orig_x0 and syscallno; see the kernel's asm/ptrace.h. */
static __always_inline u64 syscall_of(const struct pt_regs *regs)
{
	s32 number = -1;

	bpf_probe_read_kernel(&number, sizeof(number),
			      (const char *)regs + sizeof(struct user_pt_regs) + sizeof(u64));
	return (u64)number;
}
#endif

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct span_place);
} span_places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct span_scratch);
} span_scratches SEC(".maps"); /* FR_SPAN_SCRATCHES of each CPU */

/* The innermost span of a thread: its slot. */
struct span_thread {
	u32 slot;
	u32 generation;
};

/* A program may be preempted, and another come to run on the same CPU. */
static __always_inline struct span_scratch *take_scratch(u32 *number)
{
	u32 first = bpf_get_smp_processor_id() * FR_SPAN_SCRATCHES;

	for (u32 i = 0; i < FR_SPAN_SCRATCHES; i++) {
		u32 index = first + i;
		struct span_scratch *scratch = bpf_map_lookup_elem(&span_scratches, &index);

		if (!scratch || __sync_lock_test_and_set(&scratch->busy, 1))
			continue;
		*number = index;
		return scratch;
	}
	return NULL;
}

static __always_inline u64 register_value(const struct span_scratch *scratch, u32 number)
{
	return number < FR_SPAN_REGISTERS ? scratch->regs[number] : 0;
}

static __always_inline u64 operand_value(const struct span_operand *operand,
					 const struct span_scratch *scratch)
{
	u32 shift = (64 - 8 * operand->size) & 63, size = operand->size;
	u64 value = (u64)operand->number;

	if (operand->place == OPERAND_CONSTANT)
		return value;
	value += register_value(scratch, operand->base);
	if (operand->place == OPERAND_MEMORY) {
		u64 address = value + register_value(scratch, operand->index) * operand->scale;

		value = 0;
		if (size > sizeof(value))
			size = sizeof(value);
		bpf_probe_read_user(&value, size, (const void *)address);
	}
	value <<= shift;
	return operand->is_signed ? (u64)((s64)value >> shift) : value >> shift;
}

/* Packs one operand at @at. Returns what comes behind it. */
static __always_inline u32 pack_operand(const struct span_operand *operand,
					struct span_scratch *scratch, u32 at, u32 end)
{
	u64 value = operand_value(operand, scratch);
	u32 limit = operand->limit, word;
	long length;

	at &= FR_ENTRY_DATA_MAX - 1;
	if (operand->packed == OPERAND_INT64) {
		__builtin_memcpy(scratch->data + at, &value, sizeof(u64));
		return at + sizeof(u64);
	}
	if (operand->packed == OPERAND_INT32) {
		word = (u32)value;
		__builtin_memcpy(scratch->data + at, &word, sizeof(u32));
		return at + sizeof(u32);
	}
	if (at + sizeof(u16) + limit > end)
		limit = end - at - sizeof(u16);
	/* Its NUL has to fit as well, and is not kept. */
	if (limit > FR_SPAN_STRING_MAX)
		limit = FR_SPAN_STRING_MAX;
	word = FR_SPAN_STRING_NULL;
	length = value ? bpf_probe_read_user_str(scratch->data + at + sizeof(u16), limit + 1,
						 (const void *)value)
		       : 1;
	if (length < 0 && at + sizeof(u16) + sizeof(u64) <= end) {
		word = FR_SPAN_STRING_UNREAD;
		__builtin_memcpy(scratch->data + at + sizeof(u16), &value, sizeof(u64));
		length = sizeof(u64) + 1;
	} else if (length <= 0 || length > FR_SPAN_STRING_MAX + 1) {
		length = 1;
	} else if (value) {
		word = (u32)length - 1;
		/* Cut by the format's own precision, it is whole for the format. */
		if (word == limit && limit != operand->limit) {
			word |= FR_SPAN_STRING_CUT;
			scratch->cut = 1;
		}
	}
	scratch->data[at] = (u8)word;
	scratch->data[at + 1] = (u8)(word >> 8);
	return at + sizeof(u16) + (u32)length - 1;
}

/* As pack_operand(), for one of a place: the first are of its name. */
__noinline u32 pack_one(u32 number, u32 scratch_number, u32 which, u32 at, u32 end)
{
	struct span_place *place = bpf_map_lookup_elem(&span_places, &number);
	struct span_scratch *scratch = bpf_map_lookup_elem(&span_scratches, &scratch_number);

	if (!place || !scratch || at + sizeof(u64) > end || end > FR_ENTRY_DATA_MAX)
		return FR_NONE;
	if (which < FR_SPAN_NAME_OPERANDS)
		return pack_operand(&place->name[which], scratch, at, end);
	which -= FR_SPAN_NAME_OPERANDS;
	if (which < FR_SPAN_OPERANDS)
		return pack_operand(&place->operand[which], scratch, at, end);
	return FR_NONE;
}

/* Packs operands @first to @first + @count. What does not fit is left out, and is missing then. */
static __always_inline void pack_all(u32 number, u32 scratch_number, u32 first, u32 count, u32 end)
{
	struct span_scratch *scratch = bpf_map_lookup_elem(&span_scratches, &scratch_number);
	u32 at = 0, next;

	if (!scratch)
		return;
	scratch->cut = 0;
	for (u32 i = 0; i < FR_SPAN_OPERANDS; i++) {
		if (i >= count)
			break;
		next = pack_one(number, scratch_number, first + i, at, end);
		if (next > end) {
			scratch->cut = 1;
			break;
		}
		at = next;
	}
	scratch->size = at;
}

/* Packs the arguments of a span's name, in @scratch->name. */
__noinline int pack_name(u32 number, u32 scratch_number)
{
	struct span_place *place = bpf_map_lookup_elem(&span_places, &number);
	struct span_scratch *scratch = bpf_map_lookup_elem(&span_scratches, &scratch_number);

	if (!place || !scratch)
		return 0;
	/* The last byte of a slot's name is always 0. */
	pack_all(number, scratch_number, 0, place->name_operands, FR_NAME_SIZE - 1);
	__builtin_memcpy(scratch->name, scratch->data, FR_NAME_SIZE);
	return 0;
}

/* Packs the arguments of an entry, in @scratch->data. */
__noinline int pack_entry(u32 number, u32 scratch_number)
{
	struct span_place *place = bpf_map_lookup_elem(&span_places, &number);

	if (place)
		pack_all(number, scratch_number, FR_SPAN_NAME_OPERANDS, place->operands,
			 FR_ENTRY_DATA_MAX);
	return 0;
}

static __always_inline bool compare(u32 how, s64 left, s64 right)
{
	switch (how) {
	case COMPARE_EQUAL:
		return left == right;
	case COMPARE_UNEQUAL:
		return left != right;
	case COMPARE_LESS:
		return left < right;
	case COMPARE_LESS_EQUAL:
		return left <= right;
	case COMPARE_GREATER:
		return left > right;
	case COMPARE_GREATER_EQUAL:
		return left >= right;
	default:
		return true;
	}
}

/* Whether what the argument points to begins with the string. What cannot be read does neither. */
static __always_inline bool compare_string(const struct span_test *test,
					   struct span_scratch *scratch)
{
	u64 address = operand_value(&test->operand, scratch);
	bool same = true;

	if (bpf_probe_read_user_str(scratch->string, sizeof(scratch->string),
				    (const void *)address) <= 0)
		return false;
	for (u32 i = 0; i < FR_SPAN_PREFIX_MAX; i++) {
		if (i >= test->length)
			break;
		if (scratch->string[i] != test->string[i]) {
			same = false;
			break;
		}
	}
	return same == (test->compare == COMPARE_EQUAL);
}

__noinline int test_holds(u32 number, u32 scratch_number)
{
	struct span_place *place = bpf_map_lookup_elem(&span_places, &number);
	struct span_scratch *scratch = bpf_map_lookup_elem(&span_scratches, &scratch_number);

	if (!place || !scratch)
		return 0;
	if (place->test.compare == COMPARE_ALWAYS)
		return 1;
	if (place->test.length)
		return compare_string(&place->test, scratch);
	return compare(place->test.compare, (s64)operand_value(&place->test.operand, scratch),
		       place->test.number);
}

#endif /* FLIGHTREC_SPAN_PACK_BPF_H */
