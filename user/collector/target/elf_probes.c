// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/elf_probes.h"

#include <errno.h>
#include <string.h>

#include "collector/target/elf_notes.h"
#include "flightrec.h"

#if defined(__x86_64__)
static const unsigned char nop[] = {0x90};
#elif defined(__aarch64__)
static const unsigned char nop[] = {0x1f, 0x20, 0x03, 0xd5};
#else
#error "this machine is not supported"
#endif

/* Each of these takes a read from the file. */
#define NOTES_MAX 256

#define ARGUMENTS_MAX 6

const char *const elf_probe_name[FLIGHTREC_PROBES] = {
	[FLIGHTREC_PROBE_BEGIN] = "begin",     [FLIGHTREC_PROBE_ENTRY] = "entry",
	[FLIGHTREC_PROBE_END] = "end",         [FLIGHTREC_PROBE_EXTEND] = "extend",
	[FLIGHTREC_PROBE_CONTEXT] = "context", [FLIGHTREC_PROBE_REPLAY] = "replay",
	[FLIGHTREC_PROBE_ARM] = "arm",         [FLIGHTREC_PROBE_LATE] = "late",
	[FLIGHTREC_PROBE_STRAY] = "stray",     [FLIGHTREC_PROBE_LEAVE] = "leave",
};

static const unsigned argument_count[FLIGHTREC_PROBES] = {
	[FLIGHTREC_PROBE_BEGIN] = 5,  [FLIGHTREC_PROBE_ENTRY] = 6,   [FLIGHTREC_PROBE_END] = 2,
	[FLIGHTREC_PROBE_EXTEND] = 3, [FLIGHTREC_PROBE_CONTEXT] = 4, [FLIGHTREC_PROBE_REPLAY] = 2,
	[FLIGHTREC_PROBE_ARM] = 2,    [FLIGHTREC_PROBE_LATE] = 3,    [FLIGHTREC_PROBE_STRAY] = 4,
	[FLIGHTREC_PROBE_LEAVE] = 3,
};

static const char *const reason_text[ELF_REASONS] = {
	[ELF_REASON_NONE] = "",
	[ELF_REASON_SIZE] = "it has more sections, or larger ones, than are looked at",
	[ELF_REASON_NOTES] = "it has too many notes of probes",
	[ELF_REASON_STATE] = "its semaphores do not lie as this version has them",
	[ELF_REASON_COPIES] = "it holds too many copies of the library",
	[ELF_REASON_ARGUMENTS] = "a probe's arguments are not those of this version",
	[ELF_REASON_SEMAPHORE] = "a probe's semaphore is not in the writable part of the file",
	[ELF_REASON_TWICE] = "a probe stands in it more than once",
	[ELF_REASON_NO_NOP] = "no probe's address leads to a nop",
	[ELF_REASON_UNKNOWN] = "it has no probe that this version knows",
	[ELF_REASON_DROPPED] = "a linker dropped some of its probes",
};

const char *elf_reason_text(enum elf_reason reason)
{
	return reason < ELF_REASONS ? reason_text[reason] : "";
}

static bool arguments_fit(enum flightrec_probe probe, const char *arguments)
{
	static const char *const reg[ARGUMENTS_MAX] = FLIGHTREC_PROBE_REGISTERS;
	static const char *const word[FLIGHTREC_PROBE_WORDS] = FLIGHTREC_PROBE_WORD_REGISTERS;
	bool words = probe == FLIGHTREC_PROBE_BEGIN || probe == FLIGHTREC_PROBE_ENTRY ||
		     probe == FLIGHTREC_PROBE_STRAY;
	unsigned count = argument_count[probe];
	unsigned i;

	for (i = 0; i < count + (words ? FLIGHTREC_PROBE_WORDS : 0); i++) {
		const char *expected = i < count ? reg[i] : word[i - count];
		size_t length = strlen(expected);

		if (i && *arguments++ != ' ')
			return false;
		if (strncmp(arguments, "8@", 2) != 0)
			return false;
		arguments += 2;
		if (strncmp(arguments, expected, length) != 0)
			return false;
		arguments += length;
	}
	return *arguments == 0;
}

static int unusable(struct elf_probes *out, enum elf_reason reason)
{
	out->reason = reason;
	return -EBADMSG;
}

