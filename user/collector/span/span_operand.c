// SPDX-License-Identifier: BSD-2-Clause
#include "collector/span/span_operand.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENT_MAX 128
#define SYMBOL_MAX 96

/* Numbers of registers are those of the words of what the kernel saves: struct pt_regs. */
#if defined(__x86_64__)
static const struct {
	const char *name[4]; /* of 64, 32, 16 and 8 bits */
	uint8_t number;
} registers[] = {
	{{"rax", "eax", "ax", "al"}, 10},     {{"rbx", "ebx", "bx", "bl"}, 5},
	{{"rcx", "ecx", "cx", "cl"}, 11},     {{"rdx", "edx", "dx", "dl"}, 12},
	{{"rsi", "esi", "si", "sil"}, 13},    {{"rdi", "edi", "di", "dil"}, 14},
	{{"rbp", "ebp", "bp", "bpl"}, 4},     {{"rsp", "esp", "sp", "spl"}, 19},
	{{"r8", "r8d", "r8w", "r8b"}, 9},     {{"r9", "r9d", "r9w", "r9b"}, 8},
	{{"r10", "r10d", "r10w", "r10b"}, 7}, {{"r11", "r11d", "r11w", "r11b"}, 6},
	{{"r12", "r12d", "r12w", "r12b"}, 3}, {{"r13", "r13d", "r13w", "r13b"}, 2},
	{{"r14", "r14d", "r14w", "r14b"}, 1}, {{"r15", "r15d", "r15w", "r15b"}, 0},
	{{"rip", NULL, NULL, NULL}, 16},
};
static const uint8_t of_function[] = {14, 13, 12, 11, 9, 8};
static const uint8_t of_syscall[] = {14, 13, 12, 7, 9, 8};

static int find_register(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		for (size_t k = 0; k < 4 && registers[i].name[k]; k++) {
			if (strlen(registers[i].name[k]) == length &&
			    strncmp(registers[i].name[k], name, length) == 0)
				return registers[i].number;
		}
	}
	return -1;
}
#elif defined(__aarch64__)
static const uint8_t of_function[] = {0, 1, 2, 3, 4, 5, 6, 7};
static const uint8_t of_syscall[] = {0, 1, 2, 3, 4, 5};

static int find_register(const char *name, size_t length)
{
	int number = 0;

	if (length == 2 && strncmp(name, "sp", 2) == 0)
		return 31;
	if (length < 2 || length > 3 || (name[0] != 'x' && name[0] != 'w'))
		return -1;
	for (size_t i = 1; i < length; i++) {
		if (!isdigit((unsigned char)name[i]))
			return -1;
		number = number * 10 + name[i] - '0';
	}
	return number <= 30 ? number : -1;
}
#else
#error "this machine is not supported"
#endif

/* ---- notes ---- */

/* Takes argument @number out of a note's list of them. */
static bool find_argument(const char *list, unsigned int number, char *to, size_t room)
{
	while (list && *list) {
		size_t length = 0, depth = 0;

		list += strspn(list, " ");
		for (; list[length] && (list[length] != ' ' || depth); length++) {
			depth += list[length] == '[';
			depth -= list[length] == ']' && depth;
		}
		if (!length)
			return false;
		if (!number--) {
			if (length >= room)
				return false;
			memcpy(to, list, length);
			to[length] = '\0';
			return true;
		}
		list += length;
	}
	return false;
}

/* "-4@": the size, negative if it is signed. Returns what follows, or NULL. */
static const char *take_size(const char *text, struct span_operand *operand)
{
	char *end;
	long size = strtol(text, &end, 10);

	if (*end != '@' || end == text)
		return NULL;
	operand->is_signed = size < 0;
	size = labs(size);
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return NULL;
	operand->size = (uint8_t)size;
	return end + 1;
}

static bool take_number(const char **at, int64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoll(*at, &end, 0);
	if (end == *at || errno)
		return false;
	*at = end;
	return true;
}

#if defined(__x86_64__)
static bool take_register(const char **at, uint8_t *number)
{
	size_t length;
	int found;

	if (**at != '%')
		return false;
	length = strspn(*at + 1, "abcdefghijklmnopqrstuvwxyz0123456789");
	found = find_register(*at + 1, length);
	*at += 1 + length;
	*number = (uint8_t)found;
	return found >= 0;
}

/* "16", "name", "16+name", "name+16": what is added to the base. */
static bool take_displacement(const char **at, const struct span_note *note,
			      struct span_operand *operand, bool *symbol)
{
	char name[SYMBOL_MAX];
	uint64_t address;
	int64_t number;

