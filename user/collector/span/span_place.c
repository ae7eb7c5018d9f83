// SPDX-License-Identifier: BSD-2-Clause
#include "collector/span/span_place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

_Static_assert(SPAN_ARGS_MAX == FR_SPAN_OPERANDS, "of an entry");
_Static_assert(SPAN_PREFIX_MAX == FR_SPAN_PREFIX_MAX, "of a comparison");
_Static_assert(SPAN_EVENTS_MAX < FR_SPAN_SITES, "numbers of events");
_Static_assert((int)SPAN_EQUAL == COMPARE_EQUAL, "operators");
_Static_assert((int)SPAN_GREATER_EQUAL == COMPARE_GREATER_EQUAL, "operators");

struct making {
	const struct span_event *event;
	const struct span_note *note;
	struct span_problem *problem;
};

static int find_operand(const struct making *m, unsigned int number, struct span_operand *to)
{
	int err;

	if (m->event->kind == SPAN_USDT)
		err = span_operand_of_note(m->note, number, to);
	else if (m->event->kind == SPAN_UPROBE)
		err = span_operand_of_function(number, to);
	else
		err = span_operand_of_syscall(number, to);
	if (err)
		snprintf(m->problem->text, sizeof(m->problem->text), "%.100s: arg%u %s",
			 m->event->source, number,
			 err == -ENOENT ? "does not exist" : "is where it cannot be read");
	return err ? -ENOTSUP : 0;
}

static int make_format(const struct making *m, const struct span_format *format,
		       struct span_operand *to, size_t room)
{
	for (size_t i = 0; format->text && i < format->plan.n; i++) {
		const struct format_arg *arg = &format->plan.arg[i];
		int err;

		if (i == room) {
			snprintf(m->problem->text, sizeof(m->problem->text),
				 "a name has %zu arguments at most", room);
			return -ENOTSUP;
		}
		err = find_operand(m, format->arg[i], &to[i]);
		if (err)
			return err;
		to[i].packed = arg->kind == FORMAT_STRING  ? OPERAND_STRING
			       : arg->kind == FORMAT_INT64 ? OPERAND_INT64
							   : OPERAND_INT32;
		/* One of "%.*s" is cut when it is shown. */
		to[i].limit = FR_SPAN_STRING_MAX;
		if (arg->limit_arg == FORMAT_NO_ARG && arg->limit < FR_SPAN_STRING_MAX)
			to[i].limit = (uint16_t)arg->limit;
	}
	return 0;
}

static int make_test(const struct making *m, struct span_test *test)
{
	const struct span_condition *condition = &m->event->condition;

	test->compare = condition->op;
	if (condition->op == SPAN_ALWAYS)
		return 0;
	test->length = condition->is_string ? condition->length : 0;
	test->number = condition->number;
	memcpy(test->string, condition->string, sizeof(test->string));
	return find_operand(m, condition->arg, &test->operand);
}

static uint32_t flags_of(const struct span *span, const struct span_event *event)
{
	uint32_t flags = span->format.text && event->role == SPAN_BEGIN ? FR_SPAN_NAMED : 0;

	if (span->by_arg == SPAN_BY_THREAD)
		flags |= FR_SPAN_OF_THREAD;

	if (event->kind == SPAN_SYSCALL)
		return flags | FR_SPAN_SYSCALL;
	if (event->kind != SPAN_UPROBE || span->has_end || event->role != SPAN_BEGIN)
		return flags;
	return flags | FR_SPAN_FRAME | (event->hijack ? FR_SPAN_HIJACKED : 0);
}

int span_place_make(const struct span_set *set, size_t number, const struct span_note *note,
		    struct span_place *place, struct span_problem *problem)
{
	static const uint32_t actions[] = {
		[SPAN_BEGIN] = SPAN_OPENS, [SPAN_END] = SPAN_CLOSES, [SPAN_LOG] = SPAN_LOGS};
	const struct span *span;
	const struct span_event *event = span_set_event(set, number, &span);
	const struct making m = {event, note, problem};
	int err = 0;

	*place = (struct span_place){.span = (uint32_t)(span - set->span) + 1,
				     .site = (uint32_t)number,
				     .action = actions[event->role],
				     .flags = flags_of(span, event),
				     .timeout_ns = span->timeout_ns,
				     .operands = event->format.text ? event->format.plan.n : 0,
				     .has_entry = event->format.text != NULL};
	if (span->by_arg != SPAN_BY_THREAD)
		err = find_operand(&m, (unsigned int)span->by_arg, &place->key);
	err = err ? err : make_test(&m, &place->test);
	err = err ? err : make_format(&m, &event->format, place->operand, FR_SPAN_OPERANDS);
	if (err || event->role != SPAN_BEGIN)
		return err;
	place->name_operands = span->format.text ? span->format.plan.n : 0;
	return make_format(&m, &span->format, place->name, FR_SPAN_NAME_OPERANDS);
}

void span_place_end(const struct span_place *begin, bool hijacked, struct span_place *end)
{
	*end = (struct span_place){.span = begin->span,
				   .site = begin->site,
				   .action = SPAN_CLOSES,
				   .flags = begin->flags | (hijacked ? FR_SPAN_RETURNED : 0)};
}
