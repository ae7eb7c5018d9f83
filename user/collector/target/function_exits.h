/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instructions by which a function is left: its returns, and those of whatever it jumps to in
 * place of returning itself. The code is hostile: how much of it is looked at is bounded.
 */
#ifndef FLIGHTREC_FUNCTION_EXITS_H
#define FLIGHTREC_FUNCTION_EXITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/target/elf_file.h"
#include "collector/target/elf_frames.h"

#define FUNCTION_EXITS_MAX 256

struct function_exits {
	uint64_t address[FUNCTION_EXITS_MAX]; /* as linked */
	size_t count;
	size_t parts;     /* of code that were looked at */
	bool unknown;     /* there are others than these */
	char problem[96]; /* why */
};

/*
 * Finds the exits of @function.
 * Returns 0; or -ENOTSUP, with the problem: there are unknown ones, as it jumps to where nothing is
 * known, or too many; or there are none.
 */
int function_exits_find(const struct elf_file *file, const struct elf_frames *frames,
			const struct elf_frame *function, struct function_exits *exits);

#endif /* FLIGHTREC_FUNCTION_EXITS_H */
