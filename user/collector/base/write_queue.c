// SPDX-License-Identifier: BSD-2-Clause
#include "collector/base/write_queue.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "collector/base/array.h"

/*
 * A write is no longer than this, because it shows progress only when it returns. But one piece is
 * always one write, however long, so that nothing written by others gets in between.
 */
#define WRITE_MAX 65536
/* A batch that took more memory than this is freed, not kept for the next one. */
#define KEEP_MAX (1u << 20)
/* How often write_queue_finish() checks whether its patience has run out. */
#define STEP_MS 20

/* Pieces that are handed over together. */
struct batch {
	struct batch *next;
	struct text_buffer text;
	size_t *ends; /* where each piece ends in the text */
	size_t n;
	size_t room;
};

struct write_queue {
	/* Used by the owner only. */
	struct batch *open; /* being gathered; or NULL */
	int fd;
	int event_fd;
	size_t limit;
	pthread_t thread;

	/* Guards everything below. */
	pthread_mutex_t lock;
	pthread_cond_t work;     /* there is a batch, or the thread should end */
	pthread_cond_t progress; /* something was written, or failed */
	struct batch *first, **last;
	struct batch *spare;
	size_t waiting;     /* bytes of the batches, including the one being written */
	uint64_t writes;    /* calls of write() that returned */
	uint64_t pieces;    /* that wait or are being written */
	bool stop;          /* the thread should end after what it is doing */
	bool abandoned;     /* the owner has left: the thread frees everything */
	bool busy;          /* the thread is writing a batch */
	bool short_of_room; /* something was refused, and there was no room since */
	struct write_queue_state state;
};

static void free_batch(struct batch *batch)
{
	if (!batch)
		return;
	text_buffer_free(&batch->text);
	free(batch->ends);
	free(batch);
}

