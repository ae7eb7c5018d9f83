// SPDX-License-Identifier: BSD-2-Clause
#include "collector/span/span_events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/base/nearest.h"
#include "collector/span/syscall_names.h"

#define EVENT_MAX 512

static const char *const prefixes[] = {
	[SPAN_USDT] = "usdt:", [SPAN_UPROBE] = "uprobe:", [SPAN_SYSCALL] = "syscall:"};
static const char *const forms[] = {
	[SPAN_USDT] = "usdt:LIBRARY:PROVIDER:NAME",
	[SPAN_UPROBE] = "uprobe:LIBRARY:FUNCTION",
	[SPAN_SYSCALL] = "syscall:NAME[,NAME...]",
};
#define KINDS (sizeof(prefixes) / sizeof(prefixes[0]))

static bool has_prefix(const struct span_token *token, const char *prefix)
{
	size_t length = strlen(prefix);

	return token->kind == SPAN_TOKEN_WORD && token->size >= length &&
	       memcmp(token->text, prefix, length) == 0;
}

bool span_event_begins(const struct span_token *token)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (has_prefix(token, prefixes[i]))
			return true;
	}
	return false;
}

/* The next part of an event, up to a colon or to the end; NULL: it is empty. */
static char *take_part(char **at, bool last)
{
	char *part = *at, *colon = last ? NULL : strchr(part, ':');

	if (!last && !colon)
		return NULL;
	if (colon)
		*colon = '\0';
	*at = colon ? colon + 1 : part + strlen(part);
	return *part ? strdup(part) : NULL;
}

static int unknown_syscall(struct span_parser *p, const char *name)
{
	struct nearest search = {.word = name};

	for (size_t i = 0; i < n_syscall_names; i++)
		nearest_try(&search, syscall_names[i].name);
	if (!search.best)
		return span_parser_fail(p, &p->token, "no system call is called '%.40s'", name);
	return span_parser_fail(p, &p->token,
				"no system call is called '%.40s'; did you mean '%s'?", name,
				search.best);
}

static int parse_syscalls(struct span_parser *p, struct span_event *event, char *names)
{
	char *rest = NULL;

	for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		int number = syscall_number(name);

		if (number < 0)
			return unknown_syscall(p, name);
		if (event->n_syscalls == SPAN_SYSCALLS_MAX)
			return span_parser_fail(p, &p->token, "more than %d system calls",
						SPAN_SYSCALLS_MAX);
		event->syscall[event->n_syscalls++] = number;
	}
	return event->n_syscalls ? 0 : span_parser_expected(p, forms[SPAN_SYSCALL]);
}

int span_event_parse(struct span_parser *p, struct span_event *event)
{
	static const char *const words[] = {"usdt:", "uprobe:", "syscall:", NULL};
	char text[EVENT_MAX], *at;
	size_t kind = 0;

	while (kind < KINDS && !has_prefix(&p->token, prefixes[kind]))
		kind++;
	if (kind == KINDS)
		return span_parser_meant(p, "usdt:..., uprobe:... or syscall:...", words);
	if (p->token.size >= sizeof(text))
		return span_parser_fail(p, &p->token, "this event is too long");
	memcpy(text, p->token.text, p->token.size);
	text[p->token.size] = '\0';
	at = text + strlen(prefixes[kind]);
	event->kind = (enum span_kind)kind;
	event->source = strdup(text);
	if (!event->source)
		return -ENOMEM;
	if (kind == SPAN_SYSCALL) {
		int err = parse_syscalls(p, event, at);

		if (err)
			return err;
	} else {
		event->library = take_part(&at, false);
		if (kind == SPAN_USDT)
			event->provider = event->library ? take_part(&at, false) : NULL;
		event->name = take_part(&at, true);
		if (!event->library || !event->name || (kind == SPAN_USDT && !event->provider))
			return span_parser_expected(p, forms[kind]);
	}
	span_parser_take(p);
	return 0;
}

