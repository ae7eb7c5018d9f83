/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that has one plugin more than once, each in a namespace of its own. Commands, each
 * answered with "ok" or "ok VALUE":
 *
 *	load FILE	one more of it, which opens a recorder "plugin"; answers how many there are
 *	extend N MS	its recorder, of the Nth (from 0)
 *	watched N	whether the Nth sees that it is watched
 *	hide N		puts a copy of the page in which it would see that over that page
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST 4
#define ARMED 5 /* FLIGHTREC_ARMED_ of <flightrec.h> */

static void *loaded[MOST];
static int count;

static volatile uint16_t *watch_of(int n)
{
	volatile uint16_t **watch = dlsym(loaded[n], "flightrec_watch_");

	return *watch;
}

static int load(const char *path)
{
	void *plugin = count < MOST ? dlmopen(LM_ID_NEWLM, path, RTLD_NOW) : NULL;

	if (!plugin) {
		fprintf(stderr, "%s\n", dlerror());
		return -1;
	}
	((void (*)(void))dlsym(plugin, "plugin_start"))();
	loaded[count++] = plugin;
	return count;
}

static int hide(int n)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t at = (uintptr_t)watch_of(n) & ~(size - 1);
	void *copy = malloc(size), *page;

	if (!copy)
		return -1;
	memcpy(copy, (void *)at, size);
	page = mmap((void *)at, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (page != MAP_FAILED) {
		memcpy(page, copy, size);
		watch_of(n)[0] = 0;
		watch_of(n)[ARMED] = 0;
	}
	free(copy);
	return page == MAP_FAILED ? -1 : 0;
}

int main(void)
{
	char line[4096], path[4096];
	int n, ms;

	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "load %4095s", path) == 1) {
			printf("ok %d\n", load(path));
		} else if (sscanf(line, "extend %d %d", &n, &ms) == 2 && n < count) {
			((void (*)(uint64_t))dlsym(loaded[n], "plugin_extend"))((uint64_t)ms *
										1000000);
			puts("ok");
		} else if (sscanf(line, "watched %d", &n) == 1 && n < count) {
			printf("ok %d\n", watch_of(n)[0] || watch_of(n)[ARMED]);
		} else if (sscanf(line, "hide %d", &n) == 1 && n < count) {
			printf("ok %d\n", hide(n));
		} else {
			puts("what?");
		}
		fflush(stdout);
	}
	return 0;
}
