/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FLIGHTREC_TEST_WORKER_H
#define FLIGHTREC_TEST_WORKER_H

/* Does one command, and leaves at @answer (of 512 bytes) what is to be said of it. */
void worker_do(char *line, char *answer);

#endif /* FLIGHTREC_TEST_WORKER_H */
