/* SPDX-License-Identifier: BSD-2-Clause */
/* A program without the library, until it loads a plugin. Commands are some of worker.c's. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin_loading.h"

int main(void)
{
	char line[4096];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "plugin ", 7) == 0) {
			printf("ok %d\n", load_plugin(line + 7));
		} else if (strncmp(line, "plugin_extend ", 14) == 0) {
			plugin_extend(strtoull(line + 14, NULL, 10) * 1000000);
			puts("ok");
		} else {
			puts("ok what?");
		}
		fflush(stdout);
	}
	return 0;
}
