/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logs flat out to several recorders in turn, and keeps count of it where its end, however it
 * comes, leaves the counts behind.
 *
 *	emitter FILE RECORDERS ENTRIES TIMEOUT_MS
 *
 * FILE: for each recorder two uint64_t, entries begun and entries done. With ENTRIES 0 it never
 * stops. Says "emitted" when all are sent, and waits, its recorders open, for the end of its
 * input. "emitter FILE" alone prints the counts of a file, a line a recorder.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "flightrec.h"

struct counts {
	volatile uint64_t begun;
	volatile uint64_t done;
};

static int print_counts(const char *path)
{
	struct counts counts;
	FILE *file = fopen(path, "r");

	if (!file)
		return 2;
	for (int i = 1; fread(&counts, sizeof(counts), 1, file) == 1; i++)
		printf("%d %" PRIu64 " %" PRIu64 "\n", i, counts.begun, counts.done);
	fclose(file);
	return 0;
}

int main(int argc, char **argv)
{
	size_t recorders, size;
	struct counts *counts;
	unsigned long entries;
	flightrec *recs;
	char byte;
	int fd;

	if (argc == 2)
		return print_counts(argv[1]);
	if (argc != 5)
		return 2;
	recorders = strtoul(argv[2], NULL, 10);
	entries = strtoul(argv[3], NULL, 10);
	size = recorders * sizeof(*counts);
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || ftruncate(fd, (off_t)size))
		return 1;
	counts = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	recs = calloc(recorders, sizeof(*recs));
	if (counts == MAP_FAILED || !recs)
		return 1;
	for (size_t i = 0; i < recorders; i++)
		flightrec_begin(&recs[i], "emitter", FLIGHTREC_MSEC(strtoul(argv[4], NULL, 10)));
	for (unsigned long n = 0; !entries || n < entries; n++) {
		for (size_t i = 0; i < recorders; i++) {
			counts[i].begun++;
			flightrec_info(&recs[i], "entry %lu of recorder %zu", n, i);
			counts[i].done++;
		}
	}
	puts("emitted");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for (size_t i = 0; i < recorders; i++)
		flightrec_end(&recs[i]);
	return 0;
}
