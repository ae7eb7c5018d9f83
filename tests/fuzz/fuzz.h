/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a fuzz target is: one file, fuzz_NAME.c, that defines fuzz_one() and says in fuzz_bounds
 * what an input may cost. driver.c measures each run, ends the process where a bound is passed,
 * and tells libFuzzer of each input that costs more for its size than those before: it is led
 * to the worst ones, which it would not find by looking for new code alone.
 */
#ifndef FLIGHTREC_FUZZ_H
#define FLIGHTREC_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* So much for any input, and so much more for each byte of it. */
struct fuzz_bound {
	uint64_t any;
	uint64_t byte;
};

struct fuzz_bounds {
	struct fuzz_bound cpu_ns;    /* with sanitizers: several times what users pay */
	struct fuzz_bound allocated; /* bytes, whether freed again or not */
	struct fuzz_bound taken;     /* bytes read by pread() or counted by fuzz_take() */
};

extern const struct fuzz_bounds fuzz_bounds;

/* One run. What is wrong must end the process: fuzz_check() or a sanitizer. */
void fuzz_one(const uint8_t *data, size_t size);

/* Calls fuzz_seed() for each input to begin with. */
void fuzz_seeds(void);
void fuzz_seed(const char *name, const void *data, size_t size);

/* Counts bytes that the code under test took from what is not its own. */
void fuzz_take(size_t size);

#define fuzz_check(condition)                                                                      \
	((condition) ? (void)0 : fuzz_failed("not so: " #condition, __FILE__, __LINE__))
_Noreturn void fuzz_failed(const char *what, const char *file, int line);

/* The first bytes of an input, by which it chooses among variants of a run; 0 behind its end. */
static inline uint8_t fuzz_byte(const uint8_t **data, size_t *size)
{
	uint8_t byte = *size ? **data : 0;

	*data += *size > 0;
	*size -= *size > 0;
	return byte;
}

#endif /* FLIGHTREC_FUZZ_H */
