/* SPDX-License-Identifier: BSD-2-Clause */
/* `flightrec attach`: watches processes that run already. */
#ifndef FLIGHTREC_ATTACH_H
#define FLIGHTREC_ATTACH_H

#include "cli/options.h"

/* Returns the status to exit with. */
int attach_processes(const struct options *options);

#endif /* FLIGHTREC_ATTACH_H */
