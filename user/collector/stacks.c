// SPDX-License-Identifier: BSD-2-Clause
/* No unit test: it only hides the annotator, and tests/e2e/cases/where.sh goes through it. */
#include "collector/stacks.h"

#include "collector/where/annotator.h"

/* A struct stacks is a struct annotator, which those above need not know. */
static struct annotator *annotator_of(struct stacks *stacks)
{
	return (struct annotator *)stacks;
}

struct stacks *stacks_open(void (*emit)(void *arg, const struct report *report), void *arg)
{
	const struct annotator_options options = {.emit = emit, .arg = arg};
	struct annotator *annotator;
	char error[512];

	return annotator_new(&annotator, &options, error, sizeof(error))
		       ? NULL
		       : (struct stacks *)annotator;
}

void stacks_add(struct stacks *stacks, const struct report *report)
{
	annotator_add(annotator_of(stacks), report);
}

void stacks_finish(struct stacks *stacks)
{
	annotator_finish(annotator_of(stacks), UINT64_MAX);
}

void stacks_close(struct stacks *stacks)
{
	annotator_free(annotator_of(stacks));
}
