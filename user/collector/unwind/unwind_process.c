// SPDX-License-Identifier: BSD-2-Clause
#include "collector/unwind/unwind_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dwarf.h>
#include <elfutils/libdwelf.h>

#include "collector/base/fd_message.h"
#include "collector/unwind/unwind_names.h"

/* Frames that are looked at: deep recursion, which is folded. */
#define RAW_MAX 2048
/* The longest cycle of functions that is recognised as recursion. */
#define CYCLE_MAX 4

struct raw_stack {
	struct unwind_place frame[RAW_MAX];
	size_t n;
	bool full;
};

/* ---- files ---- */

/* Callbacks of libdwfl for a module have no argument of ours. */
static struct unwind_process *current;

/* What libdwfl passes to each of them. */
#define MODULE Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base

static int find_elf(MODULE, char **file, Elf **elf)
{
	size_t index = (size_t)(uintptr_t)*data - 1;
	int fd = current->file[index];

	(void)module;
	(void)base;
	*file = strdup(name);
	if (base == current->vdso_start && current->vdso) {
		*elf = elf_memory((char *)current->vdso, current->vdso_size);
		return -1;
	}
	/* It is closed by libdwfl. */
	current->file[index] = -1;
	return fd;
}

static bool has_build_id(int fd, const unsigned char *wanted, int size)
{
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	const void *found;
	bool same = elf && dwelf_elf_gnu_build_id(elf, &found) == size &&
		    memcmp(found, wanted, (size_t)size) == 0;

	elf_end(elf);
	return same;
}

/* The collector opens it: nothing can be opened here. */
static int ask_for_file(const unsigned char *build_id, int size)
{
	static struct unwind_reply question;
	struct unwind_message answer;
	struct fd_message message = {.data = &question,
				     .size = offsetof(struct unwind_reply, strings)};

	question.type = UNWIND_WANT_FILE;
	question.number = current->number;
	question.n_frames = 1;
	question.frame[0].build_id_size = (uint8_t)size;
	memcpy(question.frame[0].build_id, build_id, (size_t)size);
	if (fd_message_send(current->socket, &message))
		exit(1);
	message.data = &answer;
	message.size = sizeof(answer);
	/* Whoever asked is gone. */
	if (fd_message_receive(current->socket, &message) <= 0)
		exit(0);
	if (message.n_fds != 1) {
		fd_message_close_fds(&message);
		return -1;
	}
	return message.fd[0];
}

static int find_debuginfo(MODULE, const char *file, const char *link, GElf_Word crc, char **found)
{
	const unsigned char *build_id;
	GElf_Addr address;
	int size = dwfl_module_build_id(module, &build_id, &address), fd;

	(void)data;
	(void)name;
	(void)base;
	(void)file;
	(void)link;
	(void)crc;
	if (size <= 0 || size > UNWIND_BUILD_ID_MAX)
		return -1;
	fd = ask_for_file(build_id, size);
	if (fd >= 0 && !has_build_id(fd, build_id, size)) {
		close(fd);
		return -1;
	}
	*found = fd >= 0 ? strdup("debug") : NULL;
	return fd;
}

static const Dwfl_Callbacks callbacks = {.find_elf = find_elf, .find_debuginfo = find_debuginfo};

/* ---- the state of a thread ---- */

/* Any number will do, as there is one thread at a time. */
#define THREAD 1

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread)
{
	(void)dwfl;
	if (*thread)
		return 0;
	*thread = arg;
	return THREAD;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread)
{
	(void)dwfl;
	*thread = arg;
	return tid == THREAD;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *word, void *arg)
{
	struct unwind_process *p = arg;
	const struct unwind_payload *request = p->request;

	(void)dwfl;
	if (address < request->stack_start ||
	    address - request->stack_start > request->stack_size ||
	    request->stack_size - (address - request->stack_start) < sizeof(*word)) {
		p->beyond = true;
		return false;
	}
	memcpy(word, p->stack + (address - request->stack_start), sizeof(*word));
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	const struct unwind_payload *request = ((struct unwind_process *)arg)->request;
	Dwarf_Word reg[UNWIND_REGISTERS];

	for (size_t i = 0; i < UNWIND_REGISTERS; i++)
		reg[i] = request->reg[i];
#if defined(__x86_64__)
	if (!dwfl_thread_state_registers(thread, 0, 17, reg))
		return false;
#else
	if (!dwfl_thread_state_registers(thread, 0, 32, reg))
		return false;
#endif
	dwfl_thread_state_register_pc(thread, request->pc);
	return true;
}

static const Dwfl_Thread_Callbacks thread_callbacks = {.next_thread = next_thread,
						       .get_thread = get_thread,
						       .memory_read = read_memory,
						       .set_initial_registers = set_registers};

/* ---- a process ---- */

static bool report_modules(struct unwind_process *p, const struct unwind_module *modules)
{
	void **data;
	char name[24];

	dwfl_report_begin(p->dwfl);
	for (size_t i = 0; i < p->modules; i++) {
		p->file[i] = -1;
		snprintf(name, sizeof(name), "%zu", i);
		p->module[i] = dwfl_report_module(p->dwfl, name, modules[i].start, modules[i].end);
		if (!p->module[i])
			continue; /* it lies in another one */
		dwfl_module_info(p->module[i], &data, NULL, NULL, NULL, NULL, NULL, NULL);
		*data = (void *)(uintptr_t)(i + 1);
	}
	return dwfl_report_end(p->dwfl, NULL, NULL) == 0;
}

