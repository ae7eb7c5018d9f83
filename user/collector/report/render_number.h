/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as printf writes them, whatever bits they are and whatever width and precision is asked
 * for. */
#ifndef FLIGHTREC_COLLECTOR_RENDER_NUMBER_H
#define FLIGHTREC_COLLECTOR_RENDER_NUMBER_H

#include <stdint.h>

#include "collector/report/render_out.h"

/* Conversions d b B o u x X and p, of an integer that was extended from its own length. */
void render_integer(struct render_out *out, const struct render_spec *spec, uint64_t number);

/*
 * Conversions f F e E g G a A, of the double or long double at @data.
 *
 * libc works through all bits of a number however few digits it shows, and a long double of 1e4932
 * keeps it busy for 10 us. Each number is charged to out->work with the bits of its exponent; once
 * they are used up, the output is cut. RENDER_WORK is enough for a message full of doubles.
 */
#define RENDER_WORK (512 * 1024)
void render_real(struct render_out *out, const struct render_spec *spec, const unsigned char *data);

#endif /* FLIGHTREC_COLLECTOR_RENDER_NUMBER_H */
