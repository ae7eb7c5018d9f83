/* SPDX-License-Identifier: BSD-2-Clause */
/* Completion scripts for shells, made from the tables of commands and options. */
#ifndef FLIGHTREC_COMPLETION_H
#define FLIGHTREC_COMPLETION_H

#include <stdio.h>

/* "bash", "zsh", then NULL. */
const char *completion_shell(size_t index);
/* Writes the script for a shell. Returns 0, or -EINVAL if that shell is not supported. */
int completion_print(FILE *to, const char *shell);

#endif /* FLIGHTREC_COMPLETION_H */
