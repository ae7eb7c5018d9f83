/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens many recorders with random timeouts, from 1 ms to two seconds, and closes them at random
 * times: most in time, some late, some extended or shortened on the way. Then says of each, by
 * its own clock, what must have been reported: "ID late", "ID in-time", or "ID either" where its
 * own clock readings cannot tell.
 *
 *	storm SEED RECORDERS
 *
 * The first line of its output is "begins".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "flightrec.h"

enum action { OPEN, EXTEND, CLOSE };

struct plan {
	flightrec rec;
	enum action next;
	uint64_t at_ns;
	uint64_t timeout_ns;
	uint64_t close_ns; /* after its opening */
	/* Its deadline, as early and as late as it can have been set. */
	uint64_t earliest_ns;
	uint64_t latest_ns;
	uint64_t id;
	int either;
	const char *verdict;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t between(uint64_t low, uint64_t high)
{
	return low + (uint64_t)(drand48() * (double)(high - low));
}

static void make_plan(struct plan *plan, uint64_t start_ns)
{
	/* Short and long ones alike, and many of the same length. */
	static const uint64_t ms[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000};

	plan->at_ns = start_ns + between(0, 1500000000);
	plan->timeout_ns = ms[lrand48() % 11] * 1000000;
	if (lrand48() % 2)
		plan->timeout_ns = between(1000000, 2000000000);
	plan->close_ns = lrand48() % 4 ? between(0, plan->timeout_ns * 9 / 10)
				       : plan->timeout_ns + between(0, 50000000);
}

/* The deadline was passed before the call already, or not yet after it, or one cannot tell. */
static void settle(struct plan *plan, uint64_t before_ns, uint64_t after_ns)
{
	if (before_ns > plan->latest_ns)
		plan->verdict = "late";
	else if (after_ns >= plan->earliest_ns)
		plan->either = 1;
}

static void step(struct plan *plan)
{
	uint64_t before_ns = now_ns();

	switch (plan->next) {
	case OPEN:
		if (flightrec_begin(&plan->rec, "storm", plan->timeout_ns))
			exit(1);
		plan->id = plan->rec.id_;
		plan->earliest_ns = before_ns + plan->timeout_ns;
		plan->latest_ns = now_ns() + plan->timeout_ns;
		plan->next = lrand48() % 4 ? CLOSE : EXTEND;
		plan->at_ns =
			before_ns + (plan->next == CLOSE ? plan->close_ns : plan->close_ns / 2);
		flightrec_info(&plan->rec, "closes in %" PRIu64 " ns", plan->close_ns);
		break;
	case EXTEND:
		plan->timeout_ns = between(1000000, 1000000000);
		flightrec_extend(&plan->rec, plan->timeout_ns);
		settle(plan, before_ns, now_ns());
		plan->earliest_ns = before_ns + plan->timeout_ns;
		plan->latest_ns = now_ns() + plan->timeout_ns;
		plan->next = CLOSE;
		plan->at_ns = before_ns + (lrand48() % 2 ? between(0, plan->timeout_ns * 9 / 10)
							 : plan->timeout_ns + 3000000);
		break;
	case CLOSE:
		flightrec_end(&plan->rec);
		settle(plan, before_ns, now_ns());
		plan->at_ns = UINT64_MAX;
		break;
	}
}

/* A binary heap of plans, the earliest first. */
static void sift(struct plan **heap, size_t n, size_t at)
{
	for (;;) {
		size_t child = at * 2 + 1;
		struct plan *swap = heap[at];

		if (child >= n)
			return;
		if (child + 1 < n && heap[child + 1]->at_ns < heap[child]->at_ns)
			child++;
		if (heap[child]->at_ns >= heap[at]->at_ns)
			return;
		heap[at] = heap[child];
		heap[child] = swap;
		at = child;
	}
}

int main(int argc, char **argv)
{
	size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
	struct plan *plans = calloc(n, sizeof(*plans));
	struct plan **heap = calloc(n, sizeof(*heap));
	uint64_t start_ns = now_ns();

	if (argc < 3 || !plans || !heap)
		return 2;
	puts("begins");
	fflush(stdout);
	srand48(atol(argv[1]));
	for (size_t i = 0; i < n; i++) {
		make_plan(&plans[i], start_ns);
		heap[i] = &plans[i];
	}
	for (size_t i = n; i-- > 0;)
		sift(heap, n, i);
	while (heap[0]->at_ns != UINT64_MAX) {
		struct timespec until = {.tv_sec = (time_t)(heap[0]->at_ns / 1000000000),
					 .tv_nsec = (long)(heap[0]->at_ns % 1000000000)};

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		step(heap[0]);
		sift(heap, n, 0);
	}
	for (size_t i = 0; i < n; i++)
		printf("%" PRIu64 " %s\n", plans[i].id,
		       plans[i].verdict  ? plans[i].verdict
		       : plans[i].either ? "either"
					 : "in-time");
	return 0;
}
