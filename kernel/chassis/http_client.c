/* http_client.c - requests to strangers over libcurl: bounded, guarded, never repeated. */
#include "chassis/http_client.h"

#include "common/clock.h"
#include "http_pool.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HANDLES_KEPT = 32, ANSWER_MAX_DEFAULT = 1024 * 1024 };

/* Idle handles with their kept connections; more are made as needed and dropped when over. */
struct http_pool {
    pthread_mutex_t lock;
    CURL *idle[HANDLES_KEPT];
    size_t idle_count;
};

struct sink {
    struct buffer *body;
    size_t max;
};

static const struct error_def NOT_SENT = {STATUS_UNAVAILABLE, "HTTP_NOT_SENT",
                                          "the other side is not reachable"};
static const struct error_def LOST = {STATUS_UNKNOWN, "HTTP_LOST",
                                      "it may have been received: ask before trying again"};
static const struct error_def FORBIDDEN = {STATUS_PERMISSION_DENIED, "HTTP_ADDRESS_FORBIDDEN",
                                           "private addresses are refused"};

static void set_headers(struct ctx *ctx, CURL *curl, const struct http_call *call);
static void set_method(CURL *curl, const struct http_call *call);
static curl_socket_t open_public(void *closure, curlsocktype purpose,
                                 struct curl_sockaddr *address);
static size_t on_answer(char *data, size_t size, size_t count, void *closure);

struct status http_pool_open(struct ctx *boot, struct daemon *daemon)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return ctx_fail(boot, &ERROR_INTERNAL, "libcurl does not start");
    daemon->fetch = arena_new(daemon->arena, struct http_pool);
    pthread_mutex_init(&daemon->fetch->lock, NULL);
    return status_ok();
}

void http_pool_close(struct daemon *daemon)
{
    struct http_pool *pool = daemon->fetch;

    if (!pool)
        return;
    while (pool->idle_count)
        curl_easy_cleanup(pool->idle[--pool->idle_count]);
    pthread_mutex_destroy(&pool->lock);
    curl_global_cleanup();
}

CURL *http_pool_take(struct http_pool *pool)
{
    CURL *curl = NULL;

    pthread_mutex_lock(&pool->lock);
    if (pool->idle_count)
        curl = pool->idle[--pool->idle_count];
    pthread_mutex_unlock(&pool->lock);
    return curl ? curl : curl_easy_init();
}

void http_pool_give(struct http_pool *pool, CURL *curl)
{
    curl_easy_reset(curl);
    pthread_mutex_lock(&pool->lock);
    bool is_kept = pool->idle_count < HANDLES_KEPT;
    if (is_kept)
        pool->idle[pool->idle_count++] = curl;
    pthread_mutex_unlock(&pool->lock);
    if (!is_kept)
        curl_easy_cleanup(curl);
}

int64_t http_pool_timeout_ms(const struct ctx *ctx, int64_t wanted_ms)
{
    int64_t left_ms = ctx_remaining_ms(ctx);

    return wanted_ms && wanted_ms < left_ms ? wanted_ms : left_ms;
}

struct status http_fetch(struct ctx *ctx, const struct http_call *call,
                         struct http_answer *ret_answer)
{
    struct http_pool *pool = ctx->daemon->fetch;
    struct buffer body;
    struct sink sink = {&body, call->answer_max ? call->answer_max : ANSWER_MAX_DEFAULT};
    int64_t timeout_ms = http_pool_timeout_ms(ctx, call->timeout_ms);
    bool is_refused = false;
    long http_status = 0;
    CURL *curl = timeout_ms > 0 ? http_pool_take(pool) : NULL;

