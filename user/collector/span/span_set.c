// SPDX-License-Identifier: BSD-2-Clause
#include "collector/span/span_set.h"

#include <stdlib.h>
#include <string.h>

#include "collector/span/span_parser.h"

static void free_event(struct span_event *event)
{
	free(event->source);
	free(event->library);
	free(event->provider);
	free(event->name);
	free(event->format.text);
	free(event->reason);
}

void span_free(struct span *span)
{
	for (size_t i = 0; i < span->n_events; i++)
		free_event(&span->event[i]);
	free(span->event);
	free(span->name);
	free(span->format.text);
	*span = (struct span){0};
}

void span_set_free(struct span_set *set)
{
	for (size_t i = 0; i < set->n_spans; i++)
		span_free(&set->span[i]);
	free(set->span);
	*set = (struct span_set){0};
}

const struct span_event *span_set_event(const struct span_set *set, size_t number,
					const struct span **span)
{
	for (size_t i = 0; i < set->n_spans; i++) {
		const struct span *s = &set->span[i];

		if (number < s->first_number || number - s->first_number >= s->n_events)
			continue;
		*span = s;
		return &s->event[number - s->first_number];
	}
	return NULL;
}
