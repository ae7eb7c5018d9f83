// SPDX-License-Identifier: BSD-2-Clause
#include "collector/where/sampling.h"

#include <errno.h>
#include <sys/epoll.h>

#include "collector/base/clock.h"

/* A thread that wants a CPU and has none for so long is one that does not run. */
#define LIMIT_NS 100000000

bool sampling_start(struct sampling *s, const struct thread_record *record, int epoll_fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (thread_sample_open(&s->sample, (pid_t)record->tid))
		return false;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->sample.fd, &event)) {
		thread_sample_close(&s->sample);
		return false;
	}
	s->look = (struct thread_look){.record = *record};
	s->until_ns = clock_ns(CLOCK_MONOTONIC) + LIMIT_NS;
	s->active = true;
	return true;
}

bool sampling_work(struct sampling *s)
{
	int err = thread_sample_take(&s->sample, &s->look.record, &s->look.stack,
				     &s->look.stack_size);

	if (err == -EAGAIN && clock_ns(CLOCK_MONOTONIC) < s->until_ns)
		return false;
	if (err || thread_look_add_files(&s->look))
		s->look.problem = "it is running";
	sampling_end(s);
	return true;
}

void sampling_end(struct sampling *s)
{
	if (s->active)
		thread_sample_close(&s->sample);
	s->active = false;
}
