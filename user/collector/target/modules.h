/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs and libraries in a process's memory, each from its first mapping to its last. */
#ifndef FLIGHTREC_MODULES_H
#define FLIGHTREC_MODULES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Beyond that many they are left out. */
#define MODULES_MAX 4096

struct module {
	uint64_t start;
	uint64_t end;
	/* A mapping of it, to open the file by. */
	uint64_t mapping_start;
	uint64_t mapping_end;
	uint64_t mapping_offset;
	uint64_t inode;
	unsigned major;
	unsigned minor;
	char *path; /* without " (deleted)" */
	int deleted;
};

struct modules {
	struct module *module; /* by address */
	size_t n;
	size_t room;
	uint64_t vdso_start; /* 0: none */
	uint64_t vdso_end;
	uint64_t hash;      /* of all of this */
	uint64_t stack_end; /* of the mapping that holds the address that was asked for; or 0 */
};

/*
 * Reads them; @sp is an address, for stack_end. Returns 0 or a negative errno. Call modules_free()
 * also after an error.
 */
int modules_read(pid_t pid, uint64_t sp, struct modules *modules);
void modules_free(struct modules *modules);

/* The index of the one that holds an address; SIZE_MAX: none does. */
size_t modules_find(const struct modules *modules, uint64_t address);

/* As mapping_open() of mappings.h. */
int module_open(pid_t pid, const struct module *module);

#endif /* FLIGHTREC_MODULES_H */