    if (!curl)
        return ctx_fail(ctx, &ERROR_DEADLINE, "no time left for %s", call->url);
    buffer_init(&body, ctx->arena, 1024);
    buffer_puts(&body, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_URL, call->url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    if (call->connect_timeout_ms)
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)call->connect_timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sink);
    /* A kept connection that died would make curl send again by itself. */
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    if (!call->allow_private) {
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_public);
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &is_refused);
    }
    set_method(curl, call);
    set_headers(ctx, curl, call);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http_status);
    curl_off_t sent_us = 0;
    curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
    http_pool_give(pool, curl);

    if (code == CURLE_OK) {
        *ret_answer = (struct http_answer){(int)http_status, body.data, body.length};
        return status_ok();
    }
    if (is_refused)
        return ctx_fail(ctx, &FORBIDDEN, "%s resolves to a private address", call->url);
    if (!sent_us)
        return ctx_fail(ctx, &NOT_SENT, "%s", curl_easy_strerror(code));
    if (code == CURLE_OPERATION_TIMEDOUT)
        return ctx_fail(ctx, &ERROR_DEADLINE, "%s", curl_easy_strerror(code));
    return ctx_fail(ctx, &LOST, "%s", curl_easy_strerror(code));
}

static void set_method(CURL *curl, const struct http_call *call)
{
    if (call->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_length);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
    }
    if (!strcmp(call->method, "HEAD"))
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
}

/* Values with line breaks are left out: they would become headers of their own. */
static void set_headers(struct ctx *ctx, CURL *curl, const struct http_call *call)
{
    struct curl_slist *list = arena_new(ctx->arena, struct curl_slist);

    list->data = arena_strdup(ctx->arena, "Expect:");
    for (size_t i = 0; i < call->header_count; i++) {
        const struct http_header *header = &call->headers[i];
        if (strpbrk(header->value, "\r\n") || strpbrk(header->name, "\r\n:"))
            continue;
        struct curl_slist *node = arena_new(ctx->arena, struct curl_slist);
        node->data = arena_printf(ctx->arena, "%s: %s", header->name, header->value);
        node->next = list;
        list = node;
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
}

static bool is_public_v4(uint32_t address)
{
    static const struct {
        uint32_t network, mask;
    } PRIVATE[] = {
        {0x00000000, 0xff000000}, {0x0a000000, 0xff000000}, {0x64400000, 0xffc00000},
        {0x7f000000, 0xff000000}, {0xa9fe0000, 0xffff0000}, {0xac100000, 0xfff00000},
        {0xc0000000, 0xffffff00}, {0xc0a80000, 0xffff0000}, {0xc6120000, 0xfffe0000},
        {0xe0000000, 0xe0000000},
    };

    for (size_t i = 0; i < ARRAY_LEN(PRIVATE); i++)
        if ((address & PRIVATE[i].mask) == PRIVATE[i].network)
            return false;
    return true;
}

/* Judges the address that is really connected to, after name resolution (no rebinding). Of IPv6
 * only global unicast (2000::/3) counts as public, and there neither 6to4 nor Teredo. */
static curl_socket_t open_public(void *closure, curlsocktype purpose, struct curl_sockaddr *address)
{
    bool *is_refused = closure;
    bool is_public = false;

    (void)purpose;
    if (address->family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, &address->addr, sizeof v4);
        is_public = is_public_v4(ntohl(v4.sin_addr.s_addr));
    } else if (address->family == AF_INET6 && address->addrlen <= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 v6;
        memcpy(&v6, &address->addr, sizeof v6);
        const uint8_t *b = v6.sin6_addr.s6_addr;
        is_public = (b[0] & 0xe0) == 0x20 && !(b[0] == 0x20 && b[1] == 0x02) &&
                    !(b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0);
    }
    *is_refused = !is_public;
    return is_public ? socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol)
                     : CURL_SOCKET_BAD;
}

static size_t on_answer(char *data, size_t size, size_t count, void *closure)
{
    struct sink *sink = closure;

    if (sink->body->length + size * count > sink->max)
        return 0;
    buffer_append(sink->body, data, size * count);
    return size * count;
}
