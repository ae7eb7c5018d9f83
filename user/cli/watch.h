/* SPDX-License-Identifier: BSD-2-Clause */
/* `flightrec run` and `flightrec attach`. */
#ifndef FLIGHTREC_WATCH_H
#define FLIGHTREC_WATCH_H

#include "cli/options.h"

/* Return the status to exit with. */
int watch_run(const struct options *options);
int watch_attach(const struct options *options);

#endif /* FLIGHTREC_WATCH_H */
