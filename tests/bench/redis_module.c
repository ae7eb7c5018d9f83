// SPDX-License-Identifier: BSD-2-Clause
/*
 * A module of redis-server, which so is a real server that has its requests instrumented:
 * "bench.get KEY" does GET within a recorder, with two entries. "bench.watchers" tells how many
 * watch it. Compiled a second time for LTTng-UST.
 *
 * Debian has no redismodule.h. What is used of it stands below, after the reference of the modules'
 * interface, https://redis.io/docs/latest/develop/reference/modules/modules-api-ref/
 */
#include <stddef.h>
#include <stdint.h>

#ifdef BENCH_LTTNG
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng_events.h"

struct request {
	uint64_t n;
};

#define trace_begin(r) lttng_ust_tracepoint(flightrec_bench, begin, (r)->n, "get", 1000000000)
#define trace_get(r, n_words, key)                                                                 \
	lttng_ust_tracepoint(flightrec_bench, entry, (r)->n, n_words, key)
#define trace_got(r, size, key) lttng_ust_tracepoint(flightrec_bench, entry, (r)->n, size, key)
#define trace_end(r) lttng_ust_tracepoint(flightrec_bench, end, (r)->n)
#define watchers() 0
#else
#include "flightrec.h"

struct request {
	uint64_t n;
	flightrec rec;
};

#define trace_begin(r) flightrec_begin(&(r)->rec, "get", FLIGHTREC_SEC(1))
#define trace_get(r, n_words, key) flightrec_info(&(r)->rec, "+get of %d words: %s", n_words, key)
#define trace_got(r, size, key) flightrec_info(&(r)->rec, "-get: %d bytes of %s", size, key)
#define trace_end(r) flightrec_end(&(r)->rec)
#define watchers() (*flightrec_watch_)
#endif

typedef struct RedisModuleCtx RedisModuleCtx;
typedef struct RedisModuleString RedisModuleString;
typedef struct RedisModuleCallReply RedisModuleCallReply;
typedef int (*command_fn)(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);

#define OK 0
#define API_VERSION 1

static int (*get_api)(const char *name, void *pointer);
static int (*set_attributes)(RedisModuleCtx *ctx, const char *name, int version, int api_version);
static int (*create_command)(RedisModuleCtx *ctx, const char *name, command_fn fn,
			     const char *flags, int first_key, int last_key, int key_step);
static int (*wrong_arity)(RedisModuleCtx *ctx);
static RedisModuleCallReply *(*call)(RedisModuleCtx *ctx, const char *command, const char *format,
				     ...);
static size_t (*reply_length)(RedisModuleCallReply *reply);
static void (*free_reply)(RedisModuleCallReply *reply);
static int (*pass_reply)(RedisModuleCtx *ctx, RedisModuleCallReply *reply);
static int (*reply_number)(RedisModuleCtx *ctx, long long number);
static const char *(*string_text)(const RedisModuleString *string, size_t *length);

static uint64_t requests;

static int bench_get(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	struct request request = {.n = ++requests};
	RedisModuleCallReply *reply;
	const char *key;

	if (argc != 2)
		return wrong_arity(ctx);
	key = string_text(argv[1], NULL);
	trace_begin(&request);
	trace_get(&request, argc, key);
	reply = call(ctx, "GET", "s", argv[1]);
	trace_got(&request, reply ? (int)reply_length(reply) : -1, key);
	pass_reply(ctx, reply);
	free_reply(reply);
	trace_end(&request);
	return OK;
}

static int bench_watchers(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	return reply_number(ctx, watchers());
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);

int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	/* The first word of a context is how a module finds all others. */
	get_api = *(int (**)(const char *, void *))ctx;
	if (get_api("RedisModule_SetModuleAttribs", &set_attributes) ||
	    get_api("RedisModule_CreateCommand", &create_command) ||
	    get_api("RedisModule_WrongArity", &wrong_arity) || get_api("RedisModule_Call", &call) ||
	    get_api("RedisModule_CallReplyLength", &reply_length) ||
	    get_api("RedisModule_FreeCallReply", &free_reply) ||
	    get_api("RedisModule_ReplyWithCallReply", &pass_reply) ||
	    get_api("RedisModule_ReplyWithLongLong", &reply_number) ||
	    get_api("RedisModule_StringPtrLen", &string_text))
		return !OK;
	set_attributes(ctx, "bench", 1, API_VERSION);
	return create_command(ctx, "bench.get", bench_get, "readonly", 1, 1, 1) ||
	       create_command(ctx, "bench.watchers", bench_watchers, "readonly", 0, 0, 0);
}
