// SPDX-License-Identifier: BSD-2-Clause
#include "lib/pack.h"

#include <stdbool.h>
#include <string.h>
#include <wchar.h>

#include "flightrec/probes.h"
#include "format/conversion.h"

/*
 * Packing must be fast and must never fail halfway, so the format is parsed once per call site, not
 * once per call. What the parser finds out is kept in the site as a *plan*: which arguments there
 * are, of which kind, and how much of each string may be read ("%.3s", "%.*s"). Packing then walks
 * the plan, takes each argument off the va_list, and copies it.
 *
 * Room is handled up front. Word 1 of the plan says how large the entry is if all its strings are
 * empty. If that much fits, the numbers need no checks, and the strings share what is left over,
 * first come, first served. If it does not fit, the last arguments are left out.
 *
 * Three things make it less simple than it sounds. The limit of a string may be an int argument
 * that comes after it ("%1$.*2$s"); with such a plan all ints are read first. A format without a
 * call site, or whose plan is too long for one, gets a plan on the stack for each call. And several
 * threads may pass a new site at the same time: one of them claims it and writes the plan, while
 * the others pack by plans of their own.
 *
 * A plan is made of 16-bit words. Word 0 has the number of arguments, and flags; word 1 the size
 * of an entry whose strings are all empty. Then there is a word for each argument: its kind and,
 * for a string, how many bytes of it may be read:
 *
 *	LIMIT_NONE		no limit
 *	LIMIT_ARG | index	the value of that int argument; if negative, no limit
 *	LIMIT_BOTH | index	the same, or the number in the next word if that is greater
 *	anything else		that number
 */
#define PLAN_N 0x7fu
#define PLAN_ERRNO 0x80u
#define PLAN_AHEAD 0x100u /* the limit of some string comes after the string */
#define PLAN_WORDS 2      /* before the first argument's */
#define PLAN_WORDS_MAX (PLAN_WORDS + 2 * FORMAT_ARGS_MAX + 1)

#define KIND_BITS 3
#define KIND_MASK 7u
#define LIMIT_NONE 0x1fffu
#define LIMIT_ARG 0x1000u
#define LIMIT_BOTH 0x1800u
#define LIMIT_INDEX 0x3fu
/* More than an entry holds, so as a limit it is as good as any greater number. */
#define LIMIT_NUMBER_MAX 0x7ffu

_Static_assert(FLIGHTREC_ENTRY_MAX < LIMIT_NUMBER_MAX, "no entry reaches the greatest limit");
_Static_assert(FORMAT_ARGS_MAX - 1 <= LIMIT_INDEX && FORMAT_ARGS_MAX <= PLAN_N, "indices fit");
_Static_assert(FORMAT_WIDE_STRING <= KIND_MASK, "kinds fit");
_Static_assert(sizeof(wchar_t) == 4, "wide characters are UTF-32");

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static unsigned int fixed_size(unsigned int kind)
{
	/* For a string, its length. */
	static const unsigned char size[KIND_MASK + 1] = {
		[FORMAT_INT32] = 4,        [FORMAT_INT64] = 8,  [FORMAT_DOUBLE] = 8,
		[FORMAT_LONG_DOUBLE] = 16, [FORMAT_STRING] = 2, [FORMAT_WIDE_STRING] = 2,
	};

	return size[kind];
}

/* Writes a plan as words. Returns how many. */
static size_t encode_plan(const struct format_plan *plan, uint16_t *words)
{
	unsigned int head = plan->n, minimum = 0;
	size_t n = PLAN_WORDS;

	if (plan->has_errno) {
		head |= PLAN_ERRNO;
		minimum = sizeof(int32_t);
	}
	for (unsigned int i = 0; i < plan->n; i++) {
		const struct format_arg *arg = &plan->arg[i];
		uint32_t limit = arg->limit;

		minimum += fixed_size(arg->kind);
		if (limit != FORMAT_UNLIMITED && limit > LIMIT_NUMBER_MAX)
			limit = LIMIT_NUMBER_MAX;
		if (arg->kind < FORMAT_STRING) {
			words[n++] = arg->kind;
			continue;
		}
		if (arg->limit_arg == FORMAT_NO_ARG) {
			if (limit == FORMAT_UNLIMITED)
				limit = LIMIT_NONE;
			words[n++] = (uint16_t)(arg->kind | limit << KIND_BITS);
			continue;
		}
		if (arg->limit_arg > i)
			head |= PLAN_AHEAD;
		if (limit) {
			words[n++] =
				(uint16_t)(arg->kind | (LIMIT_BOTH | arg->limit_arg) << KIND_BITS);
			words[n++] = (uint16_t)limit;
		} else {
			words[n++] =
				(uint16_t)(arg->kind | (LIMIT_ARG | arg->limit_arg) << KIND_BITS);
		}
	}
	words[0] = (uint16_t)head;
	words[1] = (uint16_t)minimum;
	words[n] = 0; /* so that each word has a next one */
	return n;
}

