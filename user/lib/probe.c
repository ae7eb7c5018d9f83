// SPDX-License-Identifier: BSD-2-Clause
#include "lib/probe.h"

#include <string.h>

/*
 * A USDT note as <sys/sdt.h> would make it (for the format see SystemTap's page
 * "UserSpaceProbeImplementation"), with two differences. The semaphore is a member of
 * flightrec_state_. And the arguments are pinned to the registers of the calling convention, so a
 * BPF program reads them from its context for free, while bpf_usdt_arg() looks each up in a map.
 *
 * The section is retained ("R"), since gold would discard a section that only notes refer to.
 * _.stapsdt.base is not hidden: hidden symbols of the static library become local, and a program
 * with probes of its own would then have two of them.
 *
 * The probe site is a plain nop of one byte. Newer kernels replace one of 5 bytes by a call, which
 * can overwrite the red zone below the stack pointer; older ones single-step it.
 */
#define PROBE_ASM(name, semaphore_offset, arguments)                                               \
	"990:	nop\n"                                                                               \
	"	.pushsection .note.stapsdt,\"\",\"note\"\n"                                              \
	"	.balign 4\n"                                                                             \
	"	.4byte 992f-991f, 994f-993f, 3\n"                                                        \
	"991:	.asciz \"stapsdt\"\n"                                                                \
	"992:	.balign 4\n"                                                                         \
	"993:	.8byte 990b\n"                                                                       \
	"	.8byte _.stapsdt.base\n"                                                                 \
	"	.8byte flightrec_state_+" semaphore_offset "\n"                                    \
	"	.asciz \"flightrec\"\n"                                                                  \
	"	.asciz \"" name "\"\n"                                                             \
	"	.asciz \"" arguments "\"\n"                                                        \
	"994:	.balign 4\n"                                                                         \
	"	.popsection\n"                                                                           \
	".ifndef _.stapsdt.base\n"                                                                 \
	"	.pushsection .stapsdt.base,\"aGR\",\"progbits\",.stapsdt.base,comdat\n"                  \
	"	.weak _.stapsdt.base\n"                                                                  \
	"_.stapsdt.base:\n"                                                                        \
	"	.space 1\n"                                                                              \
	"	.size _.stapsdt.base, 1\n"                                                               \
	"	.popsection\n"                                                                           \
	".endif\n"

/* Offsets of the semaphores as text for the assembler, checked against the struct below. */
#define SEMAPHORE_BEGIN "24"
#define SEMAPHORE_ENTRY "26"
#define SEMAPHORE_END "28"
#define SEMAPHORE_EXTEND "30"
#define SEMAPHORE_CONTEXT "32"
#define SEMAPHORE_REPLAY "34"
#define SEMAPHORE_ARM "36"
_Static_assert(offsetof(struct flightrec_state, semaphore[FLIGHTREC_PROBE_BEGIN]) == 24, "");
_Static_assert(offsetof(struct flightrec_state, semaphore[FLIGHTREC_PROBE_ENTRY]) == 26, "");
_Static_assert(offsetof(struct flightrec_state, semaphore[FLIGHTREC_PROBE_END]) == 28, "");
_Static_assert(offsetof(struct flightrec_state, semaphore[FLIGHTREC_PROBE_EXTEND]) == 30, "");
_Static_assert(offsetof(struct flightrec_state, semaphore[FLIGHTREC_PROBE_CONTEXT]) == 32, "");
_Static_assert(offsetof(struct flightrec_state, semaphore[FLIGHTREC_PROBE_REPLAY]) == 34, "");
_Static_assert(offsetof(struct flightrec_state, semaphore[FLIGHTREC_PROBE_ARM]) == 36, "");
_Static_assert(FLIGHTREC_KEEPS_LOG == FLIGHTREC_PROBE_ENTRY + FLIGHTREC_KEEPS_, "");
_Static_assert(FLIGHTREC_PROBE_ARM == FLIGHTREC_PROBE_ENTRY + FLIGHTREC_ARMED_, "");

