/* SPDX-License-Identifier: BSD-2-Clause */
/* In the unwinding helper: what the place is called that a frame is in. */
#ifndef FLIGHTREC_UNWIND_NAMES_H
#define FLIGHTREC_UNWIND_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <elfutils/libdwfl.h>

#include "collector/unwind/unwind_protocol.h"

struct unwind_place {
	uint64_t pc;
	bool after; /* it is what a call returns to */
	uint32_t times;
};

/*
 * Appends the frames of a place, inlined ones first. The user data of each module of @dwfl is its
 * index, counted from 1.
 */
void unwind_names_add(Dwfl *dwfl, const struct unwind_place *place, struct unwind_reply *reply);

#endif /* FLIGHTREC_UNWIND_NAMES_H */
