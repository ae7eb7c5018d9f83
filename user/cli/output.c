// SPDX-License-Identifier: BSD-2-Clause
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "collector/report/report_form.h"

static bool is_system_path(const char *path)
{
	return strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0;
}

int output_open(const char *path, bool append)
{
	bool root = geteuid() == 0;
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, fd;

	if (!append)
		flags |= O_TRUNC;
	if (root && !is_system_path(path))
		flags |= O_NOFOLLOW;
	fd = open(path, flags, root ? 0600 : 0666);
	return fd < 0 ? -errno : fd;
}

int output_reopen(int fd, const char *path)
{
	int new = output_open(path, true), err = 0;

	if (new < 0)
		return new;
	if (dup3(new, fd, O_CLOEXEC) < 0)
		err = -errno;
	close(new);
	return err;
}

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value;
}

void output_terminal(int fd, enum color color, struct report_terminal *terminal)
{
	const char *kind = getenv("TERM");
	bool is_terminal = isatty(fd), dumb = !kind || strcmp(kind, "dumb") == 0;
	struct winsize size;

	*terminal = (struct report_terminal){0};
	terminal->colour = color == COLOR_ALWAYS ||
			   (color == COLOR_AUTO && is_terminal && !dumb && !is_set("NO_COLOR"));
	if (is_terminal && ioctl(fd, TIOCGWINSZ, &size) == 0)
		terminal->width = size.ws_col;
}
