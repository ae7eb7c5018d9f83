// SPDX-License-Identifier: BSD-2-Clause
/*
 * floor FILE [+SYMBOL] -- COMMAND ...: attaches an empty BPF program to every flightrec probe of
 * FILE, in the way the collector does, or to SYMBOL in COMMAND's file, and runs COMMAND.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "collector/target/elf_probes.h"
#include "floor.skel.h"
#include "measure.h"

static void attach(struct bpf_program *program, const char *path, uint64_t offset,
		   uint64_t ref_ctr_offset)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .ref_ctr_offset = ref_ctr_offset);

	/* The link lives as long as this process. */
	if (!bpf_program__attach_uprobe_opts(program, -1, path, offset, &options))
		fail("cannot attach");
}

/* To those that the collector uses with --probes. */
static void attach_probes(struct bpf_program *program, const char *path)
{
	struct elf_probes probes;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || elf_probes_find(fd, &probes))
		fail(path);
	for (size_t i = 0; i < probes.copies; i++) {
		for (int p = 0; p < FLIGHTREC_PROBE_ARM; p++) {
			const struct elf_probe *probe = &probes.copy[i].probe[p];

			if (probe->offset)
				attach(program, path, probe->offset, probe->ref_ctr_offset);
		}
	}
	close(fd);
}

static void attach_symbol(struct bpf_program *program, const char *path, const char *symbol)
{
	uint64_t offset;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || elf_symbol_offset(fd, symbol, &offset))
		fail(symbol);
	attach(program, path, offset, 0);
	close(fd);
}

int main(int argc, char **argv)
{
	struct floor_bpf *skeleton;
	int command = 1, status;
	pid_t pid;

	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	skeleton = floor_bpf__open_and_load();
	if (!skeleton)
		fail("cannot load the BPF program");
	for (; command < argc && strcmp(argv[command], "--"); command++) {
		char *symbol = strchr(argv[command], '+');

		if (symbol) {
			*symbol = '\0';
			attach_symbol(skeleton->progs.on_probe, argv[command], symbol + 1);
		} else {
			attach_probes(skeleton->progs.on_probe, argv[command]);
		}
	}
	if (++command >= argc) {
		fprintf(stderr, "usage: floor FILE|FILE+SYMBOL... -- COMMAND...\n");
		return 2;
	}
	pid = fork();
	if (!pid) {
		execvp(argv[command], argv + command);
		fail(argv[command]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fail("cannot run the command");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
