/* SPDX-License-Identifier: BSD-2-Clause */
/* All kinds of sinks. */
#ifndef FLIGHTREC_SINKS_H
#define FLIGHTREC_SINKS_H

#include "collector/sink/sink.h"

/* Finds "file". Returns NULL if there is none of that name. */
const struct sink_ops *sink_find(const char *name);

#endif /* FLIGHTREC_SINKS_H */
