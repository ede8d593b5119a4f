/* redis_source.c - the cart's events, one stream per shard, appended by the script that changes the
 * cart.
 *
 * Follows the active relay. One read is in flight at a time: when all its records are delivered the
 * next begins. Positions are stored in schema relay, then the streams are trimmed up to them; what
 * was sent since is sent again after a crash, with the same ids. Redis being away is no reason to
 * stop the outboxes: the source tries again by itself. */
#include "chassis/crash_point.h"
#include "chassis/log.h"
#include "common/clock.h"
#include "postgres.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum {
    CONNECT_TIMEOUT_MS = 500,
    COMMAND_TIMEOUT_MS = 1000,
    BLOCK_MS = 200,
    READ_COUNT = 200, /* entries per stream and read */
    RETRY_US = 1000 * 1000,
    SILENCE_US = 3 * 1000 * 1000,
    ID_MAX = 48,
};

struct redis_address {
    char host[256], user[64], password[256];
    int port, database;
};

struct stream {
    char name[40];
    char last_id[ID_MAX]; /* published */
    bool is_dirty;        /* published further than stored */
};

struct redis_source {
    struct source base;
    struct redis_address address;
    redisContext *native;
    size_t stream_count;
    bool is_waiting; /* a read is sent and not answered */
    bool is_dirty;
    bool is_loaded;
    int64_t asked_at_us, saved_at_us;
    struct stream streams[]; /* with it: the relay frees a source as a whole */
};

static bool parse_address(const char *url, struct redis_address *ret_address);
static struct status load(struct redis_source *self);
static bool connect_server(struct redis_source *self);
static bool authenticate(struct redis_source *self);
static void lose(struct redis_source *self, const char *why);
static void send_read(struct redis_source *self);
static struct status receive(struct redis_source *self);
static struct status publish_reply(struct redis_source *self, const redisReply *reply);
static struct status publish_entries(struct redis_source *self, struct stream *stream,
                                     const redisReply *entries);
static bool parse_entry(const redisReply *entry, struct outbox_row *ret_row);
static struct status save(struct redis_source *self);
static void trim(struct redis_source *self, struct stream *const *streams, size_t count);
static void reply_free(redisReply **reply);

static struct status redis_source_open(struct source *base)
{
    struct redis_source *self = container_of(base, struct redis_source, base);

    window_reset(&base->window, 0);
    self->is_dirty = self->is_waiting = false;
    self->saved_at_us = clock_monotonic_us();
    base->due_us = 0;
    return load(self);
}

static int redis_source_socket(struct source *base)
{
    struct redis_source *self = container_of(base, struct redis_source, base);

    return self->is_waiting ? self->native->fd : -1;
}

static struct status redis_source_step(struct source *base)
{
    struct redis_source *self = container_of(base, struct redis_source, base);
    int64_t now_us = clock_monotonic_us();
    bool is_due = now_us - self->saved_at_us >= base->relay->save_interval_ms * 1000;

    if (!window_is_empty(&base->window)) {
        base->due_us = now_us + RETRY_US; /* its reports wake the loop */
        return status_ok();
    }
    if (self->is_waiting) {
        base->due_us = now_us + RETRY_US;
        return receive(self);
    }
    if (now_us < base->due_us && self->native == NULL)
        return status_ok();
    if (self->native == NULL && !connect_server(self)) {
        base->due_us = now_us + RETRY_US;
        return status_ok();
    }
    if (self->is_dirty && is_due)
        TRY(save(self));
    if (self->native != NULL)
        send_read(self);
    base->due_us = now_us + RETRY_US;
    return status_ok();
}

static struct status redis_source_confirm(struct source *base, bool is_last)
{
    struct redis_source *self = container_of(base, struct redis_source, base);

    if (is_last && self->is_dirty && window_is_empty(&base->window)) {
        if (self->is_waiting) /* its answer would come before the trims' */
            lose(self, NULL);
        return save(self);
    }
    if (window_is_empty(&base->window) && !self->is_waiting && self->native != NULL)
        base->due_us = 0;
    return status_ok();
}

static void redis_source_close(struct source *base)
{
    lose(container_of(base, struct redis_source, base), NULL);
}

static const struct source_ops REDIS_SOURCE = {
    .name = "redis",
    .open = redis_source_open,
    .socket = redis_source_socket,
    .step = redis_source_step,
    .confirm = redis_source_confirm,
    .close = redis_source_close,
};

struct source *redis_source_create(struct relay *relay)
{
    size_t count = (size_t)relay->cart_shards;
    struct redis_source *self = calloc(1, sizeof *self + count * sizeof *self->streams);

    if (self == NULL)
        abort(); /* start-up */
    if (!parse_address(relay->cart_redis_url, &self->address)) {
        free(self);
        return NULL;
    }
    self->stream_count = count;
    for (size_t i = 0; i < count; i++)
        snprintf(self->streams[i].name, sizeof self->streams[i].name, "cart:{c%02zu}:events", i);
    source_init(&self->base, relay, &REDIS_SOURCE, SOURCE_CART);
    return &self->base;
}

