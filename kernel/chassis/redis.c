/* redis.c - hiredis behind a bounded pool of blocking contexts, each used by one thread at a time.
 *
 * A context that timed out or broke is freed, never reconnected: hiredis loses its time-out on
 * reconnection. After a time-out the effect of the command is unknown. */
#include "chassis/redis.h"

#include "chassis/crash_point.h"
#include "common/clock.h"
#include "common/str.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

const struct error_def ERROR_SCRIPT_REFUSED = {
    STATUS_FAILED_PRECONDITION, "SCRIPT_REFUSED",
    "A script's own answer; its first word is the reason"};

enum { SCRIPTS_MAX = 64, SHA_LENGTH = 40 };

/* What a script was loaded as. */
struct loaded_script {
    const struct redis_script *script;
    char sha[SHA_LENGTH + 1];
};

struct redis {
    char *host;
    int port;
    char *user;
    char *password; /* NULL: no AUTH */
    int64_t database;
    int64_t timeout_ms;
    pthread_mutex_t lock;
    pthread_cond_t released;
    redisContext **idle;
    size_t idle_count;
    size_t open_count; /* idle or lent */
    size_t size;
    struct loaded_script scripts[SCRIPTS_MAX];
    size_t script_count;
};

/* Errors of the server itself, by their first word; any other word is a script's own. */
static const struct {
    const char *word;
    const struct error_def *error;
} SERVER_ERRORS[] = {
    {"LOADING", &ERROR_UNAVAILABLE},  {"READONLY", &ERROR_UNAVAILABLE},
    {"BUSY", &ERROR_UNAVAILABLE},     {"MASTERDOWN", &ERROR_UNAVAILABLE},
    {"OOM", &ERROR_UNAVAILABLE},      {"CLUSTERDOWN", &ERROR_UNAVAILABLE},
    {"TRYAGAIN", &ERROR_UNAVAILABLE}, {"NOREPLICAS", &ERROR_UNAVAILABLE},
    {"MISCONF", &ERROR_UNAVAILABLE},  {"ERR", &ERROR_INTERNAL},
    {"WRONGTYPE", &ERROR_INTERNAL},   {"NOAUTH", &ERROR_INTERNAL},
    {"WRONGPASS", &ERROR_INTERNAL},   {"NOPERM", &ERROR_INTERNAL},
    {"MOVED", &ERROR_INTERNAL},       {"ASK", &ERROR_INTERNAL},
    {"CROSSSLOT", &ERROR_INTERNAL},   {"NOSCRIPT", &ERROR_INTERNAL},
    {"EXECABORT", &ERROR_INTERNAL},   {"NOPROTO", &ERROR_INTERNAL},
};

static struct status parse_url(struct ctx *boot, const char *url, struct redis *redis);
static char *copy_decoded(const char *text, size_t length);
static struct status acquire(struct ctx *ctx, struct redis *redis, redisContext **ret_context);
static bool is_alive(const redisContext *context);
static void release(struct redis *redis, redisContext *context);
static struct status connect_context(struct ctx *ctx, const struct redis *redis,
                                     redisContext **ret_context);
static struct status greet(struct ctx *ctx, const struct redis *redis, redisContext *context);
static struct status exchange(struct ctx *ctx, redisContext *context, struct redis_call *calls,
                              size_t count);
static struct status broken(struct ctx *ctx, const redisContext *context);
static struct status refusal(struct ctx *ctx, const char *text);
static bool has_word(const char *text, const char *word);
static void copy_reply(struct arena *arena, const redisReply *reply, struct redis_reply *ret_reply);
static struct status script_sha(struct ctx *ctx, struct redis *redis,
                                const struct redis_script *script, const char **ret_sha);
static struct timeval timeval_of_ms(int64_t ms);

struct status redis_open(struct ctx *boot, const char *url, int64_t pool_max, int64_t timeout_ms,
                         struct redis **ret_redis)
{
    struct redis *redis = calloc(1, sizeof *redis);
    pthread_condattr_t monotonic;

    struct status status = parse_url(boot, url, redis);
    if (status.code != STATUS_OK) {
        free(redis);
        return status;
    }
    redis->timeout_ms = timeout_ms;
    redis->size = (size_t)pool_max;
    redis->idle = calloc(redis->size, sizeof(redisContext *));
    pthread_mutex_init(&redis->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&redis->released, &monotonic);
    pthread_condattr_destroy(&monotonic);
    signal(SIGPIPE, SIG_IGN); // hiredis writes to a socket that may be closed without MSG_NOSIGNAL
    *ret_redis = redis;
    return status_ok();
}