/* Finds the copy whose state stands at @state, or makes it. */
static int copy_at(struct elf_probes *out, uint64_t state, struct elf_probes_copy **copy)
{
	uint64_t distance;
	size_t i;

	for (i = 0; i < out->copies; i++) {
		*copy = &out->copy[i];
		if ((*copy)->state == state)
			return 0;
		distance = (*copy)->state > state ? (*copy)->state - state : state - (*copy)->state;
		if (distance < sizeof(struct flightrec_state))
			return unusable(out, ELF_REASON_STATE);
	}
	if (out->copies == ELF_PROBES_COPIES_MAX)
		return unusable(out, ELF_REASON_COPIES);
	*copy = &out->copy[out->copies++];
	(*copy)->state = state;
	return 0;
}

/* A linker that drops a function leaves its note, with some address. There is no nop there. */
static bool is_nop(const struct elf_file *file, uint64_t address, uint64_t *offset)
{
	unsigned char code[sizeof(nop)];

	return elf_file_offset_of(file, address, sizeof(nop), PF_X, offset) &&
	       elf_file_read(file, code, sizeof(code), *offset) &&
	       memcmp(code, nop, sizeof(nop)) == 0;
}

/* Returns 0, even if the note is of no use; or -EBADMSG. */
static int add_note(const struct elf_file *file, const struct probe_note *note,
		    struct elf_probes *out)
{
	struct elf_probes_copy *copy;
	struct elf_probe found = {.address = note->address, .semaphore = note->semaphore};
	uint64_t state, offset;
	unsigned p;
	int err;

	for (p = 0; p < FLIGHTREC_PROBES && strcmp(note->name, elf_probe_name[p]) != 0; p++)
		;
	if (p == FLIGHTREC_PROBES)
		return 0; /* a later version's */
	if (!arguments_fit(p, note->arguments))
		return unusable(out, ELF_REASON_ARGUMENTS);
	if (!is_nop(file, note->address, &found.offset)) {
		out->skipped++;
		return 0;
	}
	state = note->semaphore - offsetof(struct flightrec_state, semaphore) -
		FLIGHTREC_SEMAPHORE(p) * sizeof(uint16_t);
	if (!elf_file_offset_of(file, note->semaphore, sizeof(uint16_t), PF_W,
				&found.ref_ctr_offset) ||
	    !elf_file_offset_of(file, state, sizeof(struct flightrec_state), PF_W, &offset))
		return unusable(out, ELF_REASON_SEMAPHORE);
	err = copy_at(out, state, &copy);
	if (err)
		return err;
	if (copy->present & 1u << p) {
		if (copy->probe[p].address == note->address)
			return 0;
		return unusable(out, ELF_REASON_TWICE);
	}
	copy->present |= 1u << p;
	copy->probe[p] = found;
	return 0;
}

/* What is found, and where to look. */
struct search {
	struct elf_file *file;
	size_t notes; /* of our provider */
	struct elf_probes *out;
};

static int look_at_note(void *arg, const struct probe_note *note)
{
	struct search *search = arg;

	if (strcmp(note->provider, "flightrec") != 0)
		return 0;
	if (++search->notes > NOTES_MAX)
		return unusable(search->out, ELF_REASON_NOTES);
	return add_note(search->file, note, search->out);
}

static int look_for_notes(struct search *search)
{
	int err = elf_notes_each(search->file, look_at_note, search);

	if (err)
		return err;
	return search->notes ? 0 : -ENOENT;
}

int elf_probes_find(int fd, struct elf_probes *out)
{
	struct elf_file file;
	struct search search = {.file = &file, .out = out};
	int err;

	memset(out, 0, sizeof(*out));
	err = elf_file_open(&file, fd);
	if (!err) {
		err = look_for_notes(&search);
		elf_file_close(&file);
	}
	if (err == -EFBIG)
		err = unusable(out, ELF_REASON_SIZE);
	else if (!err && out->copies == 0)
		err = unusable(out, out->skipped ? ELF_REASON_NO_NOP : ELF_REASON_UNKNOWN);
	else if (!err && out->skipped)
		out->reason = ELF_REASON_DROPPED;
	if (err)
		out->copies = 0;
	return err;
}
