// SPDX-License-Identifier: BSD-2-Clause
/*
 * load SOCKET MS: a client of redis as redis-benchmark is one, GET over 50 connections at once,
 * with a recorder and two entries for each request. Prints requests a second, and the median
 * and the 99th percentile of their latency in us. Compiled a second time for LTTng-UST.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "measure.h"

#ifdef BENCH_LTTNG
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng_events.h"

#define trace_begin(c) lttng_ust_tracepoint(flightrec_bench, begin, (c)->n, "get", 1000000000)
#define trace_sent(c) lttng_ust_tracepoint(flightrec_bench, entry, (c)->n, (c)->number, (c)->key)
#define trace_got(c, size) lttng_ust_tracepoint(flightrec_bench, entry, (c)->n, (size), (c)->key)
#define trace_end(c) lttng_ust_tracepoint(flightrec_bench, end, (c)->n)
#define check_watched() ((void)0)
#else
#include "flightrec.h"

#define trace_begin(c) flightrec_begin(&(c)->rec, "get", FLIGHTREC_SEC(1))
#define trace_sent(c) flightrec_info(&(c)->rec, "+get(%s) on %d", (c)->key, (c)->number)
#define trace_got(c, size) flightrec_info(&(c)->rec, "-get(%s): %d bytes", (c)->key, (size))
#define trace_end(c) flightrec_end(&(c)->rec)
#define check_watched() check_watchers(flightrec_watch_)
#endif

#define CONNECTIONS 50
#define KEYS 10000
#define WARM_UP_NS 200000000
#define LATENCIES_MAX 4000000

struct connection {
	redisContext *redis;
	int number;
	uint64_t n;
	uint64_t sent_ns;
	char key[32];
#ifndef BENCH_LTTNG
	flightrec rec;
#endif
};

static struct connection connections[CONNECTIONS];
static uint64_t requests;

static void send_request(struct connection *c)
{
	int done = 0;

	c->n = requests++;
	c->sent_ns = now_ns();
	snprintf(c->key, sizeof(c->key), "user:%d", (int)(c->n * 7919 % KEYS));
	trace_begin(c);
	trace_sent(c);
	if (redisAppendCommand(c->redis, "GET %s", c->key) != REDIS_OK)
		fail(c->redis->errstr);
	while (!done) {
		if (redisBufferWrite(c->redis, &done) != REDIS_OK)
			fail(c->redis->errstr);
	}
}

static uint64_t take_reply(struct connection *c)
{
	redisReply *reply;

	if (redisGetReply(c->redis, (void **)&reply) != REDIS_OK)
		fail(c->redis->errstr);
	trace_got(c, (int)reply->len);
	trace_end(c);
	freeReplyObject(reply);
	return now_ns() - c->sent_ns;
}

static void connect_all(const char *path)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		connections[i].number = i;
		connections[i].redis = redisConnectUnix(path);
		if (!connections[i].redis || connections[i].redis->err)
			fail(path);
	}
	for (int i = 0; i < KEYS; i++)
		freeReplyObject(redisCommand(connections[0].redis, "SET user:%d %s", i,
					     "forty-eight bytes, as a small record might have"));
}

int main(int argc, char **argv)
{
	double *latencies = calloc(LATENCIES_MAX, sizeof(*latencies));
	uint64_t start_ns, end_ns, now;
	size_t count = 0;

	if (argc != 3 || !latencies)
		return 2;
	pin_to_cpu(1);
	connect_all(argv[1]);
	check_watched();
	for (int i = 0; i < CONNECTIONS; i++)
		send_request(&connections[i]);
	start_ns = now_ns() + WARM_UP_NS;
	end_ns = start_ns + strtoull(argv[2], NULL, 10) * 1000000;
	do {
		for (int i = 0; i < CONNECTIONS; i++) {
			uint64_t took_ns = take_reply(&connections[i]);

			send_request(&connections[i]);
			if (connections[i].sent_ns >= start_ns && count < LATENCIES_MAX)
				latencies[count++] = (double)took_ns / 1e3;
		}
		now = now_ns();
	} while (now < end_ns);
	check_watched();
	printf("rate %.0f\n", (double)count * 1e9 / (double)(now - start_ns));
	printf("p50 %.2f\n", median(latencies, count));
	printf("p99 %.2f\n", latencies[count * 99 / 100]);
	return 0;
}
