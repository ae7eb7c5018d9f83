/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers of recorders, from 1 in each process. All copies of the library in a process share
 * them, even if one is loaded after another was unloaded. Async-signal-safe.
 */
#ifndef FLIGHTREC_LIB_NUMBERS_H
#define FLIGHTREC_LIB_NUMBERS_H

#include <stdint.h>

/* The counter to increment; NULL: there is none. In a child of fork() it begins at 0 again. */
uint64_t *numbers_find(void);

#endif /* FLIGHTREC_LIB_NUMBERS_H */
