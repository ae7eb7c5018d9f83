// SPDX-License-Identifier: BSD-2-Clause
#include "collector/attachment/detacher.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "collector/attachment/file_lease.h"

struct detach_job {
	struct uprobe_links links;
	int lease;
	void *what;
	struct detach_job *next;
};

/* In the order in which they came. */
struct detach_jobs {
	struct detach_job *first;
	struct detach_job **end;
};

struct detacher {
	pthread_mutex_t mutex; /* of what follows, but for the thread and event_fd */
	pthread_cond_t wake;
	struct detach_jobs to_do;
	struct detach_jobs done;
	bool stop;
	pthread_t thread;
	bool started;
	int event_fd;
};

static void push(struct detach_jobs *jobs, struct detach_job *job)
{
	job->next = NULL;
	if (!jobs->first)
		jobs->end = &jobs->first;
	*jobs->end = job;
	jobs->end = &job->next;
}

static struct detach_job *take(struct detach_jobs *jobs)
{
	struct detach_job *job = jobs->first;

	if (job)
		jobs->first = job->next;
	return job;
}

static struct detach_job *take_all(struct detach_jobs *jobs)
{
	struct detach_job *first = jobs->first;

	jobs->first = NULL;
	return first;
}

static void give_back(int lease)
{
	if (lease >= 0)
		file_lease_give_back(lease);
}

/* Takes all that there is, because many take no longer than one. */
static void detach(struct detach_job *jobs)
{
	struct uprobe_links links = {0};

	for (struct detach_job *job = jobs; job; job = job->next)
		uprobe_links_move(&links, &job->links);
	uprobe_links_detach(&links);
	for (struct detach_job *job = jobs; job; job = job->next)
		give_back(job->lease);
}

static void finish(struct detacher *d, struct detach_job *jobs)
{
	const uint64_t one = 1;
	struct detach_job *next;

	pthread_mutex_lock(&d->mutex);
	for (; jobs; jobs = next) {
		next = jobs->next;
		push(&d->done, jobs);
	}
	pthread_mutex_unlock(&d->mutex);
	if (write(d->event_fd, &one, sizeof(one)) < 0)
		return; /* full, so it is readable already */
}

static void *work(void *arg)
{
	struct detacher *d = arg;
	struct detach_job *jobs;

	for (;;) {
		pthread_mutex_lock(&d->mutex);
		while (!(jobs = take_all(&d->to_do)) && !d->stop)
			pthread_cond_wait(&d->wake, &d->mutex);
		pthread_mutex_unlock(&d->mutex);
		if (!jobs)
			return NULL;
		detach(jobs);
		finish(d, jobs);
	}
}

struct detacher *detacher_new(void)
{
	struct detacher *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	pthread_mutex_init(&d->mutex, NULL);
	pthread_cond_init(&d->wake, NULL);
	d->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->event_fd >= 0)
		return d;
	detacher_free(d);
	return NULL;
}

void detacher_free(struct detacher *d)
{
	struct detach_job *job;

	if (!d)
		return;
	if (d->started) {
		pthread_mutex_lock(&d->mutex);
		d->stop = true;
		pthread_cond_signal(&d->wake);
		pthread_mutex_unlock(&d->mutex);
		pthread_join(d->thread, NULL);
	}
	while ((job = take(&d->done)))
		free(job);
	if (d->event_fd >= 0)
		close(d->event_fd);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->mutex);
	free(d);
}

bool detacher_add(struct detacher *d, struct uprobe_links *links, int lease, void *what)
{
	struct detach_job *job = calloc(1, sizeof(*job));

	if (job && !d->started)
		d->started = pthread_create(&d->thread, NULL, work, d) == 0;
	if (!job || !d->started) {
		free(job);
		uprobe_links_detach(links);
		give_back(lease);
		return false;
	}
	*job = (struct detach_job){.links = *links, .lease = lease, .what = what};
	*links = (struct uprobe_links){0};
	pthread_mutex_lock(&d->mutex);
	push(&d->to_do, job);
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->mutex);
	return true;
}

int detacher_fd(const struct detacher *d)
{
	return d->event_fd;
}

static struct detach_job *take_done(struct detacher *d)
{
	struct detach_job *job;

	pthread_mutex_lock(&d->mutex);
	job = take(&d->done);
	pthread_mutex_unlock(&d->mutex);
	return job;
}

void *detacher_done(struct detacher *d)
{
	struct detach_job *job = take_done(d);
	uint64_t count;
	void *what;

	/* Whatever comes later makes it readable again. */
	if (!job && read(d->event_fd, &count, sizeof(count)) == sizeof(count))
		job = take_done(d);
	if (!job)
		return NULL;
	what = job->what;
	free(job);
	return what;
}