static int parse_value(struct span_parser *p, struct span_condition *condition)
{
	char text[SPAN_PREFIX_MAX + 1], *end;
	int length;

	condition->is_string = p->token.kind == SPAN_TOKEN_STRING;
	if (condition->is_string) {
		if (condition->op != SPAN_EQUAL && condition->op != SPAN_UNEQUAL)
			return span_parser_fail(p, &p->token, "a string is compared with == or !=");
		length = span_token_unquote(&p->token, text, sizeof(text));
		if (length <= 0)
			return span_parser_fail(p, &p->token,
						"expected a string of 1 to %d characters",
						SPAN_PREFIX_MAX);
		condition->length = (uint8_t)length;
		memcpy(condition->string, text, (size_t)length);
		span_parser_take(p);
		return 0;
	}
	if (p->token.kind != SPAN_TOKEN_WORD || p->token.size >= sizeof(text))
		return span_parser_expected(p, "a number or a string");
	memcpy(text, p->token.text, p->token.size);
	text[p->token.size] = '\0';
	errno = 0;
	condition->number = strtoll(text, &end, 0);
	if (*end || errno)
		return span_parser_expected(p, "a number or a string");
	span_parser_take(p);
	return 0;
}

static int parse_condition(struct span_parser *p, struct span_condition *condition)
{
	static const struct {
		const char *text;
		enum span_operator op;
	} operators[] = {{"==", SPAN_EQUAL},      {"!=", SPAN_UNEQUAL}, {"<", SPAN_LESS},
			 {"<=", SPAN_LESS_EQUAL}, {">", SPAN_GREATER},  {">=", SPAN_GREATER_EQUAL}};
	size_t i = 0;
	int err = span_parser_argument(p, &condition->arg);

	if (err)
		return err;
	while (i < 6 && !span_token_is(&p->token, operators[i].text))
		i++;
	if (i == 6)
		return span_parser_expected(p, "==, !=, <, <=, > or >=");
	condition->op = operators[i].op;
	span_parser_take(p);
	return parse_value(p, condition);
}

int span_event_options(struct span_parser *p, struct span_event *event)
{
	int err = 0;

	if (span_token_is(&p->token, "return")) {
		if (event->kind != SPAN_UPROBE || event->role != SPAN_BEGIN)
			return span_parser_fail(p, &p->token,
						"return= is for a function that begins a span");
		span_parser_take(p);
		if (!span_token_is(&p->token, "="))
			return span_parser_expected(p, "return=hijack");
		span_parser_take(p);
		if (!span_token_is(&p->token, "hijack"))
			return span_parser_expected(p, "hijack");
		span_parser_take(p);
		event->hijack = true;
	}
	if (span_token_is(&p->token, "if")) {
		span_parser_take(p);
		err = parse_condition(p, &event->condition);
	}
	if (!err && p->token.kind == SPAN_TOKEN_STRING)
		err = span_parser_format(p, &event->format);
	return err;
}

/* ---- a span as a whole ---- */

static size_t count_role(const struct span *span, enum span_role role, enum span_kind *kind)
{
	size_t n = 0;

	for (size_t i = 0; i < span->n_events; i++) {
		if (span->event[i].role != role)
			continue;
		*kind = span->event[i].kind;
		n++;
	}
	return n;
}

/* What a system call is told by ends when it returns: it is nothing else. */
static int check_syscalls(struct span_parser *p, const struct span_token *at,
			  const struct span *span)
{
	for (size_t i = 0; i < span->n_events; i++) {
		if (span->event[i].kind == SPAN_SYSCALL &&
		    (span->event[i].role != SPAN_BEGIN || span->has_end || span->by_arg >= 0))
			return span_parser_fail(p, at,
						"a system call can begin a span of a thread, which "
						"ends when it returns, and nothing else");
	}
	return 0;
}

int span_event_check(struct span_parser *p, const struct span_token *at, struct span *span)
{
	enum span_kind begin = SPAN_USDT, end;

	span->has_end = count_role(span, SPAN_END, &end) > 0;
	if (!count_role(span, SPAN_BEGIN, &begin))
		return span_parser_fail(p, at, "nothing begins span %s", span->name);
	if (!span->has_end && begin == SPAN_USDT)
		return span_parser_fail(p, at, "nothing ends span %s", span->name);
	for (size_t i = 0; i < span->n_events; i++) {
		const struct span_event *event = &span->event[i];

		if (event->role == SPAN_BEGIN && !span->has_end && event->kind != begin)
			return span_parser_fail(p, at,
						"span %s is begun by a function or by a "
						"system call, not by both",
						span->name);
		if (event->hijack && span->has_end)
			return span_parser_fail(p, at,
						"span %s has an end: return=hijack is for "
						"one without",
						span->name);
	}
	return check_syscalls(p, at, span);
}