/* A string's limit, by its word and, if that needs one, the word at @next. */
static size_t string_limit(unsigned int word, const uint16_t *next, const int32_t *ints)
{
	unsigned int limit = word >> KIND_BITS;
	size_t number;

	if (likely(limit == LIMIT_NONE))
		return SIZE_MAX;
	if (!(limit & LIMIT_ARG))
		return limit;
	if (ints[limit & LIMIT_INDEX] < 0)
		return SIZE_MAX;
	number = (size_t)ints[limit & LIMIT_INDEX];
	if ((limit & LIMIT_BOTH) == LIMIT_BOTH && number < *next)
		number = *next;
	return number;
}

static bool has_two_words(unsigned int word)
{
	unsigned int limit = word >> KIND_BITS;

	return (word & KIND_MASK) >= FORMAT_STRING && limit != LIMIT_NONE &&
	       (limit & LIMIT_BOTH) == LIMIT_BOTH;
}

static void put_word(unsigned char *at, size_t word)
{
	uint16_t packed = (uint16_t)word;

	memcpy(at, &packed, sizeof(packed));
}

/* Packs a string: 2 bytes for its length, which always fit, and up to @room bytes of it. */
static inline unsigned char *pack_string(unsigned char *at, const char *string, size_t limit,
					 size_t room, uint32_t *how)
{
	size_t size;

	if (unlikely(!string)) {
		put_word(at, FLIGHTREC_STRING_NULL);
		return at + 2;
	}
	size = strnlen(string, limit < room ? limit : room);
	if (unlikely(size == room && room < limit && string[room])) {
		size = format_whole_characters(string, size);
		put_word(at, size | FLIGHTREC_STRING_CUT);
		*how |= FLIGHTREC_HOW_CUT;
	} else {
		put_word(at, size);
	}
	memcpy(at + 2, string, size);
	return at + 2 + size;
}

/* The same for a wide string. Nothing is read beyond the limit. */
static __attribute__((noinline)) unsigned char *pack_wide(unsigned char *at, const wchar_t *string,
							  size_t limit, size_t room, uint32_t *how)
{
	size_t size = 0, word;

	if (!string) {
		put_word(at, FLIGHTREC_STRING_NULL);
		return at + 2;
	}
	word = 0;
	while (size < limit && *string) {
		char utf8[4];
		size_t n = format_utf8((uint32_t)*string++, utf8);

		if (n > limit - size)
			break;
		if (n > room - size) {
			word = FLIGHTREC_STRING_CUT;
			*how |= FLIGHTREC_HOW_CUT;
			break;
		}
		memcpy(at + 2 + size, utf8, n);
		size += n;
	}
	put_word(at, word | size);
	return at + 2 + size;
}

/* How many arguments fit, with all strings empty. */
static unsigned int count_fitting(const uint16_t *words, size_t capacity)
{
	unsigned int n = words[0] & PLAN_N, i;

	words += PLAN_WORDS;
	for (i = 0; i < n; i++) {
		unsigned int size = fixed_size(*words & KIND_MASK);

		if (size > capacity)
			break;
		capacity -= size;
		words += has_two_words(*words) ? 2 : 1;
	}
	return i;
}

