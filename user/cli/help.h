/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages of help, made from the tables of commands and options. */
#ifndef FLIGHTREC_HELP_H
#define FLIGHTREC_HELP_H

#include <stdio.h>

struct command;

/* The page about all commands. */
void help_overview(FILE *to);
/* The page of one command. */
void help_page(FILE *to, const struct command *command);

#endif /* FLIGHTREC_HELP_H */
