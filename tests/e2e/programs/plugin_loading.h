/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading plugin.c's library into a program, starting it, and having it do what it can. */
#ifndef PLUGIN_LOADING_H
#define PLUGIN_LOADING_H

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

struct flightrec;

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

static inline void plugin_extend(uint64_t timeout_ns)
{
	((void (*)(uint64_t))dlsym(plugin, "plugin_extend"))(timeout_ns);
}

static inline void call_plugin(const char *name)
{
	((void (*)(void))dlsym(plugin, name))();
}

static inline void call_plugin_for(const char *name, struct flightrec *rec)
{
	((void (*)(struct flightrec *))dlsym(plugin, name))(rec);
}

/* FLIGHTREC_ARMED_ of <flightrec.h>, which not everything that includes this is built with. */
#define PLUGIN_ARMED 5

/* Whether somebody watches the copy of the library that it uses. */
static inline int plugin_watched(void)
{
	const volatile uint16_t *const *watch = dlsym(plugin, "flightrec_watch_");

	return (*watch)[0] != 0 || (*watch)[PLUGIN_ARMED] != 0;
}

#endif /* PLUGIN_LOADING_H */
