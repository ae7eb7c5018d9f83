// SPDX-License-Identifier: BSD-2-Clause
/* The grammar is in span_set.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/base/array.h"
#include "collector/base/units.h"
#include "collector/span/span_events.h"

static int parse_timeout(struct span_parser *p, struct span *span)
{
	char text[32];

	if (p->token.kind != SPAN_TOKEN_WORD || p->token.size >= sizeof(text))
		return span_parser_expected(p, "a timeout, such as 250ms or 2s");
	snprintf(text, sizeof(text), "%.*s", (int)p->token.size, p->token.text);
	if (parse_duration(text, &span->timeout_ns))
		return span_parser_expected(p, "a timeout, such as 250ms or 2s");
	span_parser_take(p);
	return 0;
}

static int parse_by(struct span_parser *p, struct span *span)
{
	uint8_t number;
	int err;

	span->by_arg = SPAN_BY_THREAD;
	if (!span_token_is(&p->token, "by"))
		return 0;
	span_parser_take(p);
	err = span_parser_argument(p, &number);
	span->by_arg = number;
	return err;
}

static struct span_event *add_event(struct span_parser *p, struct span *span, enum span_role role)
{
	struct span_event *event;

	if (p->set->n_events + span->n_events >= SPAN_EVENTS_MAX) {
		span_parser_fail(p, &p->token, "more than %d events", SPAN_EVENTS_MAX);
		return NULL;
	}
	if (array_reserve(span->event, span->events_room, span->n_events + 1))
		return NULL;
	event = &span->event[span->n_events++];
	*event =
		(struct span_event){.role = role, .line = p->token.line, .column = p->token.column};
	return event;
}

/* EVENT TIMEOUT ... */
static int parse_line(struct span_parser *p, struct span *span)
{
	const struct span_token at = p->token;
	struct span_event *event = add_event(p, span, SPAN_BEGIN);
	int err;

	if (!event)
		return p->error->line ? -EINVAL : -ENOMEM;
	err = span_event_parse(p, event);
	if (err)
		return err;
	if (event->kind == SPAN_USDT)
		return span_parser_fail(p, &at,
					"a probe needs another one that ends it: "
					"span NAME TIMEOUT { begin usdt:... end usdt:... }");
	span->name = strndup(event->kind == SPAN_UPROBE ? event->name
							: event->source + strlen("syscall:"),
			     SPAN_NAME_MAX);
	if (!span->name)
		return -ENOMEM;
	err = parse_timeout(p, span);
	err = err ? err : parse_by(p, span);
	return err ? err : span_event_options(p, event);
}

static int parse_clause(struct span_parser *p, struct span *span)
{
	static const char *const words[] = {"name", "begin", "end", "log", "require", "}", NULL};
	static const enum span_role roles[] = {SPAN_BEGIN, SPAN_BEGIN, SPAN_END, SPAN_LOG,
					       SPAN_REQUIRE};
	struct span_event *event;
	size_t which = 0;
	int err;

	while (words[which] && !span_token_is(&p->token, words[which]))
		which++;
	if (which >= 5)
		return span_parser_meant(p, "name, begin, end, log, require or }", words);
	if (which == 0 && span->format.text)
		return span_parser_fail(p, &p->token, "a second name");
	span_parser_take(p);
	if (which == 0)
		return span_parser_format(p, &span->format);
	event = add_event(p, span, roles[which]);
	if (!event)
		return p->error->line ? -EINVAL : -ENOMEM;
	err = span_event_parse(p, event);
	if (err)
		return err;
	if (event->role != SPAN_REQUIRE)
		return span_event_options(p, event);
	if (!span_token_is(&p->token, "or"))
		return 0;
	span_parser_take(p);
	return span_parser_text(p, &event->reason);
}

/* "span" NAME TIMEOUT [by ARG] { ... } */
static int parse_block(struct span_parser *p, struct span *span)
{
	int err;

	span_parser_take(p);
	if (p->token.kind != SPAN_TOKEN_WORD || p->token.size > SPAN_NAME_MAX)
		return span_parser_expected(p, "the span's name");
	span->name = strndup(p->token.text, p->token.size);
	if (!span->name)
		return -ENOMEM;
	span_parser_take(p);
	err = parse_timeout(p, span);
	err = err ? err : parse_by(p, span);
	if (err)
		return err;
	if (!span_token_is(&p->token, "{"))
		return span_parser_expected(p, "{");
	span_parser_take(p);
	while (!span_token_is(&p->token, "}")) {
		err = parse_clause(p, span);
		if (err)
			return err;
	}
	span_parser_take(p);
	return 0;
}

static int parse_statement(struct span_parser *p)
{
	static const char *const words[] = {"span", "usdt:", "uprobe:", "syscall:", NULL};
	const struct span_token at = p->token;
	struct span *span;
	int err;

	if (p->set->n_spans == SPANS_MAX)
		return span_parser_fail(p, &at, "more than %d spans", SPANS_MAX);
	if (array_reserve(p->set->span, p->set->room, p->set->n_spans + 1))
		return -ENOMEM;
	span = &p->set->span[p->set->n_spans++];
	*span = (struct span){.first_number = p->set->n_events + 1};
	if (span_token_is(&p->token, "span"))
		err = parse_block(p, span);
	else if (span_event_begins(&p->token))
		err = parse_line(p, span);
	else
		return span_parser_meant(p, "a span or an event", words);
	err = err ? err : span_event_check(p, &at, span);
	p->set->n_events += span->n_events;
	return err;
}

int span_set_parse(struct span_set *set, const char *text, size_t size, struct span_error *error)
{
	struct span_parser parser = {.set = set, .error = error};
	size_t before = set->n_spans, events = set->n_events;
	int err = 0;

	*error = (struct span_error){0};
	span_lexer_begin(&parser.lexer, text, size);
	span_parser_take(&parser);
	if (size > SPAN_TEXT_MAX)
		err = span_parser_fail(&parser, &parser.token, "longer than %d bytes",
				       SPAN_TEXT_MAX);
	else if (parser.token.kind == SPAN_TOKEN_END)
		err = span_parser_fail(&parser, &parser.token, "no span in it");
	while (!err && parser.token.kind != SPAN_TOKEN_END)
		err = parse_statement(&parser);
	if (!err)
		return 0;
	while (set->n_spans > before)
		span_free(&set->span[--set->n_spans]);
	set->n_events = events;
	return err;
}
