/* rpc_transport.c - libcurl, one multi handle a connection.
 *
 * An easy handle keeps its connection only inside its multi handle, so each slot of a pool has its
 * own pair; a caller that fans out holds several slots and polls their sockets itself. One code
 * path serves single calls and fan-out, and a destination never sees more than connections_max of
 * us. */
#include "rpc_transport.h"

#include "chassis/service.h"
#include "common/clock.h"
#include "daemon.h"
#include "wait.h"

#include <curl/curl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum {
    SOCKETS_MAX = 4,           /* of one transfer: resolver, two address families, spare */
    CONNECT_TIMEOUT_MS = 1000, /* daemons are near */
    MAXAGE_S = 30,             /* well below the server's keep-alive time-out of 60 s */
    ANSWER_MAX = 16 * 1024 * 1024,
    POLL_MAX_MS = 1000,
};

struct rpc_slot {
    struct rpc_pool *pool;
    CURL *easy;
    CURLM *multi;
    struct rpc_transfer *transfer;
    curl_socket_t kept; /* its connection after the last transfer; CURL_SOCKET_BAD: none */
    struct pollfd sockets[SOCKETS_MAX];
    int64_t timer_us; /* 0: none */
    struct rpc_slot *next_free;
};

struct rpc_pool {
    CURLU *url; /* read once: parsing it is a tenth of a call */
    struct rpc_slot *slots;
    size_t count;
    struct rpc_slot *free; /* last in, first out: few connections stay warm */
    pthread_mutex_t lock;
    pthread_cond_t freed;
};

static bool open_slot(struct rpc_slot *slot);
static void set_request(struct ctx *ctx, struct rpc_slot *slot);
static bool has_ended(const struct rpc_slot *slot);
static void act(struct rpc_slot *slot, curl_socket_t fd, int events);
static void act_on_events(struct rpc_slot *slot, const struct pollfd *fds, size_t count);
static void finish(struct rpc_slot *slot, CURLcode code);
static void give_back(struct rpc_slot *slot);
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *closure, void *socket_closure);
static int on_timer(CURLM *multi, long timeout_ms, void *closure);
static size_t on_answer(char *data, size_t size, size_t count, void *closure);
static curl_socket_t on_open(void *closure, curlsocktype purpose, struct curl_sockaddr *address);
static bool has_left(const struct rpc_slot *slot);

struct rpc_pool *rpc_pool_open(struct arena *arena, const char *url, int64_t connections_max)
{
    struct rpc_pool *pool = arena_new(arena, struct rpc_pool);

    curl_global_init(CURL_GLOBAL_DEFAULT); /* counts itself; thread-safe in this build */
    pool->url = curl_url();
    curl_url_set(pool->url, CURLUPART_URL, url, 0); /* of a malformed one no transfer begins */
    pool->slots = arena_array(arena, struct rpc_slot, (size_t)connections_max);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->freed, NULL);
    for (; pool->count < (size_t)connections_max; pool->count++) {
        struct rpc_slot *slot = &pool->slots[pool->count];
        *slot = (struct rpc_slot){.pool = pool, .kept = CURL_SOCKET_BAD, .next_free = pool->free};
        pool->free = slot;
    }
    return pool;
}

void rpc_pool_close(struct rpc_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < pool->count; i++) {
        curl_multi_cleanup(pool->slots[i].multi);
        curl_easy_cleanup(pool->slots[i].easy);
    }
    curl_url_cleanup(pool->url);
    pthread_cond_destroy(&pool->freed);
    pthread_mutex_destroy(&pool->lock);
    curl_global_cleanup();
}

bool rpc_pool_wait(struct rpc_pool *pool, int64_t deadline_us)
{
    int rc = 0;

    pthread_mutex_lock(&pool->lock);
    while (!pool->free && !rc)
        rc = wait_until(&pool->freed, &pool->lock, deadline_us);
    bool is_free = pool->free != NULL;
    pthread_mutex_unlock(&pool->lock);
    return is_free;
}

bool rpc_transfer_start(struct ctx *ctx, struct rpc_pool *pool, struct rpc_transfer *transfer)
{
    pthread_mutex_lock(&pool->lock);
    struct rpc_slot *slot = pool->free;
    if (slot)
        pool->free = slot->next_free;
    pthread_mutex_unlock(&pool->lock);
    if (!slot)
        return false;

    slot->transfer = transfer;
    transfer->slot = slot;
    transfer->is_done = false;
    buffer_init(&transfer->answer, ctx->arena, 256);
    if (!open_slot(slot)) {
        finish(slot, CURLE_COULDNT_CONNECT);
        return true;
    }
    set_request(ctx, slot);
    slot->timer_us = 0;
    curl_multi_add_handle(slot->multi, slot->easy);
    act(slot, CURL_SOCKET_TIMEOUT, 0); /* sends at once when the connection is there */
    return true;
}

