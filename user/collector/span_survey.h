/* SPDX-License-Identifier: BSD-2-Clause */
/* Which spans are possible in a process. Attaches to nothing. */
#ifndef FLIGHTREC_SPAN_SURVEY_H
#define FLIGHTREC_SPAN_SURVEY_H

#include <stddef.h>
#include <sys/types.h>

#include "collector/span/span_set.h"

struct span_survey {
	/* Called for each probe of a file; @arguments: how many it has. */
	void (*probe)(void *arg, const char *path, const char *name, size_t arguments);
	/* Called for each file of a span; @problem: why it is not possible there, or NULL. */
	void (*span)(void *arg, const struct span *span, const char *path, const char *problem);
	void *arg;
};

/*
 * Looks at all files that process @pid maps. Returns 0; -ESRCH: there is none; -EACCES, -EPERM: it
 * may not be looked at; or another negative errno.
 */
int span_survey(pid_t pid, const struct span_set *set, const struct span_survey *survey);

#endif /* FLIGHTREC_SPAN_SURVEY_H */
