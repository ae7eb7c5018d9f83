/* SPDX-License-Identifier: BSD-2-Clause */
/* A program without the library, until it loads a plugin. Commands are some of worker.c's. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *plugin;

static int load(const char *path)
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

int main(void)
{
	char line[4096];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "plugin ", 7) == 0) {
			printf("ok %d\n", load(line + 7));
		} else if (strncmp(line, "plugin_extend ", 14) == 0) {
			((void (*)(uint64_t))dlsym(plugin, "plugin_extend"))(
				strtoull(line + 14, NULL, 10) * 1000000);
			puts("ok");
		} else {
			puts("ok what?");
		}
		fflush(stdout);
	}
	return 0;
}
