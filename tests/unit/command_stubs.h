/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests that link the table of commands, but none of what these do. */
#ifndef FLIGHTREC_COMMAND_STUBS_H
#define FLIGHTREC_COMMAND_STUBS_H

#include "cli/command.h"

int cmd_run(const struct options *options)
{
	(void)options;
	return 0;
}

int cmd_attach(const struct options *options)
{
	(void)options;
	return 0;
}

int cmd_doctor(const struct options *options)
{
	(void)options;
	return 0;
}

int cmd_help(const struct options *options)
{
	(void)options;
	return 0;
}

int cmd_completion(const struct options *options)
{
	(void)options;
	return 0;
}

#endif /* FLIGHTREC_COMMAND_STUBS_H */
