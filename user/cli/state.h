/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of a watch in progress, printed as messages. */
#ifndef FLIGHTREC_STATE_H
#define FLIGHTREC_STATE_H

struct session;

/* Prints what is watched, which recorders are open, and what was seen and lost so far. */
void state_tell(struct session *session);

#endif /* FLIGHTREC_STATE_H */