void rpc_transfer_wait(struct ctx *ctx, struct rpc_transfer *const *transfers, size_t count)
{
    struct pollfd *fds = arena_array(ctx->arena, struct pollfd, count * SOCKETS_MAX);

    for (;;) {
        int64_t now_us = clock_monotonic_us();
        int64_t wake_us = now_us + POLL_MAX_MS * 1000;
        for (size_t i = 0; i < count; i++) {
            if (transfers[i]->is_done)
                return;
            const struct rpc_slot *slot = transfers[i]->slot;
            memcpy(&fds[i * SOCKETS_MAX], slot->sockets, sizeof slot->sockets);
            if (slot->timer_us && slot->timer_us < wake_us)
                wake_us = slot->timer_us;
        }
        int64_t wait_ms = wake_us > now_us ? (wake_us - now_us + 999) / 1000 : 0;
        int ready = poll(fds, count * SOCKETS_MAX, (int)wait_ms);
        now_us = clock_monotonic_us();
        for (size_t i = 0; i < count; i++) {
            struct rpc_slot *slot = transfers[i]->slot;
            if (ready > 0)
                act_on_events(slot, &fds[i * SOCKETS_MAX], SOCKETS_MAX);
            if (!transfers[i]->is_done && slot->timer_us && slot->timer_us <= now_us) {
                slot->timer_us = 0;
                act(slot, CURL_SOCKET_TIMEOUT, 0);
            }
        }
    }
}