/* Reads all ints ahead of time, since a string needs one that comes after it. @args stays put. */
static void read_ints(const uint16_t *words, int32_t *ints, va_list args)
{
	unsigned int n = words[0] & PLAN_N;
	va_list ahead;

	va_copy(ahead, args);
	words += PLAN_WORDS;
	for (unsigned int i = 0; i < n; i++) {
		switch (*words & KIND_MASK) {
		case FORMAT_INT32:
			ints[i] = va_arg(ahead, int32_t);
			break;
		case FORMAT_INT64:
			(void)va_arg(ahead, int64_t);
			break;
		case FORMAT_DOUBLE:
			(void)va_arg(ahead, double);
			break;
		case FORMAT_LONG_DOUBLE:
			(void)va_arg(ahead, long double);
			break;
		default:
			(void)va_arg(ahead, const void *);
			break;
		}
		words += has_two_words(*words) ? 2 : 1;
	}
	va_end(ahead);
}

static void pack_long_double(unsigned char *at, long double value)
{
#if defined(__x86_64__)
	/* Only 10 of its 16 bytes are defined. */
	memset(at, 0, 16);
	memcpy(at, &value, 10);
#else
	memcpy(at, &value, sizeof(value));
#endif
}

/* Where arguments go. */
struct room {
	unsigned char *at;
	size_t spare; /* what the strings may share: the rest is set aside, and needs no checks */
};

/* Packs the first @n arguments; returns the end of them. */
static inline unsigned char *pack_values(const uint16_t *words, unsigned int n, struct room room,
					 uint32_t *how, va_list args)
{
	int32_t ints[FORMAT_ARGS_MAX];
	unsigned char *at = room.at;

	if (unlikely(words[0] & PLAN_AHEAD))
		read_ints(words, ints, args);
	words += PLAN_WORDS;
	for (unsigned int i = 0; i < n; i++) {
		unsigned int word = *words++;
		unsigned char *start = at;
		const void *string;
		size_t limit;
		double real;
		int64_t wide;

		switch (word & KIND_MASK) {
		case FORMAT_INT32:
			ints[i] = va_arg(args, int32_t);
			memcpy(at, &ints[i], 4);
			at += 4;
			break;
		case FORMAT_INT64:
			wide = va_arg(args, int64_t);
			memcpy(at, &wide, 8);
			at += 8;
			break;
		case FORMAT_DOUBLE:
			real = va_arg(args, double);
			memcpy(at, &real, 8);
			at += 8;
			break;
		case FORMAT_LONG_DOUBLE:
			pack_long_double(at, va_arg(args, long double));
			at += 16;
			break;
		default:
			string = va_arg(args, const void *);
			limit = SIZE_MAX;
			if (word >> KIND_BITS != LIMIT_NONE) {
				limit = string_limit(word, words, ints);
				words += has_two_words(word);
			}
			if (likely((word & KIND_MASK) == FORMAT_STRING))
				at = pack_string(at, string, limit, room.spare, how);
			else
				at = pack_wide(at, string, limit, room.spare, how);
			room.spare -= (size_t)(at - start) - 2;
			break;
		}
	}
	return at;
}

static size_t pack_by_plan(const uint16_t *words, struct pack_source *source, unsigned char *data,
			   size_t capacity, va_list args)
{
	size_t errno_size = unlikely(words[0] & PLAN_ERRNO) ? sizeof(int32_t) : 0;
	unsigned int n = words[0] & PLAN_N;
	struct room room;

	if (capacity > FLIGHTREC_ENTRY_MAX)
		capacity = FLIGHTREC_ENTRY_MAX;
	room.at = data + errno_size;
	room.spare = capacity - words[1];
	if (unlikely(capacity < words[1])) {
		source->how |= FLIGHTREC_HOW_CUT;
		if (capacity < errno_size)
			return 0;
		n = count_fitting(words, capacity - errno_size);
		room.spare = 0;
	}
	if (unlikely(errno_size)) {
		int32_t value = source->saved_errno;

		memcpy(data, &value, sizeof(value));
	}
	return (size_t)(pack_values(words, n, room, &source->how, args) - data);
}

/* The BPF program that reads these strings cannot fault pages in, so that is done here, once. */
static void touch(const char *string)
{
	const volatile char *at = string;

	while (at && *at)
		at++;
}

