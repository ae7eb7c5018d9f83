// SPDX-License-Identifier: BSD-2-Clause
/*
 * A cache that refreshes itself from a redis server: two keys every second, within a recorder.
 * Its requests have no timeout, as such programs often have none: if the server stalls, it hangs,
 * and `flightrec run build/examples/redis_refresh SOCKET` tells in what. See demo.sh.
 */
#include <errno.h>
#include <flightrec.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void sleep_ms(long ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* Returns 0, or -1: the connection is of no more use. */
static int refresh_key(redisContext *redis, flightrec *rec, const char *key)
{
	redisReply *reply = NULL;

	FLIGHTREC_STEP(rec, "redis_client.get('%s')", key) {
		reply = redisCommand(redis, "GET %s", key);
	}
	if (!reply) {
		flightrec_error(rec, "redis: %s", redis->errstr);
		return -1;
	}
	if (reply->type == REDIS_REPLY_ERROR)
		flightrec_error(rec, "redis: %s", reply->str);
	freeReplyObject(reply);
	printf("refreshed %s\n", key);
	return 0;
}

static int background_refresh(redisContext *redis, const char *server)
{
	int err = 0;

	FLIGHTREC_SCOPE(rec, "RedisCache.background_refresh", FLIGHTREC_SEC(3)) {
		flightrec_context(rec, "server", "%s", server);
		err = refresh_key(redis, rec, "user");
		if (err)
			break;
		sleep_ms(500); /* half a second for each: an even load */
		err = refresh_key(redis, rec, "posts");
	}
	return err;
}

int main(int argc, char **argv)
{
	const char *server = argc > 1 ? argv[1] : "";
	long refreshes = argc > 2 ? strtol(argv[2], NULL, 10) : -1;
	redisContext *redis;
	int err = 0;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "Usage: redis_refresh SOCKET [REFRESHES]\n");
		return 2;
	}
	/* A line at a time, also into a pipe. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	redis = redisConnectUnix(server);
	if (!redis || redis->err) {
		fprintf(stderr, "redis_refresh: cannot connect to %s: %s\n", server,
			redis ? redis->errstr : "no memory");
		redisFree(redis);
		return 1;
	}
	for (long i = 0; !err && i != refreshes; i++) {
		err = background_refresh(redis, server);
		sleep_ms(500);
	}
	if (err)
		fprintf(stderr, "redis_refresh: %s: %s\n", server, redis->errstr);
	redisFree(redis);
	return err ? 1 : 0;
}