void redis_close(struct redis *redis)
{
    if (redis == NULL)
        return;
    for (size_t i = 0; i < redis->idle_count; i++)
        redisFree(redis->idle[i]);
    pthread_cond_destroy(&redis->released);
    pthread_mutex_destroy(&redis->lock);
    free(redis->idle);
    free(redis->host);
    free(redis->user);
    free(redis->password);
    free(redis);
}

struct status redis_ping(struct ctx *ctx, struct redis *redis)
{
    struct redis_reply reply;
    struct db_bytes args[] = {redis_arg("PING")};

    return redis_command(ctx, redis, args, ARRAY_LEN(args), &reply);
}

struct status redis_eval(struct ctx *ctx, struct redis *redis, const struct redis_script *script,
                         const struct db_bytes *keys, size_t key_count, const struct db_bytes *args,
                         size_t arg_count, struct redis_reply *ret_reply)
{
    size_t count = 3 + key_count + arg_count;
    struct db_bytes *vector = arena_array(ctx->arena, struct db_bytes, count);
    const char *sha = NULL;

    TRY(crash_point(CRASH_SCRIPT_UNSENT, ctx->method));
    TRY(script_sha(ctx, redis, script, &sha));
    vector[0] = redis_arg("EVALSHA");
    vector[1] = redis_arg(sha);
    vector[2] = redis_arg_int(ctx, (int64_t)key_count);
    for (size_t i = 0; i < key_count; i++)
        vector[3 + i] = keys[i];
    for (size_t i = 0; i < arg_count; i++)
        vector[3 + key_count + i] = args[i];

    struct status status = redis_command(ctx, redis, vector, count, ret_reply);
    if (status.code == STATUS_INTERNAL && has_word(status.detail, "NOSCRIPT")) {
        vector[0] = redis_arg("EVAL"); // the server forgot it (restart, failover, SCRIPT FLUSH)
        vector[1] = redis_arg(script->lua);
        status = redis_command(ctx, redis, vector, count, ret_reply);
    }
    TRY(status);
    return crash_point(CRASH_SCRIPT_DONE, ctx->method);
}

struct status redis_command(struct ctx *ctx, struct redis *redis, const struct db_bytes *args,
                            size_t arg_count, struct redis_reply *ret_reply)
{
    struct redis_call call = {.args = args, .arg_count = arg_count};

    TRY(redis_pipeline(ctx, redis, &call, 1));
    *ret_reply = call.reply;
    return status_ok();
}

struct status redis_pipeline(struct ctx *ctx, struct redis *redis, struct redis_call *calls,
                             size_t count)
{
    redisContext *context = NULL;

    TRY(acquire(ctx, redis, &context));
    int64_t left_ms = ctx_remaining_ms(ctx);
    bool is_hurried = left_ms < redis->timeout_ms;
    if (is_hurried)
        redisSetTimeout(context, timeval_of_ms(left_ms > 0 ? left_ms : 1));
    struct status status = exchange(ctx, context, calls, count);
    if (is_hurried && context->err == 0)
        redisSetTimeout(context, timeval_of_ms(redis->timeout_ms));
    release(redis, context);
    return status;
}

struct db_bytes redis_arg(const char *text)
{
    return (struct db_bytes){text, strlen(text)};
}

struct db_bytes redis_arg_int(struct ctx *ctx, int64_t value)
{
    return redis_arg(arena_printf(ctx->arena, "%" PRId64, value));
}

/* redis://[user:password@]host:port[/db]; user and password may be percent-encoded. */
static struct status parse_url(struct ctx *boot, const char *url, struct redis *redis)
{
    static const char SCHEME[] = "redis://";
    const char *start = str_starts_with(url, SCHEME) ? url + strlen(SCHEME) : "";
    const char *at = strrchr(start, '@');
    const char *host = at == NULL ? start : at + 1;
    const char *host_end = host + strcspn(host, ":/");
    const char *slash = strchr(host, '/');
    const char *port = *host_end == ':' ? host_end + 1 : "6379";
    size_t port_length = strcspn(port, "/");
    int64_t number = 0;

    if (host_end == host || !str_to_int64(arena_strndup(boot->arena, port, port_length), &number) ||
        number < 1 || number > 65535 ||
        (slash != NULL && slash[1] != '\0' && !str_to_int64(slash + 1, &redis->database)))
        return ctx_fail(boot, &ERROR_INTERNAL,
                        "a Redis URL is redis://[user:password@]host:port[/db]");
    redis->host = strndup(host, (size_t)(host_end - host));
    redis->port = (int)number;
    if (at != NULL) {
        const char *colon = memchr(start, ':', (size_t)(at - start));
        const char *secret = colon == NULL ? start : colon + 1;
        redis->user = copy_decoded(start, colon == NULL ? 0 : (size_t)(colon - start));
        redis->password = copy_decoded(secret, (size_t)(at - secret));
    }
    return status_ok();
}