#if defined(__x86_64__)
#define ARGUMENTS_2 "8@%%rdi 8@%%rsi"
#define ARGUMENTS_3 ARGUMENTS_2 " 8@%%rdx"
#define ARGUMENTS_4 ARGUMENTS_3 " 8@%%rcx"
#define ARGUMENTS_5 ARGUMENTS_4 " 8@%%r8"
#define ARGUMENTS_6 ARGUMENTS_5 " 8@%%r9"
#define R0 "rdi"
#define R1 "rsi"
#define R2 "rdx"
#define R3 "rcx"
#define R4 "r8"
#define R5 "r9"
#define WORDS " 8@%%r10 8@%%r11 8@%%rax 8@%%rbx 8@%%r12"
#define W0 "r10"
#define W1 "r11"
#define W2 "rax"
#define W3 "rbx"
#define W4 "r12"
#elif defined(__aarch64__)
#define ARGUMENTS_2 "8@x0 8@x1"
#define ARGUMENTS_3 ARGUMENTS_2 " 8@x2"
#define ARGUMENTS_4 ARGUMENTS_3 " 8@x3"
#define ARGUMENTS_5 ARGUMENTS_4 " 8@x4"
#define ARGUMENTS_6 ARGUMENTS_5 " 8@x5"
#define R0 "x0"
#define R1 "x1"
#define R2 "x2"
#define R3 "x3"
#define R4 "x4"
#define R5 "x5"
#define WORDS " 8@x6 8@x7 8@x8 8@x9 8@x10"
#define W0 "x6"
#define W1 "x7"
#define W2 "x8"
#define W3 "x9"
#define W4 "x10"
#else
#error "flightrec: not ported to this architecture"
#endif

/*
 * All probes are in one section, so that a linker that collects garbage keeps all of them, with
 * their notes, or none. The compiler must not clone or inline them: a watcher puts its breakpoint
 * only where the note says.
 */
#if defined(__clang__)
#define PROBE __attribute__((noinline, section(".text.flightrec_probes")))
#else
#define PROBE __attribute__((noipa, section(".text.flightrec_probes")))
#endif

#define PIN(number, value) register uint64_t r##number asm(R##number) = (uint64_t)(value)
/* Loaded before anything is pinned: without optimization, word() is a call and uses registers. */
#define LOAD_WORDS(from)                                                                           \
	uint64_t v0 = word(from, 0), v1 = word(from, 1), v2 = word(from, 2), v3 = word(from, 3),   \
		 v4 = word(from, 4)
#define PIN_WORDS                                                                                  \
	register uint64_t w0 asm(W0) = v0;                                                         \
	register uint64_t w1 asm(W1) = v1;                                                         \
	register uint64_t w2 asm(W2) = v2;                                                         \
	register uint64_t w3 asm(W3) = v3;                                                         \
	register uint64_t w4 asm(W4) = v4
#define PINNED_WORDS "r"(w0), "r"(w1), "r"(w2), "r"(w3), "r"(w4)

static inline uint64_t word(const void *from, size_t number)
{
	uint64_t word;

	memcpy(&word, (const char *)from + number * sizeof(word), sizeof(word));
	return word;
}

/* The state, padded to a whole page. flightrec_state_ is its beginning. */
__attribute__((section(".probes"), used, aligned(STATE_PAGE_BYTES))) struct state_page {
	struct flightrec_state state;
	unsigned char rest[STATE_PAGE_BYTES - sizeof(struct flightrec_state)];
} flightrec_state_page_ = {
	.state =
		{
			.magic = FLIGHTREC_STATE_MAGIC,
			.version = FLIGHTREC_STATE_VERSION,
			.size = sizeof(struct flightrec_state),
		},
};
extern __attribute__((alias("flightrec_state_page_"))) struct flightrec_state flightrec_state_;

__attribute__((visibility("default"))) const volatile uint16_t *const flightrec_watch_ =
	&flightrec_state_.semaphore[FLIGHTREC_PROBE_ENTRY];

