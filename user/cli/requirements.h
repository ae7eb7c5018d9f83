/* SPDX-License-Identifier: BSD-2-Clause */
/* What this kernel and these privileges allow. Features are tested; versions are not compared. */
#ifndef FLIGHTREC_REQUIREMENTS_H
#define FLIGHTREC_REQUIREMENTS_H

#include <stdbool.h>
#include <stddef.h>

struct requirement {
	const char *name;
	/* Returns whether it is met. @detail: what was found and, if it is not met, what to do. */
	bool (*met)(char *detail, size_t size);
	bool needed; /* without it nothing can be watched */
};

extern const struct requirement requirements[];
extern const size_t n_requirements;

/* Returns true if everything needed is there; otherwise one line says what is missing. */
bool requirements_met(char *error, size_t size);

#endif /* FLIGHTREC_REQUIREMENTS_H */