bool unwind_process_open(struct unwind_process *p, const struct unwind_payload *request,
			 Elf *backend)
{
	const struct unwind_module *modules = (const struct unwind_module *)(request + 1);
	const unsigned char *stack = (const unsigned char *)(modules + request->n_modules);

	p->modules = request->n_modules;
	p->module = calloc(p->modules + 1, sizeof(Dwfl_Module *));
	p->file = calloc(p->modules + 1, sizeof(*p->file));
	p->vdso = request->vdso_size ? malloc(request->vdso_size) : NULL;
	p->dwfl = dwfl_begin(&callbacks);
	if (!p->module || !p->file || !p->dwfl)
		return false;
	if (p->vdso) {
		p->vdso_start = request->vdso_start;
		p->vdso_size = request->vdso_size;
		memcpy(p->vdso, stack + request->stack_size, p->vdso_size);
	}
	current = p;
	return report_modules(p, modules) &&
	       dwfl_attach_state(p->dwfl, backend, THREAD, &thread_callbacks, p);
}

void unwind_process_close(struct unwind_process *p)
{
	current = p;
	if (p->dwfl)
		dwfl_end(p->dwfl);
	for (size_t i = 0; p->file && i < p->modules; i++) {
		if (p->file[i] >= 0)
			close(p->file[i]);
	}
	free(p->module);
	free(p->file);
	free(p->vdso);
	*p = (struct unwind_process){0};
}

void unwind_process_add_file(struct unwind_process *p, size_t module, int fd)
{
	if (module >= p->modules || p->file[module] >= 0)
		close(fd);
	else
		p->file[module] = fd;
}

/* ---- frames ---- */

static int take_frame(Dwfl_Frame *frame, void *arg)
{
	struct raw_stack *raw = arg;
	Dwarf_Addr pc;
	bool activation;

	if (!dwfl_frame_pc(frame, &pc, &activation))
		return DWARF_CB_ABORT;
	if (raw->n == RAW_MAX) {
		raw->full = true;
		return DWARF_CB_ABORT;
	}
	raw->frame[raw->n++] = (struct unwind_place){.pc = pc, .after = !activation};
	return DWARF_CB_OK;
}

/* How often the @size frames at @at come, one after the other. */
static uint32_t repetitions(const struct raw_stack *raw, size_t at, size_t size)
{
	uint32_t times = 1;

	while (at + (times + 1) * size <= raw->n) {
		for (size_t i = 0; i < size; i++) {
			if (raw->frame[at + i].pc != raw->frame[at + times * size + i].pc)
				return times;
		}
		times++;
	}
	return times;
}

/* The shortest cycle of functions that begins at @at; 1 frame, once, if there is none. */
static size_t find_cycle(const struct raw_stack *raw, size_t at, uint32_t *times)
{
	for (size_t size = 1; size <= CYCLE_MAX; size++) {
		*times = repetitions(raw, at, size);
		if (*times > 1)
			return size;
	}
	return 1;
}

static void name_frames(struct unwind_process *p, const struct raw_stack *raw,
			struct unwind_reply *reply)
{
	uint32_t times;

	for (size_t i = 0; i < raw->n && reply->n_frames < UNWIND_FRAMES_MAX;) {
		size_t cycle = find_cycle(raw, i, &times);

		for (size_t k = 0; k < cycle; k++) {
			struct unwind_place place = raw->frame[i + k];

			place.times = times;
			unwind_names_add(p->dwfl, &place, reply);
		}
		i += cycle * times;
	}
}

/* What lies in no file is a guess that went wrong: the way out of a coroutine, for example. */
static void drop_garbage(struct unwind_process *p, struct raw_stack *raw, bool *complete)
{
	while (raw->n > 1 && !dwfl_addrmodule(p->dwfl, raw->frame[raw->n - 1].pc)) {
		raw->n--;
		*complete = false;
	}
}

void unwind_process_answer(struct unwind_process *p, const struct unwind_payload *request,
			   struct unwind_reply *reply)
{
	static struct raw_stack raw;
	bool complete;

	current = p;
	p->request = request;
	p->stack = (const unsigned char *)(request + 1) +
		   request->n_modules * sizeof(struct unwind_module);
	p->beyond = false;
	raw.n = 0;
	raw.full = false;
	/* A return address that could not be read looks to libdwfl like the end. */
	complete = dwfl_getthread_frames(p->dwfl, THREAD, take_frame, &raw) == 0 && !p->beyond;
	drop_garbage(p, &raw, &complete);
	reply->total = (uint32_t)raw.n;
	reply->end = !raw.n      ? UNWIND_IMPOSSIBLE
		     : raw.full  ? UNWIND_TOO_DEEP
		     : complete  ? UNWIND_COMPLETE
		     : p->beyond ? UNWIND_BEYOND_COPY
				 : UNWIND_NO_INFO;
	name_frames(p, &raw, reply);
	p->request = NULL;
}
