// SPDX-License-Identifier: BSD-2-Clause
#include "collector/unwind/unwind_names.h"

#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#include <elfutils/libdw.h>

#include "collector/unwind/unwind_demangle.h"

#define NAME_MAX_ 500

struct source {
	const char *file; /* or NULL */
	int line;
};

static uint32_t add_string(struct unwind_reply *reply, const char *string)
{
	size_t size = string ? strnlen(string, NAME_MAX_) : 0;
	uint32_t at = reply->strings_size;

	if (!size || at + size + 1 > UNWIND_STRINGS_MAX)
		return UNWIND_NO_STRING;
	memcpy(reply->strings + at, string, size);
	reply->strings[at + size] = '\0';
	reply->strings_size += (uint32_t)size + 1;
	return at;
}

/*
 * What the linker and the compiler add to a name says nothing to a person: "@GLIBC_2.2.5",
 * ".constprop.0". Returns a copy.
 */
static char *plain_name(const char *name)
{
	static const char *const added[] = {"@",      ".constprop.", ".isra.",
					    ".part.", ".cold",       ".lto_priv."};
	char *plain = strdup(name);

	for (size_t i = 0; plain && i < sizeof(added) / sizeof(added[0]); i++) {
		char *at = strstr(plain, added[i]);

		if (at && at > plain)
			*at = '\0';
	}
	return plain;
}

static struct unwind_frame *add_frame(struct unwind_reply *reply, const struct unwind_frame *like,
				      const char *function, struct source source)
{
	struct unwind_frame *frame;
	const char *base = source.file ? strrchr(source.file, '/') : NULL;
	char *plain, *readable;

	if (reply->n_frames == UNWIND_FRAMES_MAX)
		return NULL;
	frame = &reply->frame[reply->n_frames++];
	*frame = *like;
	plain = function ? plain_name(function) : NULL;
	readable = plain ? unwind_demangle(plain) : NULL;
	frame->function = add_string(reply, readable ? readable : plain);
	free(readable);
	free(plain);
	frame->file = source.line > 0 ? add_string(reply, base ? base + 1 : source.file)
				      : UNWIND_NO_STRING;
	frame->line = frame->file != UNWIND_NO_STRING ? (uint32_t)source.line : 0;
	return frame;
}

/* The name of an instance of a function that was inlined. */
static const char *inlined_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *name =
		dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));

	return name ? name : dwarf_diename(die);
}

static struct source call_source(Dwarf_Die *die, Dwarf_Die *unit)
{
	struct source source = {0};
	Dwarf_Attribute attribute;
	Dwarf_Files *files;
	size_t n_files;
	Dwarf_Word value;

	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &value) == 0 &&
	    value < INT32_MAX)
		source.line = (int)value;
	if (dwarf_getsrcfiles(unit, &files, &n_files) == 0 &&
	    dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &value) == 0 &&
	    value < n_files)
		source.file = dwarf_filesrc(files, value, NULL, NULL);
	return source;
}

/* Returns where the function that all these are inlined in was at. */
static struct source add_inlined(Dwfl_Module *module, struct unwind_reply *reply, uint64_t at,
				 const struct unwind_frame *like, struct source source)
{
	Dwarf_Addr bias;
	Dwarf_Die *unit = dwfl_module_addrdie(module, at, &bias), *scope = NULL, *chain = NULL;
	int n = unit ? dwarf_getscopes(unit, at - bias, &scope) : 0;

	n = n > 0 ? dwarf_getscopes_die(&scope[0], &chain) : 0;
	for (int i = 0; i < n && dwarf_tag(&chain[i]) != DW_TAG_subprogram; i++) {
		struct unwind_frame *frame;

		if (dwarf_tag(&chain[i]) != DW_TAG_inlined_subroutine)
			continue;
		frame = add_frame(reply, like, inlined_name(&chain[i]), source);
		if (frame) {
			frame->inlined = true;
			frame->offset = 0;
		}
		source = call_source(&chain[i], unit);
	}
	free(scope);
	free(chain);
	return source;
}

static void fill_build_id(Dwfl_Module *module, struct unwind_frame *frame)
{
	const unsigned char *build_id;
	GElf_Addr address;
	int size = dwfl_module_build_id(module, &build_id, &address);

	if (size > 0 && size <= UNWIND_BUILD_ID_MAX) {
		memcpy(frame->build_id, build_id, (size_t)size);
		frame->build_id_size = (uint8_t)size;
	}
}

/* The nearest symbol in front is no answer if it ends before. */
static const char *symbol_at(Dwfl_Module *module, uint64_t at, GElf_Off *offset)
{
	GElf_Sym symbol;
	const char *name = dwfl_module_addrinfo(module, at, offset, &symbol, NULL, NULL, NULL);

	if (!name || !*name || *offset >= (symbol.st_size ? symbol.st_size : 4096))
		return NULL;
	return name;
}

static struct source source_at(Dwfl_Module *module, uint64_t at)
{
	struct source source = {0};
	Dwfl_Line *line = dwfl_module_getsrc(module, at);

	if (line)
		source.file = dwfl_lineinfo(line, NULL, &source.line, NULL, NULL, NULL);
	return source;
}

static uint32_t index_of(Dwfl_Module *module)
{
	void **data;

	dwfl_module_info(module, &data, NULL, NULL, NULL, NULL, NULL, NULL);
	return (uint32_t)(uintptr_t)*data - 1;
}

void unwind_names_add(Dwfl *dwfl, const struct unwind_place *place, struct unwind_reply *reply)
{
	uint64_t at = place->pc - place->after;
	Dwfl_Module *module = dwfl_addrmodule(dwfl, at);
	struct unwind_frame frame = {.pc = place->pc,
				     .module = module ? index_of(module) : UNWIND_NO_MODULE,
				     .times = place->times,
				     .offset = place->pc};
	const char *function = NULL;
	struct source source = {0};
	GElf_Off offset;
	GElf_Addr bias;

	if (module && dwfl_module_getelf(module, &bias)) {
		frame.offset = place->pc - bias;
		function = symbol_at(module, at, &offset);
		if (function)
			frame.offset = offset + place->after;
		fill_build_id(module, &frame);
		source = source_at(module, at);
		source = add_inlined(module, reply, at, &frame, source);
	}
	add_frame(reply, &frame, function, source);
}