static char *copy_decoded(const char *text, size_t length)
{
    char *copy = calloc(1, length + 1);
    size_t out = 0;

    for (size_t i = 0; i < length; i++) {
        uint8_t byte;
        char digits[3] = {0};
        if (text[i] == '%' && i + 2 < length) {
            memcpy(digits, text + i + 1, 2);
            if (str_from_hex(digits, &byte, 1)) {
                copy[out++] = (char)byte;
                i += 2;
                continue;
            }
        }
        copy[out++] = text[i];
    }
    return copy;
}

static struct status acquire(struct ctx *ctx, struct redis *redis, redisContext **ret_context)
{
    struct timespec until = {.tv_sec = ctx->deadline_us / 1000000,
                             .tv_nsec = ctx->deadline_us % 1000000 * 1000};
    redisContext *context = NULL;
    int timed_out = 0;

    pthread_mutex_lock(&redis->lock);
    while (redis->idle_count == 0 && redis->open_count == redis->size && timed_out == 0)
        timed_out = pthread_cond_timedwait(&redis->released, &redis->lock, &until);
    bool has_room = redis->idle_count > 0 || redis->open_count < redis->size;
    if (redis->idle_count > 0)
        context = redis->idle[--redis->idle_count];
    else if (has_room)
        redis->open_count++;
    pthread_mutex_unlock(&redis->lock);
    if (!has_room)
        return ctx_fail(ctx, &ERROR_OVERLOADED, "all %zu Redis connections are in use",
                        redis->size);

    if (context != NULL && !is_alive(context)) {
        redisFree(context);
        context = NULL;
    }
    if (context == NULL) {
        struct status status = connect_context(ctx, redis, &context);
        if (status.code != STATUS_OK) {
            release(redis, context);
            return status;
        }
    }
    *ret_context = context;
    return status_ok();
}

/* An idle connection that has something to say was closed by the server. */
static bool is_alive(const redisContext *context)
{
    struct pollfd fd = {.fd = context->fd, .events = POLLIN};

    return poll(&fd, 1, 0) == 0;
}

static void release(struct redis *redis, redisContext *context)
{
    bool is_reusable = context != NULL && context->err == 0;

    if (!is_reusable && context != NULL)
        redisFree(context);
    pthread_mutex_lock(&redis->lock);
    if (is_reusable)
        redis->idle[redis->idle_count++] = context;
    else
        redis->open_count--;
    pthread_cond_signal(&redis->released);
    pthread_mutex_unlock(&redis->lock);
}

/* On failure the context may still have to be freed; release() does. */
static struct status connect_context(struct ctx *ctx, const struct redis *redis,
                                     redisContext **ret_context)
{
    struct timeval timeout = timeval_of_ms(redis->timeout_ms);
    redisContext *context = redisConnectWithTimeout(redis->host, redis->port, timeout);

    *ret_context = context;
    if (context == NULL)
        return ctx_fail(ctx, &ERROR_UNAVAILABLE, "Redis: no context");
    if (context->err != 0)
        return broken(ctx, context);
    if (redisSetTimeout(context, timeout) != REDIS_OK || redisEnableKeepAlive(context) != REDIS_OK)
        return broken(ctx, context);
    struct status status = greet(ctx, redis, context);
    if (status.code != STATUS_OK && context->err == 0)
        context->err = REDIS_ERR_OTHER; // refused, so not to be reused
    return status;
}

static struct status greet(struct ctx *ctx, const struct redis *redis, redisContext *context)
{
    struct db_bytes auth[3] = {redis_arg("AUTH")};
    size_t auth_count = 1;

    if (redis->password != NULL) {
        if (redis->user[0] != '\0')
            auth[auth_count++] = redis_arg(redis->user);
        auth[auth_count++] = redis_arg(redis->password);
        struct redis_call call = {.args = auth, .arg_count = auth_count};
        TRY(exchange(ctx, context, &call, 1));
    }
    if (redis->database == 0)
        return status_ok();
    struct db_bytes choose[] = {redis_arg("SELECT"), redis_arg_int(ctx, redis->database)};
    struct redis_call call = {.args = choose, .arg_count = ARRAY_LEN(choose)};
    return exchange(ctx, context, &call, 1);
}

