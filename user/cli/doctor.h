/* SPDX-License-Identifier: BSD-2-Clause */
/* `flightrec doctor`: what this kernel and these privileges allow. */
#ifndef FLIGHTREC_DOCTOR_H
#define FLIGHTREC_DOCTOR_H

/* Returns the status to exit with. */
int doctor(int argc, char **argv);

#endif /* FLIGHTREC_DOCTOR_H */
