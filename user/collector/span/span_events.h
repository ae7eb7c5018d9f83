/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of the parser that knows events. */
#ifndef FLIGHTREC_SPAN_EVENTS_H
#define FLIGHTREC_SPAN_EVENTS_H

#include "collector/span/span_parser.h"

/* Whether it is meant to be an event. */
bool span_event_begins(const struct span_token *token);

/* Take an event; and what may follow it. They return 0, -EINVAL or -ENOMEM. */
int span_event_parse(struct span_parser *parser, struct span_event *event);
int span_event_options(struct span_parser *parser, struct span_event *event);

/* Whether the events of a span go together. @at is where it begins. */
int span_event_check(struct span_parser *parser, const struct span_token *at, struct span *span);

#endif /* FLIGHTREC_SPAN_EVENTS_H */
