// SPDX-License-Identifier: BSD-2-Clause
#include "collector/sink/sinks.h"

#include <string.h>

#include "collector/sink/file_sink.h"

static const struct sink_ops *const sinks[] = {&file_sink};

const struct sink_ops *sink_find(const char *name)
{
	for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++) {
		if (strcmp(sinks[i]->name, name) == 0)
			return sinks[i];
	}
	return NULL;
}
