/* SPDX-License-Identifier: BSD-2-Clause */
/* Scripts that make a shell complete flightrec's command line, from the tables of commands and of
 * options. */
#ifndef FLIGHTREC_COMPLETION_H
#define FLIGHTREC_COMPLETION_H

#include <stdio.h>

/* "bash" and "zsh"; NULL: there are no more. */
const char *completion_shell(size_t index);
/* Writes the script of the shell of that name. Returns 0, or -EINVAL: there is none. */
int completion_print(FILE *to, const char *shell);

#endif /* FLIGHTREC_COMPLETION_H */
