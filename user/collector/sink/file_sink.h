/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes reports to a file, a terminal or a pipe, in any form: see report_writer.h. */
#ifndef FLIGHTREC_FILE_SINK_H
#define FLIGHTREC_FILE_SINK_H

#include "collector/sink/sink.h"

extern const struct sink_ops file_sink;

#endif /* FLIGHTREC_FILE_SINK_H */
