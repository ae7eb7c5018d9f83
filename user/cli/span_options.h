/* SPDX-License-Identifier: BSD-2-Clause */
/* The spans of a command line: -s, and --pack, whose files are found here. */
#ifndef FLIGHTREC_SPAN_OPTIONS_H
#define FLIGHTREC_SPAN_OPTIONS_H

#include <stddef.h>

#include "cli/options.h"
#include "collector/span/span_set.h"

/*
 * Parses them all into @set. Returns 0; EXIT_USAGE or EXIT_FAILED, after printing one line that
 * says what is wrong. Free the set in either case.
 */
int span_options_load(const struct options *options, struct span_set *set);

/* Where packs are looked for, the last first. Returns 0; -ENOENT: there are no more folders. */
int span_options_folder(size_t which, char *path, size_t size);

/*
 * Finds the pack @name: a file, if it has a slash or a dot, else one of those that are installed
 * beside this command. Returns 0; or -ENOENT, with @path being where it should be.
 */
int span_options_find(const char *name, char *path, size_t size);

#endif /* FLIGHTREC_SPAN_OPTIONS_H */