/* Makes the plan of the call site, caches it if it can, and packs by it. */
static __attribute__((noinline, cold)) size_t
pack_uncached(struct pack_source *source, unsigned char *data, size_t capacity, va_list args)
{
	struct flightrec_site *site = source->site;
	uint32_t state = PACK_NONE, outcome = PACK_REFUSED;
	uint16_t words[PLAN_WORDS_MAX];
	struct format_plan plan;
	size_t n = 0;

	if (format_plan(source->format, strlen(source->format), &plan) == FORMAT_OK) {
		n = encode_plan(&plan, words);
		outcome = n > FLIGHTREC_PLAN_MAX_ ? PACK_TOO_LONG : PACK_READY;
	}
	if (__atomic_load_n(&site->plan_state_, __ATOMIC_RELAXED) == PACK_NONE) {
		touch(site->file);
		touch(site->function);
	}
	/* Claimed late: if a thread dies while it holds the claim, the site stays slow. */
	if (__atomic_compare_exchange_n(&site->plan_state_, &state, PACK_BUILDING, false,
					__ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		if (outcome == PACK_READY)
			memcpy(site->plan_, words, n * sizeof(words[0]));
		__atomic_store_n(&site->plan_state_, outcome, __ATOMIC_RELEASE);
	}
	if (outcome == PACK_REFUSED) {
		source->how |= FLIGHTREC_HOW_REFUSED;
		return 0;
	}
	return pack_by_plan(words, source, data, capacity, args);
}

size_t pack_entry(struct pack_source *source, unsigned char *data, size_t capacity, va_list args)
{
	uint32_t state = __atomic_load_n(&source->site->plan_state_, __ATOMIC_ACQUIRE);

	if (likely(state == PACK_READY))
		return pack_by_plan(source->site->plan_, source, data, capacity, args);
	if (state == PACK_REFUSED) {
		source->how |= FLIGHTREC_HOW_REFUSED;
		return 0;
	}
	return pack_uncached(source, data, capacity, args);
}

/*
 * How much of @format to keep in @room bytes: as much as ends between two conversions. If that part
 * alone does not tell all arguments (positions are missing), only what comes before the first one.
 */
static size_t cut_format(const char *format, size_t room, struct format_plan *plan)
{
	struct format_conversion conversion;
	struct format_parser parser;
	enum format_result result;
	size_t without = 0, size;
	bool has_args = false;

	format_begin(&parser, format, room);
	while ((result = format_next(&parser, &conversion)) == FORMAT_OK) {
		if (conversion.arg != FORMAT_NO_ARG || conversion.width_arg != FORMAT_NO_ARG ||
		    conversion.precision_arg != FORMAT_NO_ARG)
			has_args = true;
		if (!has_args)
			without = (size_t)(parser.at - format);
	}
	if (result == FORMAT_END)
		size = format_whole_characters(format, room);
	else if (result == FORMAT_TRUNCATED)
		size = (size_t)(parser.at - format);
	else
		return room;
	return format_plan(format, size, plan) == FORMAT_GAP ? without : size;
}

size_t pack_inline(struct pack_source *source, unsigned char *data, size_t capacity, va_list args)
{
	uint16_t words[PLAN_WORDS_MAX];
	struct format_plan plan;
	size_t room, size;

	source->how |= FLIGHTREC_HOW_INLINE;
	if (capacity < 2) {
		source->how |= FLIGHTREC_HOW_CUT;
		return 0;
	}
	if (capacity > FLIGHTREC_ENTRY_MAX)
		capacity = FLIGHTREC_ENTRY_MAX;
	room = capacity - 2;
	if (room > FLIGHTREC_INLINE_FORMAT_MAX)
		room = FLIGHTREC_INLINE_FORMAT_MAX;
	size = strnlen(source->format, room + 1);
	if (size > room) {
		size = cut_format(source->format, room, &plan);
		put_word(data, size | FLIGHTREC_STRING_CUT);
		source->how |= FLIGHTREC_HOW_CUT;
	} else {
		put_word(data, size);
	}
	memcpy(data + 2, source->format, size);
	size += 2;
	if (format_plan(source->format, size - 2, &plan) != FORMAT_OK) {
		source->how |= FLIGHTREC_HOW_REFUSED;
		return size;
	}
	(void)encode_plan(&plan, words);
	return size + pack_by_plan(words, source, data + size, capacity - size, args);
}