PROBE void probe_begin(const flightrec *rec, uint64_t id, uint64_t timeout_ns, const char *name,
		       uint64_t parent_id)
{
	LOAD_WORDS(name);
	PIN(0, rec);
	PIN(1, id);
	PIN(2, timeout_ns);
	PIN(3, name);
	PIN(4, parent_id);
	PIN_WORDS;
	asm volatile(PROBE_ASM("begin", SEMAPHORE_BEGIN, ARGUMENTS_5 WORDS)
		     :
		     : "r"(r0), "r"(r1), "r"(r2), "r"(r3), "r"(r4), PINNED_WORDS
		     : "memory");
}

PROBE void probe_entry(const struct probe_entry *entry)
{
	struct probe_entry e = *entry; /* pinning the arguments overwrites the pointer to it */

	LOAD_WORDS(e.data);
	PIN(0, e.rec);
	PIN(1, e.id);
	PIN(2, e.site);
	PIN(3, e.how);
	PIN(4, e.data);
	PIN(5, e.size);
	PIN_WORDS;
	asm volatile(PROBE_ASM("entry", SEMAPHORE_ENTRY, ARGUMENTS_6 WORDS)
		     :
		     : "r"(r0), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5), PINNED_WORDS
		     : "memory");
}

PROBE void probe_end(const flightrec *rec, uint64_t id)
{
	PIN(0, rec);
	PIN(1, id);
	asm volatile(PROBE_ASM("end", SEMAPHORE_END, ARGUMENTS_2) : : "r"(r0), "r"(r1) : "memory");
}

PROBE void probe_extend(const flightrec *rec, uint64_t id, uint64_t timeout_ns)
{
	PIN(0, rec);
	PIN(1, id);
	PIN(2, timeout_ns);
	asm volatile(PROBE_ASM("extend", SEMAPHORE_EXTEND, ARGUMENTS_3)
		     :
		     : "r"(r0), "r"(r1), "r"(r2)
		     : "memory");
}

PROBE void probe_context(const flightrec *rec, uint64_t id, const void *data, uint64_t size)
{
	PIN(0, rec);
	PIN(1, id);
	PIN(2, data);
	PIN(3, size);
	asm volatile(PROBE_ASM("context", SEMAPHORE_CONTEXT, ARGUMENTS_4)
		     :
		     : "r"(r0), "r"(r1), "r"(r2), "r"(r3)
		     : "memory");
}

PROBE void probe_replay(const flightrec *rec, uint64_t id)
{
	PIN(0, rec);
	PIN(1, id);
	asm volatile(PROBE_ASM("replay", SEMAPHORE_REPLAY, ARGUMENTS_2)
		     :
		     : "r"(r0), "r"(r1)
		     : "memory");
}

PROBE void probe_arm(const struct memory_header *memory, uint64_t timeout_ns)
{
	PIN(0, memory);
	PIN(1, timeout_ns);
	asm volatile(PROBE_ASM("arm", SEMAPHORE_ARM, ARGUMENTS_2) : : "r"(r0), "r"(r1) : "memory");
}

PROBE void probe_late(const struct memory_header *memory, uint64_t slot, uint64_t id)
{
	PIN(0, memory);
	PIN(1, slot);
	PIN(2, id);
	asm volatile(PROBE_ASM("late", SEMAPHORE_ARM, ARGUMENTS_3)
		     :
		     : "r"(r0), "r"(r1), "r"(r2)
		     : "memory");
}

PROBE void probe_stray(const struct flightrec_site *site, uint64_t how, const void *data,
		       uint64_t size)
{
	LOAD_WORDS(data);
	PIN(0, site);
	PIN(1, how);
	PIN(2, data);
	PIN(3, size);
	PIN_WORDS;
	asm volatile(PROBE_ASM("stray", SEMAPHORE_ARM, ARGUMENTS_4 WORDS)
		     :
		     : "r"(r0), "r"(r1), "r"(r2), "r"(r3), PINNED_WORDS
		     : "memory");
}

PROBE void probe_leave(const struct memory_header *memory, uint64_t opened, uint64_t entries)
{
	PIN(0, memory);
	PIN(1, opened);
	PIN(2, entries);
	asm volatile(PROBE_ASM("leave", SEMAPHORE_ARM, ARGUMENTS_3)
		     :
		     : "r"(r0), "r"(r1), "r"(r2)
		     : "memory");
}