/* redis://[user:password@]host:port[/database] */
static bool parse_address(const char *url, struct redis_address *ret_address)
{
    struct redis_address address = {.port = 6379};
    const char *at;

    if (!str_starts_with(url, "redis://"))
        return false;
    url += strlen("redis://");
    at = strrchr(url, '@');
    if (at != NULL) {
        if (sscanf(url, "%63[^:@]:%255[^@]", address.user, address.password) != 2 &&
            sscanf(url, ":%255[^@]", address.password) != 1)
            return false;
        url = at + 1;
    }
    if (sscanf(url, "%255[^:/]:%d/%d", address.host, &address.port, &address.database) < 1)
        return false;
    *ret_address = address;
    return true;
}

static struct status load(struct redis_source *self)
{
    struct relay *relay = self->base.relay;
    const char **names = arena_array(relay->ctx.arena, const char *, self->stream_count);
    const char **ids = arena_array(relay->ctx.arena, const char *, self->stream_count);

    for (size_t i = 0; i < self->stream_count; i++)
        names[i] = self->streams[i].name;
    TRY(state_load_streams(relay, names, self->stream_count, ids));
    for (size_t i = 0; i < self->stream_count; i++) {
        snprintf(self->streams[i].last_id, ID_MAX, "%s", ids[i]);
        self->streams[i].is_dirty = false;
    }
    return status_ok();
}

static bool connect_server(struct redis_source *self)
{
    const struct timeval connect = {0, CONNECT_TIMEOUT_MS * 1000};
    const struct timeval command = {COMMAND_TIMEOUT_MS / 1000, 0};

    self->native = redisConnectWithTimeout(self->address.host, self->address.port, connect);
    if (self->native == NULL || self->native->err != 0) {
        lose(self, self->native == NULL ? "no memory" : self->native->errstr);
        return false;
    }
    redisSetTimeout(self->native, command);
    redisEnableKeepAlive(self->native);
    return authenticate(self);
}

static bool authenticate(struct redis_source *self)
{
    const struct redis_address *address = &self->address;
    _cleanup_(reply_free) redisReply *auth = NULL;
    _cleanup_(reply_free) redisReply *select = NULL;

    if (*address->password != '\0')
        auth = *address->user != '\0'
                   ? redisCommand(self->native, "AUTH %s %s", address->user, address->password)
                   : redisCommand(self->native, "AUTH %s", address->password);
    if (*address->password != '\0' && (auth == NULL || auth->type == REDIS_REPLY_ERROR)) {
        lose(self, auth == NULL ? self->native->errstr : auth->str);
        return false;
    }
    select = redisCommand(self->native, "SELECT %d", address->database);
    if (select == NULL || select->type == REDIS_REPLY_ERROR) {
        lose(self, select == NULL ? self->native->errstr : select->str);
        return false;
    }
    return true;
}

static void lose(struct redis_source *self, const char *why)
{
    if (why != NULL)
        log_warn(NULL, "cart_redis_lost", LOG_STR("why", why));
    if (self->native != NULL)
        redisFree(self->native);
    self->native = NULL;
    self->is_waiting = false;
    self->base.due_us = clock_monotonic_us() + RETRY_US;
}

/* XREAD COUNT n BLOCK ms STREAMS name... id... */
static void send_read(struct redis_source *self)
{
    struct arena *arena = self->base.relay->ctx.arena;
    size_t count = self->stream_count;
    const char **words = arena_array(arena, const char *, 6 + 2 * count);
    int done = 0;

    words[0] = "XREAD";
    words[1] = "COUNT";
    words[2] = arena_printf(arena, "%d", READ_COUNT);
    words[3] = "BLOCK";
    words[4] = arena_printf(arena, "%d", BLOCK_MS);
    words[5] = "STREAMS";
    for (size_t i = 0; i < count; i++) {
        words[6 + i] = self->streams[i].name;
        words[6 + count + i] = self->streams[i].last_id;
    }
    redisAppendCommandArgv(self->native, (int)(6 + 2 * count), words, NULL);
    while (!done)
        if (redisBufferWrite(self->native, &done) != REDIS_OK) {
            lose(self, self->native->errstr);
            return;
        }
    self->is_waiting = true;
    self->asked_at_us = clock_monotonic_us();
}

/* Called when the socket is readable, or now and then; a read of nothing would block, so the socket
 * is asked first. */
static struct status receive(struct redis_source *self)
{
    _cleanup_(reply_free) redisReply *reply = NULL;
    void *parsed = NULL;
    struct pollfd file = {.fd = self->native->fd, .events = POLLIN};

    if (poll(&file, 1, 0) == 1 && redisBufferRead(self->native) != REDIS_OK) {
        lose(self, self->native->errstr);
        return status_ok();
    }
    if (redisGetReplyFromReader(self->native, &parsed) != REDIS_OK) {
        lose(self, self->native->errstr);
        return status_ok();
    }
    reply = parsed;
    if (reply == NULL) {
        if (clock_monotonic_us() - self->asked_at_us > SILENCE_US)
            lose(self, "silent");
        return status_ok();
    }
    self->is_waiting = false;
    self->base.due_us = 0;
    if (reply->type == REDIS_REPLY_NIL)
        return status_ok(); /* nothing new */
    if (reply->type != REDIS_REPLY_ARRAY) {
        lose(self, reply->type == REDIS_REPLY_ERROR ? reply->str : "unexpected reply");
        return status_ok();
    }
    return publish_reply(self, reply);
}

