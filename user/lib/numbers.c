// SPDX-License-Identifier: BSD-2-Clause
/*
 * Copies of the library that know nothing of each other can only meet at a fixed address. The first
 * one maps a page there, which is never unmapped; the others find the address in use.
 */
#include "lib/numbers.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "lib/readable.h"

/* Where the kernel puts nothing: above programs, below libraries. */
#define MEETING_PLACE UINT64_C(0x464c47540000)
#define PAGE_BYTES 4096
#define MAGIC UINT64_C(0x7369676874726563)

struct numbers {
	uint64_t magic; /* 0: just made, or emptied by fork() */
	uint64_t last;
};

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

uint64_t *numbers_find(void)
{
	struct numbers *numbers = (struct numbers *)(uintptr_t)MEETING_PLACE;
	void *made = mmap(numbers, PAGE_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	uint64_t magic = 0;

	if (made == numbers) {
		madvise(numbers, PAGE_BYTES, MADV_WIPEONFORK);
	} else if (made != MAP_FAILED) {
		/* The address was not heeded: before Linux 4.17, or under a sanitizer. */
		munmap(made, PAGE_BYTES);
		return NULL;
	} else if (errno != EEXIST || !is_readable(numbers)) {
		return NULL;
	}
	if (!__atomic_compare_exchange_n(&numbers->magic, &magic, MAGIC, false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED) &&
	    magic != MAGIC)
		return NULL;
	return &numbers->last;
}
