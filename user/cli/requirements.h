/* SPDX-License-Identifier: BSD-2-Clause */
/* What this kernel and these privileges allow. Features are probed; versions are not asked. */
#ifndef FLIGHTREC_REQUIREMENTS_H
#define FLIGHTREC_REQUIREMENTS_H

#include <stdbool.h>
#include <stddef.h>

struct requirement {
	const char *name;
	/* Returns whether it is met; @detail: what was found, and if not, what to do. */
	bool (*met)(char *detail, size_t size);
	bool needed; /* without it nothing can be watched */
};

extern const struct requirement requirements[];
extern const size_t n_requirements;

/* Returns true if all that is needed is there; else one line that says what is missing. */
bool requirements_met(char *error, size_t size);

#endif /* FLIGHTREC_REQUIREMENTS_H */
