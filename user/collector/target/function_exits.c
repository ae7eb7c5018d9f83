// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/function_exits.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <capstone/capstone.h>

#define PARTS_MAX 64
#define PART_BYTES_MAX (1u << 20)
/* So far back is looked for what makes an indirect jump one within the function. */
#define JUMP_BACK 12

struct search {
	const struct elf_file *file;
	const struct elf_frames *frames;
	struct elf_frame part[PARTS_MAX];
	size_t parts;
	struct function_exits *exits;
	csh capstone;
	/* The last instructions of the part, oldest overwritten first. */
	struct {
		unsigned int id;
		x86_reg to; /* register that is written */
		bool table; /* reads an element of a table */
	} before[JUMP_BACK];
	size_t n_before;
};

__attribute__((format(printf, 2, 3))) static int problem(struct search *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(s->exits->problem, sizeof(s->exits->problem), format, args);
	va_end(args);
	return -ENOTSUP;
}

/* There are exits elsewhere. */
#define unknown(s, ...) ((s)->exits->unknown = true, problem(s, __VA_ARGS__))

static bool is_in_parts(const struct search *s, uint64_t address)
{
	for (size_t i = 0; i < s->parts; i++) {
		if (address - s->part[i].address < s->part[i].size)
			return true;
	}
	return false;
}

/* The code at @to belongs to it as well: another part of the function, or one that it ends in. */
static int follow(struct search *s, uint64_t from, uint64_t to)
{
	const struct elf_frame *frame;

	if (is_in_parts(s, to))
		return 0;
	frame = elf_frames_find(s->frames, to);
	if (!frame)
		return unknown(s, "it jumps at 0x%llx to where no function is known",
			       (unsigned long long)from);
	if (s->parts == PARTS_MAX)
		return unknown(s, "it may end in more than %d other functions", PARTS_MAX);
	s->part[s->parts++] = *frame;
	return 0;
}

/*
 * A switch: an element of a table is read, and the table's address added, or the jump itself reads
 * from a table of addresses.
 */
static bool is_switch(const struct search *s, const cs_insn *insn)
{
	const cs_x86_op *target = &insn->detail->x86.operands[0];
	bool added = false;

	/* notrack: compilers write that for switches alone. */
	if (insn->bytes[0] == 0x3e)
		return true;
	if (target->type == X86_OP_MEM)
		return target->mem.index != X86_REG_INVALID && target->mem.scale == 8;
	for (size_t i = 0; i < JUMP_BACK && i < s->n_before; i++) {
		size_t at = (s->n_before - 1 - i) % JUMP_BACK;

		if (s->before[at].to == target->reg && s->before[at].id == X86_INS_ADD)
			added = true;
		else if (s->before[at].table)
			return added || s->before[at].to == target->reg;
	}
	return false;
}

static void remember(struct search *s, const cs_insn *insn)
{
	const cs_x86 *x86 = &insn->detail->x86;
	size_t at = s->n_before++ % JUMP_BACK;

	s->before[at].id = insn->id;
	s->before[at].to = x86->op_count && x86->operands[0].type == X86_OP_REG
				   ? x86->operands[0].reg
				   : X86_REG_INVALID;
	s->before[at].table = x86->op_count > 1 && x86->operands[1].type == X86_OP_MEM &&
			      x86->operands[1].mem.index != X86_REG_INVALID &&
			      (x86->operands[1].mem.scale == 4 || x86->operands[1].mem.scale == 8);
}

static int look_at_jump(struct search *s, const cs_insn *insn)
{
	const cs_x86_op *target = &insn->detail->x86.operands[0];

	if (target->type == X86_OP_IMM)
		return follow(s, insn->address, (uint64_t)target->imm);
	if (is_switch(s, insn))
		return 0;
	return unknown(s, "at 0x%llx it jumps to an address that only its run knows",
		       (unsigned long long)insn->address);
}

static int look_at(struct search *s, const cs_insn *insn)
{
	if (cs_insn_group(s->capstone, insn, CS_GRP_RET)) {
		if (s->exits->count == FUNCTION_EXITS_MAX)
			return unknown(s, "it has more than %d exits", FUNCTION_EXITS_MAX);
		s->exits->address[s->exits->count++] = insn->address;
		return 0;
	}
	if (cs_insn_group(s->capstone, insn, CS_GRP_JUMP))
		return look_at_jump(s, insn);
	remember(s, insn);
	return 0;
}

static int look_at_code(struct search *s, const uint8_t *code, const struct elf_frame *part)
{
	cs_insn *insn = cs_malloc(s->capstone);
	uint64_t address = part->address;
	size_t left = part->size;
	int err = insn ? 0 : -ENOMEM;

	s->n_before = 0;
	while (!err && left) {
		if (!cs_disasm_iter(s->capstone, &code, &left, &address, insn)) {
			err = problem(s, "at 0x%llx there is no instruction",
				      (unsigned long long)address);
			break;
		}
		err = look_at(s, insn);
	}
	if (insn)
		cs_free(insn, 1);
	return err;
}

static int look_at_part(struct search *s, size_t i)
{
	const struct elf_frame part = s->part[i];
	uint64_t offset;
	uint8_t *code;
	int err;

	if (part.size > PART_BYTES_MAX ||
	    !elf_file_offset_of(s->file, part.address, part.size, PF_X, &offset))
		return problem(s, "its code is not in the file, or larger than 1 MiB");
	code = malloc(part.size);
	if (!code)
		return -ENOMEM;
	if (elf_file_read(s->file, code, part.size, offset))
		err = look_at_code(s, code, &part);
	else
		err = problem(s, "its code cannot be read");
	free(code);
	return err;
}

int function_exits_find(const struct elf_file *file, const struct elf_frames *frames,
			const struct elf_frame *function, struct function_exits *exits)
{
	struct search s = {.file = file, .frames = frames, .exits = exits};
	int err = 0;

	exits->count = 0;
	exits->unknown = false;
	exits->problem[0] = '\0';
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &s.capstone) != CS_ERR_OK)
		return -ENOMEM;
	cs_option(s.capstone, CS_OPT_DETAIL, CS_OPT_ON);
	s.part[s.parts++] = *function;
	for (size_t i = 0; !err && i < s.parts; i++)
		err = look_at_part(&s, i);
	exits->parts = s.parts;
	if (!err && !exits->count)
		err = problem(&s, "it does not return");
	cs_close(&s.capstone);
	return err;
}
#else
int function_exits_find(const struct elf_file *file, const struct elf_frames *frames,
			const struct elf_frame *function, struct function_exits *exits)
{
	exits->count = exits->parts = 0;
	exits->unknown = false;
	snprintf(exits->problem, sizeof(exits->problem),
		 "exits of functions are not looked for on this machine");
	return -ENOTSUP;
}
#endif