static struct status publish_reply(struct redis_source *self, const redisReply *reply)
{
    struct window *window = &self->base.window;

    window_begin(window, clock_now_us());
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *pair = reply->element[i];
        struct stream *stream = NULL;

        for (size_t j = 0; j < self->stream_count && stream == NULL; j++)
            if (strcmp(self->streams[j].name, pair->element[0]->str) == 0)
                stream = &self->streams[j];
        if (stream != NULL)
            TRY(publish_entries(self, stream, pair->element[1]));
    }
    window_end(window, window->confirmed + 1);
    return status_ok();
}

static struct status publish_entries(struct redis_source *self, struct stream *stream,
                                     const redisReply *entries)
{
    struct relay *relay = self->base.relay;

    for (size_t i = 0; i < entries->elements; i++) {
        const redisReply *entry = entries->element[i];
        struct outbox_row row;

        if (parse_entry(entry, &row))
            TRY(relay_publish(relay, &self->base, &row));
        else
            log_error(NULL, "cart_entry_malformed", LOG_STR("stream", stream->name),
                      LOG_STR("id", entry->element[0]->str));
        snprintf(stream->last_id, ID_MAX, "%s", entry->element[0]->str);
        stream->is_dirty = self->is_dirty = true;
        TRY(crash_point(CRASH_RELAY_CARTS_PRODUCED, NULL));
    }
    return status_ok();
}

/* [id, [name, value, ...]] */
static bool parse_entry(const redisReply *entry, struct outbox_row *ret_row)
{
    struct outbox_row row = {0};
    const struct {
        const char *name;
        struct db_bytes *field;
    } fields[] = {{"topic", &row.topic},
                  {"key", &row.key},
                  {"headers", &row.headers},
                  {"payload", &row.payload}};
    const redisReply *pairs = entry->elements == 2 ? entry->element[1] : NULL;
    size_t found = 0;
    long long ms;

    if (pairs == NULL || pairs->type != REDIS_REPLY_ARRAY ||
        sscanf(entry->element[0]->str, "%lld", &ms) != 1)
        return false;
    for (size_t i = 0; i + 1 < pairs->elements; i += 2)
        for (size_t j = 0; j < ARRAY_LEN(fields); j++)
            if (strcmp(pairs->element[i]->str, fields[j].name) == 0) {
                *fields[j].field = (struct db_bytes){pairs->element[i + 1]->str,
                                                     (size_t)pairs->element[i + 1]->len};
                found++;
            }
    row.time_us = ms * 1000;
    *ret_row = row;
    return found == ARRAY_LEN(fields) && row.topic.length > 0 && row.key.length > 0;
}

/* Stored first, trimmed after: between the two a crash leaves entries that nobody reads again. */
static struct status save(struct redis_source *self)
{
    struct relay *relay = self->base.relay;
    struct arena *arena = relay->ctx.arena;
    const char **names = arena_array(arena, const char *, self->stream_count);
    const char **ids = arena_array(arena, const char *, self->stream_count);
    struct stream **dirty = arena_array(arena, struct stream *, self->stream_count);
    size_t count = 0;

    for (size_t i = 0; i < self->stream_count; i++)
        if (self->streams[i].is_dirty) {
            names[count] = self->streams[i].name;
            ids[count] = self->streams[i].last_id;
            dirty[count++] = &self->streams[i];
        }
    TRY(state_save_streams(relay, names, ids, count));
    TRY(crash_point(CRASH_RELAY_CARTS_SAVED, NULL));
    for (size_t i = 0; i < count; i++)
        dirty[i]->is_dirty = false;
    self->is_dirty = false;
    self->saved_at_us = clock_monotonic_us();
    trim(self, dirty, count);
    return status_ok();
}

/* MINID keeps what is not below it: the successor of the last published id. */
static void trim(struct redis_source *self, struct stream *const *streams, size_t count)
{
    for (size_t i = 0; i < count && self->native != NULL; i++) {
        unsigned long long ms = 0;
        unsigned long long seq = 0;

        if (sscanf(streams[i]->last_id, "%llu-%llu", &ms, &seq) == 2)
            redisAppendCommand(self->native, "XTRIM %s MINID %llu-%llu", streams[i]->name, ms,
                               seq + 1);
    }
    for (size_t i = 0; i < count && self->native != NULL; i++) {
        void *reply = NULL;

        if (redisGetReply(self->native, &reply) != REDIS_OK)
            lose(self, self->native->errstr);
        else
            freeReplyObject(reply);
    }
}

static void reply_free(redisReply **reply)
{
    if (*reply != NULL)
        freeReplyObject(*reply);
}