/* At its first use: most slots of a large pool have none. */
static bool open_slot(struct rpc_slot *slot)
{
    if (slot->multi)
        return true;
    slot->easy = curl_easy_init();
    slot->multi = slot->easy ? curl_multi_init() : NULL;
    if (!slot->multi) {
        curl_easy_cleanup(slot->easy);
        slot->easy = NULL;
        return false;
    }
    for (size_t i = 0; i < SOCKETS_MAX; i++)
        slot->sockets[i].fd = -1;
    curl_multi_setopt(slot->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(slot->multi, CURLMOPT_SOCKETDATA, slot);
    curl_multi_setopt(slot->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(slot->multi, CURLMOPT_TIMERDATA, slot);
    curl_multi_setopt(slot->multi, CURLMOPT_MAXCONNECTS, 1L);
    curl_easy_setopt(slot->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(slot->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(slot->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(slot->easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(slot->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(slot->easy, CURLOPT_MAXAGE_CONN, (long)MAXAGE_S);
    curl_easy_setopt(slot->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(slot->easy, CURLOPT_WRITEDATA, slot);
    curl_easy_setopt(slot->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(slot->easy, CURLOPT_OPENSOCKETDATA, slot);
    curl_easy_setopt(slot->easy, CURLOPT_CURLU, slot->pool->url);
    return true;
}

static void set_request(struct ctx *ctx, struct rpc_slot *slot)
{
    static char expect[] = "Expect:", accept[] = "Accept:"; /* not to be sent */
    static struct curl_slist no_expect = {expect, NULL};
    static struct curl_slist no_accept = {accept, &no_expect};
    struct rpc_transfer *transfer = slot->transfer;
    struct curl_slist *list = &no_accept;
    struct curl_slist *nodes = arena_array(ctx->arena, struct curl_slist, transfer->header_count);
    int64_t left_ms = (transfer->deadline_us - clock_monotonic_us() + 999) / 1000;
    bool is_fresh = !transfer->may_resend && has_ended(slot);

    for (size_t i = 0; i < transfer->header_count; i++) {
        nodes[i] = (struct curl_slist){(char *)(uintptr_t)transfer->headers[i], list};
        list = &nodes[i];
    }
    curl_easy_setopt(slot->easy, CURLOPT_REQUEST_TARGET, transfer->path);
    curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, left_ms > 0 ? (long)left_ms : 1L);
    curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_length);
    curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, transfer->body_length ? transfer->body : "");
    curl_easy_setopt(slot->easy, CURLOPT_FRESH_CONNECT, is_fresh ? 1L : 0L);
}

/* Between two calls a peer says nothing, so what can be read is the end of the connection. curl
 * looks too, but not each time, and a call that may run only once is lost on a dead connection. */
static bool has_ended(const struct rpc_slot *slot)
{
    struct pollfd kept = {.fd = slot->kept, .events = POLLIN | POLLRDHUP};

    return slot->kept != CURL_SOCKET_BAD && poll(&kept, 1, 0) > 0;
}

static void act(struct rpc_slot *slot, curl_socket_t fd, int events)
{
    const CURLMsg *message;
    int running = 0, left = 0;

    curl_multi_socket_action(slot->multi, fd, events, &running);
    if (running)
        return;
    while ((message = curl_multi_info_read(slot->multi, &left)))
        if (message->msg == CURLMSG_DONE) {
            finish(slot, message->data.result);
            return;
        }
}

static void act_on_events(struct rpc_slot *slot, const struct pollfd *fds, size_t count)
{
    const struct rpc_transfer *transfer = slot->transfer;

    for (size_t i = 0; i < count && !transfer->is_done; i++) {
        int events = (fds[i].revents & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
                     (fds[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
                     (fds[i].revents & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
        if (fds[i].fd >= 0 && events)
            act(slot, fds[i].fd, events);
    }
}

static void finish(struct rpc_slot *slot, CURLcode code)
{
    struct rpc_transfer *transfer = slot->transfer;
    const char *content_type = NULL;
    long http_status = 0;

    transfer->error = curl_easy_strerror(code);
    curl_easy_getinfo(slot->easy, CURLINFO_ACTIVESOCKET, &slot->kept);
    switch (code) {
    case CURLE_OK:
        curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &http_status);
        curl_easy_getinfo(slot->easy, CURLINFO_CONTENT_TYPE, &content_type);
        transfer->http_status = (int)http_status;
        transfer->content_type = arena_strdup(transfer->answer.arena, content_type);
        transfer->result = TRANSFER_ANSWERED;
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        transfer->result = has_left(slot) ? TRANSFER_LOST : TRANSFER_NOT_SENT;
        break;
    case CURLE_OPERATION_TIMEDOUT:
        /* Before the deadline it can only have been the time-out of connecting. */
        transfer->result = clock_monotonic_us() + 2000 >= transfer->deadline_us ? TRANSFER_TIMED_OUT
                           : has_left(slot)                                     ? TRANSFER_LOST
                                                                                : TRANSFER_NOT_SENT;
        break;
    default:
        transfer->result = TRANSFER_LOST;
    }
    if (slot->multi)
        curl_multi_remove_handle(slot->multi, slot->easy);
    transfer->is_done = true;
    give_back(slot);
}

static void give_back(struct rpc_slot *slot)
{
    struct rpc_pool *pool = slot->pool;

    slot->transfer = NULL;
    pthread_mutex_lock(&pool->lock);
    slot->next_free = pool->free;
    pool->free = slot;
    pthread_cond_signal(&pool->freed);
    pthread_mutex_unlock(&pool->lock);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *closure, void *socket_closure)
{
    struct rpc_slot *slot = closure;
    struct pollfd *place = NULL;

    (void)easy;
    (void)socket_closure;
    for (size_t i = 0; i < SOCKETS_MAX; i++)
        if (slot->sockets[i].fd == fd || (!place && slot->sockets[i].fd < 0))
            place = &slot->sockets[i];
    if (!place)
        return -1;
    place->fd = what == CURL_POLL_REMOVE ? -1 : fd;
    place->events =
        (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *closure)
{
    struct rpc_slot *slot = closure;

    (void)multi;
    slot->timer_us = timeout_ms < 0 ? 0 : clock_monotonic_us() + timeout_ms * 1000;
    return 0;
}

static size_t on_answer(char *data, size_t size, size_t count, void *closure)
{
    struct rpc_slot *slot = closure;
    struct buffer *answer = &slot->transfer->answer;

    if (answer->length + size * count > ANSWER_MAX)
        return 0;
    buffer_append(answer, data, size * count);
    return size * count;
}

/* curl by itself sends a request again, on a new connection, when a kept one dies before the first
 * byte of the answer. A call that must not run twice gets no connection for that. */
static curl_socket_t on_open(void *closure, curlsocktype purpose, struct curl_sockaddr *address)
{
    const struct rpc_slot *slot = closure;

    (void)purpose;
    if (!slot->transfer->may_resend && has_left(slot))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Has anything of the request been sent, over whatever connection? */
static bool has_left(const struct rpc_slot *slot)
{
    long sent_bytes = 0;

    curl_easy_getinfo(slot->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
    return sent_bytes > 0;
}
