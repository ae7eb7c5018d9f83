/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the shared library usually lies. */
#ifndef FLIGHTREC_USUAL_FILES_H
#define FLIGHTREC_USUAL_FILES_H

/*
 * Passes each path to @fn: beside this command, in LD_LIBRARY_PATH, where systems have libraries.
 * Nothing need be there, and two may be the same file.
 */
void usual_files_each(void (*fn)(void *arg, const char *path), void *arg);

#endif /* FLIGHTREC_USUAL_FILES_H */