static void free_queue(struct write_queue *q)
{
	struct batch *batch;

	while ((batch = q->first)) {
		q->first = batch->next;
		free_batch(batch);
	}
	free_batch(q->open);
	free_batch(q->spare);
	if (q->event_fd >= 0)
		close(q->event_fd);
	pthread_cond_destroy(&q->work);
	pthread_cond_destroy(&q->progress);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static void notify(const struct write_queue *q)
{
	uint64_t one = 1;

	if (write(q->event_fd, &one, sizeof(one)) < 0)
		return; /* full, so it is readable already */
}

/* ---- the thread ---- */

/* Like write(), but waits if someone made the descriptor non-blocking. */
static ssize_t write_some(int fd, const char *data, size_t size)
{
	struct pollfd out = {.fd = fd, .events = POLLOUT};
	ssize_t n;

	for (;;) {
		n = write(fd, data, size);
		if (n > 0)
			return n;
		if (n == 0)
			return -EIO;
		if (errno == EAGAIN && (poll(&out, 1, -1) >= 0 || errno == EINTR))
			continue;
		if (errno != EINTR)
			return -errno;
	}
}

static void note_write(struct write_queue *q, ssize_t n)
{
	pthread_mutex_lock(&q->lock);
	q->writes++;
	if (n < 0) {
		q->state.error = (int)n;
		if (n == -EPIPE)
			q->state.broken = true;
	}
	pthread_cond_signal(&q->progress);
	pthread_mutex_unlock(&q->lock);
}

/* The rest of @piece, and as many of the following ones as fit into one write. */
static size_t write_size(const struct batch *batch, size_t piece, size_t start)
{
	size_t end = batch->ends[piece];

	while (piece + 1 < batch->n && batch->ends[piece + 1] - start <= WRITE_MAX)
		end = batch->ends[++piece];
	return end - start;
}

static void count_pieces(struct write_queue *q, uint64_t done, uint64_t lost)
{
	pthread_mutex_lock(&q->lock);
	/* If write_queue_finish() gave up, it has counted them already. */
	if (!q->stop) {
		q->pieces -= done + lost;
		q->state.lost += lost;
	}
	pthread_mutex_unlock(&q->lock);
}

/*
 * Writes a batch. A piece that fails is skipped. Returns whether the last piece was cut within a
 * line: then the next one must start on a new line, or a reader of JSON would lose both.
 */
static bool write_batch(struct write_queue *q, const struct batch *batch, bool torn)
{
	size_t start = 0, piece = 0, written = 0;

	while (piece < batch->n && !__atomic_load_n(&q->stop, __ATOMIC_RELAXED)) {
		size_t first = piece;
		ssize_t n = torn ? write_some(q->fd, "\n", 1) : 0;

		if (n >= 0) {
			torn = false;
			n = write_some(q->fd, batch->text.data + start,
				       write_size(batch, piece, start));
		}
		note_write(q, n);
		if (n > 0) {
			start += (size_t)n;
			written = start;
			while (piece < batch->n && batch->ends[piece] <= start)
				piece++;
			count_pieces(q, piece - first, 0);
			continue;
		}
		torn = torn || (written == start && start && batch->text.data[start - 1] != '\n');
		start = batch->ends[piece++];
		count_pieces(q, 0, 1);
	}
	return torn;
}

static void finish_batch(struct write_queue *q, struct batch *batch)
{
	q->waiting -= batch->text.size;
	if (q->short_of_room && q->waiting <= q->limit / 2) {
		q->short_of_room = false;
		notify(q);
	}
	if (!q->spare && batch->text.room <= KEEP_MAX) {
		text_buffer_cut(&batch->text, 0);
		batch->n = 0;
		q->spare = batch;
	} else {
		free_batch(batch);
	}
}

static void *write_all(void *arg)
{
	struct write_queue *q = arg;
	uint64_t failed = 0;
	bool torn = false, abandoned;

	pthread_mutex_lock(&q->lock);
	while (!q->stop) {
		struct batch *batch = q->first;

		if (!batch) {
			pthread_cond_signal(&q->progress);
			pthread_cond_wait(&q->work, &q->lock);
			continue;
		}
		q->busy = true;
		q->first = batch->next;
		if (!q->first)
			q->last = &q->first;
		pthread_mutex_unlock(&q->lock);
		torn = write_batch(q, batch, torn);
		pthread_mutex_lock(&q->lock);
		q->busy = false;
		finish_batch(q, batch);
		if (q->state.lost - q->state.refused != failed)
			notify(q);
		failed = q->state.lost - q->state.refused;
	}
	abandoned = q->abandoned;
	pthread_mutex_unlock(&q->lock);
	if (abandoned)
		free_queue(q);
	return NULL;
}

/* ---- the owner ---- */

static int start_thread(struct write_queue *q)
{
	sigset_t all, before;
	int err;

	/* Signals are for the other threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&q->thread, NULL, write_all, q);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

int write_queue_open(struct write_queue **queue, int fd, size_t limit)
{
	struct write_queue *q = calloc(1, sizeof(*q));
	pthread_condattr_t monotonic;
	int err;

	*queue = NULL;
	if (!q)
		return -ENOMEM;
	q->fd = fd;
	q->limit = limit;
	q->last = &q->first;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->work, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&q->progress, &monotonic);
	pthread_condattr_destroy(&monotonic);
	q->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = q->event_fd < 0 ? -errno : start_thread(q);
	if (err)
		free_queue(q);
	else
		*queue = q;
	return err;
}

bool write_queue_close(struct write_queue *q)
{
	bool busy;

	if (!q)
		return true;
	pthread_mutex_lock(&q->lock);
	__atomic_store_n(&q->stop, true, __ATOMIC_RELAXED);
	busy = q->busy;
	q->abandoned = busy;
	/* Once it is unlocked, the thread may free it. */
	if (busy)
		pthread_detach(q->thread);
	pthread_cond_signal(&q->work);
	pthread_mutex_unlock(&q->lock);
	if (busy)
		return false;
	pthread_join(q->thread, NULL);
	free_queue(q);
	return true;
}

static struct batch *open_batch(struct write_queue *q)
{
	if (q->open)
		return q->open;
	pthread_mutex_lock(&q->lock);
	q->open = q->spare;
	q->spare = NULL;
	pthread_mutex_unlock(&q->lock);
	if (!q->open)
		q->open = calloc(1, sizeof(*q->open));
	return q->open;
}

struct text_buffer *write_queue_text(struct write_queue *q)
{
	struct batch *batch = open_batch(q);

	return batch ? &batch->text : NULL;
}

int write_queue_end_piece(struct write_queue *q)
{
	struct batch *batch = q->open;
	size_t before = batch && batch->n ? batch->ends[batch->n - 1] : 0;

	if (!batch || batch->text.size == before)
		return 0;
	if (array_reserve(batch->ends, batch->room, batch->n + 1)) {
		text_buffer_cut(&batch->text, before);
		return -ENOMEM;
	}
	batch->ends[batch->n++] = batch->text.size;
	return 0;
}

void write_queue_lose(struct write_queue *q, int error)
{
	pthread_mutex_lock(&q->lock);
	q->state.lost++;
	q->state.error = error;
	pthread_mutex_unlock(&q->lock);
}

size_t write_queue_gathered(const struct write_queue *q)
{
	return q->open ? q->open->text.size : 0;
}

static void refuse(struct write_queue *q, struct batch *batch)
{
	q->state.lost += batch->n;
	q->state.refused += batch->n;
	q->state.error = -EAGAIN;
	q->short_of_room = true;
	text_buffer_cut(&batch->text, 0);
	batch->n = 0;
}

static void hand_over(struct write_queue *q, struct batch *batch)
{
	batch->next = NULL;
	*q->last = batch;
	q->last = &batch->next;
	q->waiting += batch->text.size;
	q->pieces += batch->n;
	pthread_cond_signal(&q->work);
}

bool write_queue_flush(struct write_queue *q)
{
	struct batch *batch = q->open;
	bool taken;

	if (!batch || !batch->n)
		return true;
	pthread_mutex_lock(&q->lock);
	taken = !q->stop && (!q->waiting || q->waiting + batch->text.size <= q->limit);
	if (taken) {
		hand_over(q, batch);
		q->open = NULL;
	} else {
		refuse(q, batch);
	}
	pthread_mutex_unlock(&q->lock);
	return taken;
}

bool write_queue_has_room(struct write_queue *q)
{
	bool room;

	pthread_mutex_lock(&q->lock);
	room = !q->stop && q->waiting <= q->limit / 2;
	pthread_mutex_unlock(&q->lock);
	return room;
}

void write_queue_state(struct write_queue *q, struct write_queue_state *state)
{
	pthread_mutex_lock(&q->lock);
	*state = q->state;
	pthread_mutex_unlock(&q->lock);
}

int write_queue_event_fd(const struct write_queue *q)
{
	return q->event_fd;
}

static void wait_for_progress(struct write_queue *q)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += STEP_MS * 1000000L;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&q->progress, &q->lock, &until);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool write_queue_finish(struct write_queue *q, unsigned int patience_ms)
{
	uint64_t since = now_ms(), writes;
	bool done;

	write_queue_flush(q);
	pthread_mutex_lock(&q->lock);
	writes = q->writes;
	while (!q->stop && (q->first || q->busy) && now_ms() - since < patience_ms) {
		wait_for_progress(q);
		if (q->writes != writes) {
			writes = q->writes;
			since = now_ms();
		}
	}
	done = !q->first && !q->busy;
	if (!done && !q->stop) {
		q->state.lost += q->pieces;
		q->state.refused += q->pieces;
		q->state.error = -EAGAIN;
		__atomic_store_n(&q->stop, true, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&q->lock);
	return done;
}
