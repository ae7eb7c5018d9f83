/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the shared library usually is. */
#ifndef FLIGHTREC_USUAL_FILES_H
#define FLIGHTREC_USUAL_FILES_H

/*
 * Passes each path to @fn: beside this command, in LD_LIBRARY_PATH, and where systems keep
 * libraries. There may be no file, and two paths may lead to the same one.
 */
void usual_files_each(void (*fn)(void *arg, const char *path), void *arg);

#endif /* FLIGHTREC_USUAL_FILES_H */
