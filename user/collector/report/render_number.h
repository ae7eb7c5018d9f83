/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes numbers as printf does, whatever their bits, and whatever width and precision are asked
 * for.
 */
#ifndef FLIGHTREC_COLLECTOR_RENDER_NUMBER_H
#define FLIGHTREC_COLLECTOR_RENDER_NUMBER_H

#include <stdint.h>

#include "collector/report/render_out.h"

/* Conversions d b B o u x X and p. @number was extended from its own length. */
void render_integer(struct render_out *out, const struct render_spec *spec, uint64_t number);

/*
 * Conversions f F e E g G a A. @data is a double or long double.
 *
 * libc works through all bits of a number however few digits it shows: a long double near 1e4932
 * takes it 10 us. So the bits of each number's exponent are charged to out->work, and when that is
 * used up the output is cut. RENDER_WORK is enough for a message full of doubles.
 */
#define RENDER_WORK (512 * 1024)
void render_real(struct render_out *out, const struct render_spec *spec, const unsigned char *data);

#endif /* FLIGHTREC_COLLECTOR_RENDER_NUMBER_H */
