/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of a watch that is under way, in lines for people. */
#ifndef FLIGHTREC_STATE_H
#define FLIGHTREC_STATE_H

#include <stdint.h>
#include <stdio.h>

struct session;

/* What is watched, which recorders are open, and what was seen and lost so far. */
void state_print(FILE *to, struct session *session);

#endif /* FLIGHTREC_STATE_H */
