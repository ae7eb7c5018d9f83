// SPDX-License-Identifier: BSD-2-Clause
/* `flightrec dump`: replays every open recorder now, of processes or from a core file. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/inspect.h"
#include "cli/options.h"
#include "cli/output.h"
#include "collector/base/message.h"
#include "collector/inspection.h"
#include "collector/report/report_forms.h"
#include "collector/stacks.h"

struct dump {
	const struct options *options;
	int fd;
	struct report_form_state state;
	struct text_buffer text;
	uint64_t reported;     /* from the process or file at hand */
	struct stacks *stacks; /* NULL: reports come without */
	int err;               /* of what was written last */
};

/* Returns 0 or a negative errno. */
static int write_text(struct dump *dump)
{
	const char *at = dump->text.data;
	size_t left = dump->text.size;

	while (left) {
		ssize_t n = write(dump->fd, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		left -= (size_t)n;
	}
	text_buffer_cut(&dump->text, 0);
	return 0;
}

static void take(void *arg, const struct report *report)
{
	struct dump *dump = arg;

	if (!dump->err)
		dump->err = report_append(dump->options->form, &dump->state, &dump->text, report);
	if (!dump->err)
		dump->err = write_text(dump);
}

static int emit(void *arg, const struct report *report)
{
	struct dump *dump = arg;

	dump->reported++;
	if (dump->stacks)
		stacks_add(dump->stacks, report);
	else
		take(dump, report);
	return dump->err;
}

/* @whose is what messages call it, such as "process 42". */
static int replay(struct dump *dump, struct inspection *inspection, const char *whose)
{
	int err;

	dump->reported = 0;
	dump->err = 0;
	err = inspection_replay(inspection, dump->options->closed, emit, dump);
	if (dump->stacks)
		stacks_finish(dump->stacks);
	err = err ? err : dump->err;
	if (err) {
		message("cannot dump %s: %s", whose, strerror(-err));
		return EXIT_FAILED;
	}
	if (!dump->reported)
		message("%s has no open recorder", whose);
	return 0;
}

static int dump_process(struct dump *dump, pid_t pid)
{
	struct inspection *inspection;
	int status = inspect_open(&inspection, pid);
	char whose[32];

	if (status)
		return status;
	snprintf(whose, sizeof(whose), "process %d", inspection_process(inspection)->pid);
	status = replay(dump, inspection, whose);
	inspection_close(inspection);
	return status;
}

static int dump_core(struct dump *dump, const char *path)
{
	struct inspection *inspection;
	int err = inspection_open_core(&inspection, path), status;

	if (err == -ENOENT && access(path, F_OK) == 0) {
		message("%s holds no memory log: its process opened no recorder, or "
			"shared "
			"memory was left out of the core (bit 1 of /proc/PID/coredump_filter)",
			path);
		return EXIT_NOTHING;
	}
	if (err) {
		message("cannot read core file %s: %s", path,
			err == -ENOEXEC ? "it is not a core file of this architecture"
					: strerror(-err));
		return EXIT_FAILED;
	}
	status = replay(dump, inspection, path);
	inspection_close(inspection);
	return status;
}

int cmd_dump(const struct options *options)
{
	struct dump dump = {.options = options, .fd = STDOUT_FILENO};
	int status = 0;

	if (options->output) {
		dump.fd = output_open(options->output, options->append);
		if (dump.fd < 0) {
			message("cannot open %s: %s", options->output, strerror(-dump.fd));
			return EXIT_FAILED;
		}
		/* A dump, unlike a watch, may wait for its reader. */
		fcntl(dump.fd, F_SETFL, fcntl(dump.fd, F_GETFL) & ~O_NONBLOCK);
	}
	output_terminal(dump.fd, options->color, &dump.state.terminal);
	if (!options->core && !options->no_stack)
		dump.stacks = stacks_open(take, &dump);
	if (options->core)
		status = dump_core(&dump, options->core);
	for (size_t i = 0; i < options->n_pids; i++)
		status = inspect_status(status, dump_process(&dump, options->pids[i]));
	stacks_close(dump.stacks);
	text_buffer_free(&dump.text);
	if (options->output)
		close(dump.fd);
	return status;
}
