// SPDX-License-Identifier: BSD-2-Clause
#include "collector/unwind/unwind_demangle.h"

#include <dlfcn.h>
#include <stddef.h>

/* Loaded here alone: the command itself has nothing to do with C++. */
static char *(*demangle)(const char *name, char *buffer, size_t *size, int *status);

void unwind_demangle_prepare(void)
{
	void *library = dlopen("libstdc++.so.6", RTLD_NOW);

	if (library)
		*(void **)&demangle = dlsym(library, "__cxa_demangle");
}

char *unwind_demangle(const char *name)
{
	if (!demangle || name[0] != '_' || name[1] != 'Z')
		return NULL;
	return demangle(name, NULL, NULL, NULL);
}