/* Every reply is read, whatever the first error is, so that the context stays in step. */
static struct status exchange(struct ctx *ctx, redisContext *context, struct redis_call *calls,
                              size_t count)
{
    struct status first = status_ok();

    for (size_t i = 0; i < count; i++) {
        const char **values = arena_array(ctx->arena, const char *, calls[i].arg_count);
        size_t *lengths = arena_array(ctx->arena, size_t, calls[i].arg_count);
        for (size_t k = 0; k < calls[i].arg_count; k++) {
            values[k] = calls[i].args[k].data;
            lengths[k] = calls[i].args[k].length;
        }
        if (redisAppendCommandArgv(context, (int)calls[i].arg_count, values, lengths) != REDIS_OK)
            return broken(ctx, context);
    }
    for (size_t i = 0; i < count; i++) {
        void *reply = NULL;
        if (redisGetReply(context, &reply) != REDIS_OK)
            return broken(ctx, context);
        const redisReply *answer = reply;
        if (answer->type == REDIS_REPLY_ERROR && first.code == STATUS_OK)
            first = refusal(ctx, answer->str);
        copy_reply(ctx->arena, answer, &calls[i].reply);
        freeReplyObject(reply);
    }
    return first;
}

static struct status broken(struct ctx *ctx, const redisContext *context)
{
    bool is_late = context->err == REDIS_ERR_IO && (errno == EAGAIN || errno == ETIMEDOUT);

    return ctx_fail(ctx, is_late ? &ERROR_DEADLINE : &ERROR_UNAVAILABLE, "Redis: %s",
                    context->errstr);
}

static struct status refusal(struct ctx *ctx, const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(SERVER_ERRORS); i++)
        if (has_word(text, SERVER_ERRORS[i].word))
            return ctx_fail(ctx, SERVER_ERRORS[i].error, "%s", text);
    return ctx_fail(ctx, &ERROR_SCRIPT_REFUSED, "%s", text);
}

/* Is `word` the first one of `text`? */
static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    return str_starts_with(str_or_empty(text), word) &&
           (text[length] == ' ' || text[length] == '\0');
}

/* hiredis bounds the nesting at 7. */
static void copy_reply(struct arena *arena, const redisReply *reply, struct redis_reply *ret_reply)
{
    *ret_reply = (struct redis_reply){.kind = REDIS_NIL};
    if (reply->type == REDIS_REPLY_INTEGER) {
        ret_reply->kind = REDIS_INT;
        ret_reply->integer = reply->integer;
    } else if (reply->type == REDIS_REPLY_ARRAY) {
        struct redis_reply *items = arena_array(arena, struct redis_reply, reply->elements);
        for (size_t i = 0; i < reply->elements; i++)
            copy_reply(arena, reply->element[i], &items[i]);
        ret_reply->kind = REDIS_LIST;
        ret_reply->items = items;
        ret_reply->count = reply->elements;
    } else if (reply->type != REDIS_REPLY_NIL) {
        ret_reply->kind = REDIS_TEXT;
        ret_reply->text = arena_strndup(arena, reply->str, (size_t)reply->len);
        ret_reply->length = (size_t)reply->len;
    }
}

/* The server computes it, once a process and script. */
static struct status script_sha(struct ctx *ctx, struct redis *redis,
                                const struct redis_script *script, const char **ret_sha)
{
    struct db_bytes load[] = {redis_arg("SCRIPT"), redis_arg("LOAD"), redis_arg(script->lua)};
    struct redis_reply reply;
    const char *found = NULL;

    pthread_mutex_lock(&redis->lock);
    for (size_t i = 0; i < redis->script_count && found == NULL; i++)
        if (redis->scripts[i].script == script)
            found = redis->scripts[i].sha;
    pthread_mutex_unlock(&redis->lock);
    if (found != NULL) {
        *ret_sha = found;
        return status_ok();
    }
    TRY(redis_command(ctx, redis, load, ARRAY_LEN(load), &reply));
    if (reply.kind != REDIS_TEXT || reply.length != SHA_LENGTH)
        return ctx_fail(ctx, &ERROR_INTERNAL, "SCRIPT LOAD of %s answered no SHA", script->name);
    pthread_mutex_lock(&redis->lock);
    if (redis->script_count < SCRIPTS_MAX) { // beyond it a script is loaded at each use
        struct loaded_script *loaded = &redis->scripts[redis->script_count++];
        loaded->script = script;
        memcpy(loaded->sha, reply.text, SHA_LENGTH);
    }
    pthread_mutex_unlock(&redis->lock);
    *ret_sha = reply.text;
    return status_ok();
}

static struct timeval timeval_of_ms(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}
