/* carts_read.c - walks the carts of the window without stopping anybody: SCAN, and reads in
 * pipelines. */
#include "carts.h"

#include "cart/v1/service.pb-c.h"
#include "common/uuid.h"
#include "events/headers.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

enum { SCAN_COUNT = 1000, TIMEOUT_S = 20, SHARDS = 64, WAITING_MAX = 10000 };

static redisContext *open_redis(struct audit *audit);
static bool scan(struct audit *audit, redisContext *redis, struct carts *carts);
static bool load(struct audit *audit, redisContext *redis, struct carts *carts,
                 const redisReply *keys);
static void unpack(struct audit *audit, struct carts *carts, const char *id,
                   const redisReply *reply);
static bool read_streams(struct audit *audit, redisContext *redis, struct carts *carts);

static void reply_free(redisReply **reply)
{
    if (*reply != NULL)
        freeReplyObject(*reply);
}

static void redis_close(redisContext **redis)
{
    if (*redis != NULL)
        redisFree(*redis);
}

const struct carts *carts_read(struct audit *audit)
{
    if (audit->carts != NULL || audit->failure != NULL)
        return audit->failure ? NULL : audit->carts;
    struct carts *carts = arena_new(audit->arena, struct carts);
    _cleanup_(redis_close) redisContext *redis = open_redis(audit);
    if (redis == NULL || audit->failure != NULL || !scan(audit, redis, carts) ||
        !read_streams(audit, redis, carts)) {
        audit_fail(audit, "Redis %s: %s", audit->settings.redis_url,
                   redis && redis->err ? redis->errstr : "no answer");
        return NULL;
    }
    audit->carts = carts;
    return carts;
}

static bool accepts(redisReply *reply)
{
    bool is_ok = reply != NULL && reply->type != REDIS_REPLY_ERROR;

    if (reply != NULL)
        freeReplyObject(reply);
    return is_ok;
}

/* redis://[user:password@]host:port[/database] */
static redisContext *open_redis(struct audit *audit)
{
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
    const char *url = audit->settings.redis_url;
    char user[64] = "", password[256] = "", host[256] = "";
    const char *at = strrchr(url, '@');
    int port = 6379;
    int database = 0;

    url += str_starts_with(url, "redis://") ? strlen("redis://") : 0;
    if (at != NULL && sscanf(url, "%63[^:@]:%255[^@]", user, password) != 2)
        (void)sscanf(url, ":%255[^@]", password);
    if (sscanf(at ? at + 1 : url, "%255[^:/]:%d/%d", host, &port, &database) < 1)
        return NULL;
    redisContext *redis = redisConnectWithTimeout(host, port, timeout);
    if (redis == NULL || redis->err != 0)
        return redis;
    redisSetTimeout(redis, timeout);
    if (*password != '\0' &&
        !accepts(*user == '\0' ? redisCommand(redis, "AUTH %s", password)
                               : redisCommand(redis, "AUTH %s %s", user, password)))
        audit_fail(audit, "Redis %s: the password is refused", host);
    if (!accepts(redisCommand(redis, "SELECT %d", database)))
        audit_fail(audit, "Redis %s: no database %d", host, database);
    return redis;
}

static bool scan(struct audit *audit, redisContext *redis, struct carts *carts)
{
    char cursor[32] = "0";

    do {
        _cleanup_(reply_free) redisReply *page = redisCommand(
            redis, "SCAN %s MATCH cart:{c*}:*-* COUNT %d TYPE hash", cursor, SCAN_COUNT);
        if (page == NULL || page->type != REDIS_REPLY_ARRAY || page->elements != 2)
            return false;
        snprintf(cursor, sizeof cursor, "%s", page->element[0]->str);
        if (!load(audit, redis, carts, page->element[1]))
            return false;
    } while (strcmp(cursor, "0") != 0);
    return true;
}

static bool load(struct audit *audit, redisContext *redis, struct carts *carts,
                 const redisReply *keys)
{
    struct cart *grown = arena_array(audit->arena, struct cart, carts->count + keys->elements);

    if (carts->count > 0)
        memcpy(grown, carts->carts, carts->count * sizeof *grown);
    carts->carts = grown;
    for (size_t i = 0; i < keys->elements; i++)
        redisAppendCommand(redis, "HMGET %b s b", keys->element[i]->str, keys->element[i]->len);
    for (size_t i = 0; i < keys->elements; i++) {
        _cleanup_(reply_free) redisReply *reply = NULL;
        const char *id = strrchr(keys->element[i]->str, ':') + 1;
        void *found = NULL;
        if (redisGetReply(redis, &found) != REDIS_OK)
            return false;
        reply = found;
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
            reply->element[1]->type == REDIS_REPLY_STRING && audit_covers(audit, id))
            unpack(audit, carts, id, reply);
    }
    return true;
}

static void unpack(struct audit *audit, struct carts *carts, const char *id,
                   const redisReply *reply)
{
    struct cart *cart = &carts->carts[carts->count++];
    const redisReply *bytes = reply->element[1];
    Cart__V1__Cart *draft = cart__v1__cart__unpack(arena_protobuf(audit->arena), bytes->len,
                                                   (const uint8_t *)bytes->str);

    *cart = (struct cart){.id = arena_strdup(audit->arena, id), .checkout_id = "", .state = -1};
    (void)str_to_int64(str_or_empty(reply->element[0]->str), &cart->sequence);
    if (draft == NULL)
        return;
    cart->state = (int)draft->state;
    cart->checkout_id = draft->checkout_id;
    cart->version = draft->version;
}

/* [id, [name, value, ...]]: the id of the event that an entry holds; else its own. */
static const char *event_id(struct audit *audit, const redisReply *entry)
{
    const redisReply *pairs = entry->elements == 2 ? entry->element[1] : NULL;
    const char *id = NULL;

    for (size_t i = 0; pairs != NULL && i + 1 < pairs->elements; i += 2)
        if (strcmp(pairs->element[i]->str, "headers") == 0)
            id = headers_find(
                audit->arena,
                (struct db_bytes){pairs->element[i + 1]->str, pairs->element[i + 1]->len}, "ce_id");
    return id ? id : arena_strdup(audit->arena, entry->element[0]->str);
}

static bool read_streams(struct audit *audit, redisContext *redis, struct carts *carts)
{
    carts->waiting = arena_array(audit->arena, struct waiting_event, WAITING_MAX);
    for (int shard = 0; shard < SHARDS; shard++) {
        const char *stream = arena_printf(audit->arena, "cart:{c%02d}:events", shard);
        _cleanup_(reply_free) redisReply *reply =
            redisCommand(redis, "XRANGE %s - + COUNT %d", stream, WAITING_MAX / SHARDS);
        if (reply == NULL || reply->type != REDIS_REPLY_ARRAY)
            return false;
        for (size_t i = 0; i < reply->elements && carts->waiting_count < WAITING_MAX; i++)
            carts->waiting[carts->waiting_count++] =
                (struct waiting_event){event_id(audit, reply->element[i]), stream};
    }
    return true;
}