	while (**at != '(') {
		size_t length;

		*at += **at == '+';
		if (take_number(at, &number)) {
			operand->number += number;
			continue;
		}
		length = strcspn(*at, "+-( ");
		if (!length || length >= sizeof(name) || *symbol)
			return false;
		memcpy(name, *at, length);
		name[length] = '\0';
		if (!note->symbol || note->symbol(note->arg, name, &address))
			return false;
		/* From the probe on, so that it does not matter where the file is loaded. */
		operand->number += (int64_t)(address - note->address);
		*symbol = true;
		*at += length;
	}
	return true;
}

static bool take_scale(const char **at, struct span_operand *operand)
{
	int64_t scale = 1;

	if (**at == ',') {
		++*at;
		if (!take_number(at, &scale))
			return false;
	}
	operand->scale = (uint8_t)scale;
	return scale == 1 || scale == 2 || scale == 4 || scale == 8;
}

static bool take_memory(const char *at, const struct span_note *note, struct span_operand *operand)
{
	const int ip = find_register("rip", 3);
	bool symbol = false;

	operand->place = OPERAND_MEMORY;
	operand->base = operand->index = FR_NO_REGISTER;
	if (!take_displacement(&at, note, operand, &symbol))
		return false;
	at++;
	if (*at != ',' && !take_register(&at, &operand->base))
		return false;
	if (*at == ',') {
		at++;
		if (!take_register(&at, &operand->index) || !take_scale(&at, operand))
			return false;
	}
	/* What is at a symbol is found by way of the instruction pointer alone. */
	return strcmp(at, ")") == 0 && symbol == (operand->base == ip);
}

static bool take_place(const char *at, const struct span_note *note, struct span_operand *operand)
{
	if (*at == '$') {
		at++;
		operand->place = OPERAND_CONSTANT;
		return take_number(&at, &operand->number) && !*at;
	}
	if (*at == '%') {
		operand->place = OPERAND_REGISTER;
		return take_register(&at, &operand->base) && !*at;
	}
	return strchr(at, '(') && take_memory(at, note, operand);
}
#else
static bool take_register(const char **at, uint8_t *number)
{
	size_t length = strspn(*at, "wxsp0123456789");
	int found = find_register(*at, length);

	*at += length;
	*number = (uint8_t)found;
	return found >= 0;
}

/* "5", "x0", "[sp]", "[x1, 16]", "[x1, x2]" */
static bool take_place(const char *at, const struct span_note *note, struct span_operand *operand)
{
	(void)note;
	operand->index = FR_NO_REGISTER;
	if (*at != '[') {
		operand->place = OPERAND_REGISTER;
		if (take_register(&at, &operand->base))
			return !*at;
		operand->place = OPERAND_CONSTANT;
		return take_number(&at, &operand->number) && !*at;
	}
	at++;
	operand->place = OPERAND_MEMORY;
	if (!take_register(&at, &operand->base))
		return false;
	if (*at == ',') {
		at += 1 + strspn(at + 1, " #");
		operand->scale = 1;
		if (!take_number(&at, &operand->number) && !take_register(&at, &operand->index))
			return false;
	}
	return strcmp(at, "]") == 0;
}
#endif

int span_operand_of_note(const struct span_note *note, unsigned int number,
			 struct span_operand *operand)
{
	char text[ARGUMENT_MAX];
	const char *at;

	*operand = (struct span_operand){0};
	if (!find_argument(note->arguments, number, text, sizeof(text)))
		return -ENOENT;
	at = take_size(text, operand);
	if (!at || !take_place(at, note, operand)) {
		*operand = (struct span_operand){0};
		return -ENOTSUP;
	}
	return 0;
}

/* ---- functions and system calls ---- */

static int of_list(const uint8_t *list, size_t count, unsigned int number,
		   struct span_operand *operand)
{
	*operand = (struct span_operand){0};
	if (number >= count)
		return -ENOENT;
	operand->place = OPERAND_REGISTER;
	operand->size = 8;
	operand->base = list[number];
	return 0;
}

int span_operand_of_function(unsigned int number, struct span_operand *operand)
{
	return of_list(of_function, sizeof(of_function), number, operand);
}

int span_operand_of_syscall(unsigned int number, struct span_operand *operand)
{
	return of_list(of_syscall, sizeof(of_syscall), number, operand);
}
