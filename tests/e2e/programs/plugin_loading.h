/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading plugin.c's library into a program, and starting it. */
#ifndef PLUGIN_LOADING_H
#define PLUGIN_LOADING_H

#include <dlfcn.h>
#include <stdio.h>

/* The handle of the plugin that is loaded, or NULL. */
static void *plugin;

/* Returns 0, or -1 after saying why. */
static int load_plugin(const char *path)
{
	void (*start)(void);

	plugin = dlopen(path, RTLD_NOW);
	if (!plugin) {
		fprintf(stderr, "%s\n", dlerror());
		return -1;
	}
	start = (void (*)(void))dlsym(plugin, "plugin_start");
	start();
	return 0;
}

#endif /* PLUGIN_LOADING_H */
