/* SPDX-License-Identifier: BSD-2-Clause */
/* The same work in each way of recording: a recorder, or what comes nearest to it. */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include <stdbool.h>
#include <stdint.h>

struct way {
	const char *name;
	/* Once, before any work; NULL: nothing. */
	void (*open)(void);
	/* Opens and closes @n recorders, each with @entries entries of two arguments. */
	void (*work)(uint64_t n, unsigned int entries);
	/* Whether it can be watched with flightrec's probes, wanted or not. */
	bool probes;
};

/* Ends with a NULL name. Which ones depends on what the program is linked with. */
extern const struct way ways[];

/* The second argument of an entry. Not const: compilers must not know it. */
extern const char *work_key;

#endif /* BENCH_WORK_H */
