/* SPDX-License-Identifier: BSD-2-Clause */
/* `flightrec run`: starts a command and watches it and its children. */
#ifndef FLIGHTREC_RUN_H
#define FLIGHTREC_RUN_H

#include "cli/options.h"

/* Returns the status to exit with. */
int run_command(const struct options *options);

#endif /* FLIGHTREC_RUN_H */
