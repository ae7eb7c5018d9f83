// SPDX-License-Identifier: BSD-2-Clause
#include "fuzz.h"

#include <sanitizer/allocator_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

/* A time is another each time: what seems too long is measured again. */
#define TRIES 3

struct cost {
	uint64_t cpu_ns;
	uint64_t allocated;
	uint64_t taken;
};

/* libFuzzer keeps an input that sets one of these for the first time. */
#define STEPS 64
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t reached[3][STEPS];

static struct cost cost;
static const char *seeds_to;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
ssize_t __wrap_pread(int fd, void *to, size_t size, off_t at);
ssize_t __real_pread(int fd, void *to, size_t size, off_t at);

void fuzz_take(size_t size)
{
	cost.taken += size;
}

ssize_t __wrap_pread(int fd, void *to, size_t size, off_t at)
{
	ssize_t got = __real_pread(fd, to, size, at);

	/* A call is work as well. */
	cost.taken += 64 + (got > 0 ? (uint64_t)got : 0);
	return got;
}

static void on_malloc(const volatile void *memory, size_t size)
{
	(void)memory;
	cost.allocated += size;
}

static void on_free(const volatile void *memory)
{
	(void)memory;
}

_Noreturn void fuzz_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	abort();
}

void fuzz_seed(const char *name, const void *data, size_t size)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", seeds_to, name);
	file = fopen(path, "we");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file)) {
		perror(path);
		exit(1);
	}
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t allowed(struct fuzz_bound bound, size_t size)
{
	return bound.any + bound.byte * size;
}

/* Notes how far above nothing it is: a step for each half of a power of two, for its size. */
static void note(uint8_t *steps, uint64_t value, struct fuzz_bound bound, size_t size)
{
	uint64_t share = value * 4096 / (allowed(bound, size) + 1);
	unsigned int step = 0;

	for (; share > 1 && step < STEPS - 2; share /= 2)
		step += 2;
	steps[step] = 1;
}

static void must_be_allowed(const char *what, uint64_t value, struct fuzz_bound bound, size_t size)
{
	if (value <= allowed(bound, size))
		return;
	fprintf(stderr,
		"cost: %s: %llu for an input of %zu bytes; allowed are %llu, and %llu a byte\n",
		what, (unsigned long long)value, size, (unsigned long long)bound.any,
		(unsigned long long)bound.byte);
	abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	if (*argc == 3 && strcmp((*argv)[1], "--seeds") == 0) {
		seeds_to = (*argv)[2];
		fuzz_seeds();
		exit(0);
	}
	__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t least = UINT64_MAX, started, took;

	for (int i = 0; i < TRIES && least > allowed(fuzz_bounds.cpu_ns, size); i++) {
		cost = (struct cost){0};
		started = cpu_ns();
		fuzz_one(data, size);
		took = cpu_ns() - started;
		least = took < least ? took : least;
	}
	cost.cpu_ns = least;
	must_be_allowed("nanoseconds of CPU", cost.cpu_ns, fuzz_bounds.cpu_ns, size);
	must_be_allowed("bytes allocated", cost.allocated, fuzz_bounds.allocated, size);
	must_be_allowed("bytes taken", cost.taken, fuzz_bounds.taken, size);
	note(reached[0], cost.cpu_ns, fuzz_bounds.cpu_ns, size);
	note(reached[1], cost.allocated, fuzz_bounds.allocated, size);
	note(reached[2], cost.taken, fuzz_bounds.taken, size);
	return 0;
}
