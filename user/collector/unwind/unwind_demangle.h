/* SPDX-License-Identifier: BSD-2-Clause */
/* In the unwinding helper: C++ names as they are written, by whatever C++ library there is. */
#ifndef FLIGHTREC_UNWIND_DEMANGLE_H
#define FLIGHTREC_UNWIND_DEMANGLE_H

/* Loads the library, while that is still possible. */
void unwind_demangle_prepare(void);

/* Returns what free() takes; or NULL: it is not such a name, or there is no library. */
char *unwind_demangle(const char *name);

#endif /* FLIGHTREC_UNWIND_DEMANGLE_H */
