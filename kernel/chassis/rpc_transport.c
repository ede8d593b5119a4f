/* rpc_transport.c - HTTP/1.1 over kept connections: one POST at a time on each, one write and one
 * read when all goes well.
 *
 * A caller that fans out holds several slots and polls their sockets itself, so one code path
 * serves single calls and fan-out, and a destination never sees more than connections_max of us.
 * Of a slot that is not in use nothing is kept but its connection. */
#include "rpc_transport.h"

#include "chassis/service.h"
#include "common/clock.h"
#include "daemon.h"
#include "rpc_answer.h"
#include "wait.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECT_TIMEOUT_US = 1000000, /* daemons are near */
    MAXAGE_US = 30000000,         /* well below the server's keep-alive time-out of 60 s */
    ANSWER_MAX = 16 * 1024 * 1024,
    READ_PIECE = 8 * 1024, /* on the stack */
    POLL_MAX_MS = 1000,
};

struct rpc_slot {
    struct rpc_pool *pool;
    struct rpc_transfer *transfer;
    int fd;             /* -1: no connection */
    int64_t used_us;    /* when its last transfer ended */
    bool is_connecting; /* to one of `addresses`, until `connect_until_us` */
    bool is_kept;       /* the connection has carried a transfer before this one */
    int64_t connect_until_us;
    struct addrinfo *addresses, *next_address;
    struct buffer request;
    size_t sent;
    struct rpc_answer answer; /* its status is 0 until the head is here */
    struct rpc_slot *next_free;
};

struct rpc_pool {
    const char *host, *port, *authority, *prefix;
    struct rpc_slot *slots;
    size_t count;
    struct rpc_slot *free; /* last in, first out: few connections stay warm */
    pthread_mutex_t lock;
    pthread_cond_t freed;
};

static struct status parse_url(struct ctx *boot, const char *url, struct rpc_pool *pool);
static void write_request(struct ctx *ctx, struct rpc_slot *slot);
static bool is_usable(const struct rpc_slot *slot);
static void begin_connection(struct rpc_slot *slot);
static void connect_next(struct rpc_slot *slot, int error);
static void advance(struct rpc_slot *slot, int events);
static void send_request(struct rpc_slot *slot);
static void receive(struct rpc_slot *slot);
static void take_answer(struct rpc_slot *slot);
static void lose(struct rpc_slot *slot, const char *error);
static void expire(struct rpc_slot *slot, int64_t now_us);
static void finish(struct rpc_slot *slot, enum transfer_result result, const char *error);
static void hang_up(struct rpc_slot *slot);

struct status rpc_pool_open(struct ctx *boot, const char *url, int64_t connections_max,
                            struct rpc_pool **ret_pool)
{
    struct arena *arena = boot->daemon->arena;
    struct rpc_pool *pool = arena_new(arena, struct rpc_pool);

    pool->slots = arena_array(arena, struct rpc_slot, (size_t)connections_max);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->freed, NULL);
    *ret_pool = pool;
    for (; pool->count < (size_t)connections_max; pool->count++) {
        struct rpc_slot *slot = &pool->slots[pool->count];
        *slot = (struct rpc_slot){.pool = pool, .fd = -1, .next_free = pool->free};
        pool->free = slot;
    }
    return parse_url(boot, url, pool);
}

void rpc_pool_close(struct rpc_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < pool->count; i++)
        hang_up(&pool->slots[i]);
    pthread_cond_destroy(&pool->freed);
    pthread_mutex_destroy(&pool->lock);
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
    slot->sent = 0;
    slot->answer = (struct rpc_answer){0};
    transfer->slot = slot;
    transfer->is_done = false;
    transfer->http_status = 0;
    transfer->content_type = NULL;
    buffer_init(&transfer->answer, ctx->arena, 1024);
    write_request(ctx, slot);
    slot->is_kept = slot->fd >= 0 && is_usable(slot);
    if (slot->is_kept)
        send_request(slot);
    else
        begin_connection(slot);
    return true;
}

/* The next moment at which something must happen without a byte from the peer. */
static int64_t due_us(const struct rpc_slot *slot)
{
    int64_t deadline_us = slot->transfer->deadline_us;

    return slot->is_connecting && slot->connect_until_us < deadline_us ? slot->connect_until_us
                                                                       : deadline_us;
}

void rpc_transfer_wait(struct ctx *ctx, struct rpc_transfer *const *transfers, size_t count)
{
    struct pollfd *fds = arena_array(ctx->arena, struct pollfd, count);

    for (;;) {
        int64_t now_us = clock_monotonic_us();
        int64_t wake_us = now_us + POLL_MAX_MS * 1000;
        for (size_t i = 0; i < count; i++) {
            if (transfers[i]->is_done)
                return;
            const struct rpc_slot *slot = transfers[i]->slot;
            bool is_writing = slot->is_connecting || slot->sent < slot->request.length;
            fds[i] = (struct pollfd){.fd = slot->fd,
                                     .events = (short)(is_writing ? POLLIN | POLLOUT : POLLIN)};
            if (due_us(slot) < wake_us)
                wake_us = due_us(slot);
        }
        int64_t wait_ms = wake_us > now_us ? (wake_us - now_us + 999) / 1000 : 0;
        int ready = poll(fds, count, (int)wait_ms);
        now_us = clock_monotonic_us();
        for (size_t i = 0; i < count; i++) {
            if (ready > 0 && fds[i].revents)
                advance(transfers[i]->slot, fds[i].revents);
            if (!transfers[i]->is_done && due_us(transfers[i]->slot) <= now_us)
                expire(transfers[i]->slot, now_us);
        }
    }
}

/* http://host[:port][/prefix]; a host with colons stands in brackets. */
static struct status parse_url(struct ctx *boot, const char *url, struct rpc_pool *pool)
{
    struct arena *arena = boot->daemon->arena;
    const char *host = url + strlen("http://");
    size_t length = strcspn(host, "/");
    bool is_bracketed = *host == '[';

    pool->authority = arena_strndup(arena, host, length);
    pool->prefix = arena_strndup(arena, host + length, strlen(host + length));
    const char *end = is_bracketed ? strchr(pool->authority, ']')
                                   : pool->authority + strcspn(pool->authority, ":");
    if (!end || end == pool->authority + is_bracketed)
        return ctx_fail(boot, &ERROR_INVALID_REQUEST, "\"%s\" names no host", url);
    const char *name = pool->authority + is_bracketed;
    pool->host = arena_strndup(arena, name, (size_t)(end - name));
    const char *rest = end + is_bracketed;
    pool->port = *rest == ':' ? rest + 1 : "80";
    if (*rest && (*rest != ':' || !rest[1] || strspn(rest + 1, "0123456789") != strlen(rest + 1)))
        return ctx_fail(boot, &ERROR_INVALID_REQUEST, "\"%s\" has no port", url);
    return status_ok();
}

/* Head and body in one buffer, for one write. */
static void write_request(struct ctx *ctx, struct rpc_slot *slot)
{
    const struct rpc_transfer *transfer = slot->transfer;
    struct buffer *out = &slot->request;

    buffer_init(out, ctx->arena, 768 + transfer->body_length);
    buffer_puts(out, "POST ");
    buffer_puts(out, slot->pool->prefix);
    buffer_puts(out, transfer->path);
    buffer_puts(out, " HTTP/1.1\r\nHost: ");
    buffer_puts(out, slot->pool->authority);
    for (size_t i = 0; i < transfer->header_count; i++) {
        buffer_puts(out, "\r\n");
        buffer_puts(out, transfer->headers[i].name);
        buffer_puts(out, ": ");
        buffer_puts(out, transfer->headers[i].value);
    }
    buffer_puts(out, "\r\nContent-Length: ");
    buffer_put_int(out, (int64_t)transfer->body_length);
    buffer_puts(out, "\r\n\r\n");
    if (transfer->body_length)
        buffer_append(out, transfer->body, transfer->body_length);
}

/* A kept connection may have been closed by the peer meanwhile. One that can resend finds out by
 * sending; what must not run twice asks first, for afterwards nobody could tell what happened. */
static bool is_usable(const struct rpc_slot *slot)
{
    struct pollfd fd = {.fd = slot->fd, .events = POLLIN};

    return clock_monotonic_us() - slot->used_us < MAXAGE_US &&
           (slot->transfer->may_resend || poll(&fd, 1, 0) == 0);
}

static void begin_connection(struct rpc_slot *slot)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};

    hang_up(slot);
    slot->is_kept = false;
    slot->sent = 0;
    slot->connect_until_us = clock_monotonic_us() + CONNECT_TIMEOUT_US;
    int rc = getaddrinfo(slot->pool->host, slot->pool->port, &hints, &slot->addresses);
    if (rc) {
        slot->addresses = NULL;
        finish(slot, TRANSFER_NOT_SENT, gai_strerror(rc));
        return;
    }
    slot->next_address = slot->addresses;
    connect_next(slot, ECONNREFUSED);
}

/* The next address that does not refuse at once; `error` is why the one before did. */
static void connect_next(struct rpc_slot *slot, int error)
{
    for (; slot->next_address; slot->next_address = slot->next_address->ai_next) {
        const struct addrinfo *to = slot->next_address;
        if (slot->fd >= 0)
            close(slot->fd);
        slot->fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (slot->fd >= 0 &&
            (!connect(slot->fd, to->ai_addr, to->ai_addrlen) || errno == EINPROGRESS)) {
            setsockopt(slot->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
            slot->next_address = to->ai_next;
            slot->is_connecting = true;
            return;
        }
        error = errno;
    }
    finish(slot, TRANSFER_NOT_SENT, strerrordesc_np(error));
}

/* `events` are those of poll(). */
static void advance(struct rpc_slot *slot, int events)
{
    if (slot->is_connecting) {
        socklen_t size = sizeof(int);
        int error = 0;
        getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error) {
            connect_next(slot, error);
            return;
        }
        slot->is_connecting = false;
        events = POLLOUT;
    }
    if (events & (POLLIN | POLLHUP | POLLERR | POLLNVAL))
        receive(slot);
    else if (events & POLLOUT)
        send_request(slot);
}

static void send_request(struct rpc_slot *slot)
{
    ssize_t sent = send(slot->fd, slot->request.data + slot->sent,
                        slot->request.length - slot->sent, MSG_NOSIGNAL);

    if (sent >= 0)
        slot->sent += (size_t)sent;
    else if (errno != EAGAIN && errno != EINTR)
        lose(slot, strerrordesc_np(errno));
}

static void receive(struct rpc_slot *slot)
{
    struct buffer *answer = &slot->transfer->answer;
    char piece[READ_PIECE];
    ssize_t got = recv(slot->fd, piece, sizeof piece, 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0) {
        lose(slot, strerrordesc_np(errno));
        return;
    }
    if (got == 0 && slot->answer.status && slot->answer.body_length < 0) {
        slot->answer.body_length = (int64_t)(answer->length - slot->answer.head_length);
        take_answer(slot);
        return;
    }
    if (got == 0) {
        lose(slot, "the peer closed the connection");
        return;
    }
    buffer_append(answer, piece, (size_t)got);
    take_answer(slot);
}

static void take_answer(struct rpc_slot *slot)
{
    struct rpc_transfer *transfer = slot->transfer;
    struct buffer *bytes = &transfer->answer;
    struct rpc_answer *answer = &slot->answer;

    if (!answer->status &&
        rpc_answer_parse(bytes->arena, bytes->data, bytes->length, answer) == RPC_HEAD_BROKEN) {
        finish(slot, TRANSFER_LOST, "the answer is no HTTP that we understand");
        return;
    }
    if (answer->body_length > ANSWER_MAX || bytes->length > 2 * (size_t)ANSWER_MAX) {
        finish(slot, TRANSFER_LOST, "the answer is too large");
        return;
    }
    if (!answer->status || answer->body_length < 0 ||
        bytes->length - answer->head_length < (size_t)answer->body_length)
        return;
    bool has_ended = bytes->length == answer->head_length + (size_t)answer->body_length &&
                     slot->sent == slot->request.length;
    answer->is_kept &= has_ended;
    transfer->http_status = answer->status;
    transfer->content_type = answer->content_type;
    bytes->data += answer->head_length;
    bytes->length = (size_t)answer->body_length;
    bytes->capacity -= answer->head_length;
    finish(slot, TRANSFER_ANSWERED, "");
}

/* A kept connection that ends before the first byte of an answer was most likely closed before our
 * request came; a call that may run twice is sent once more, on a new one. */
static void lose(struct rpc_slot *slot, const char *error)
{
    const struct rpc_transfer *transfer = slot->transfer;

    if (slot->is_kept && transfer->may_resend && transfer->answer.length == 0)
        begin_connection(slot);
    else
        finish(slot, TRANSFER_LOST, error);
}

static void expire(struct rpc_slot *slot, int64_t now_us)
{
    if (now_us >= slot->transfer->deadline_us)
        finish(slot, TRANSFER_TIMED_OUT, "the deadline has passed");
    else
        finish(slot, TRANSFER_NOT_SENT, "connecting took too long");
}

/* The transfer is over; the slot goes back, with its connection if that is in step. */
static void finish(struct rpc_slot *slot, enum transfer_result result, const char *error)
{
    struct rpc_pool *pool = slot->pool;
    struct rpc_transfer *transfer = slot->transfer;

    transfer->result = result;
    transfer->error = error;
    transfer->is_done = true;
    if (result != TRANSFER_ANSWERED || !slot->answer.is_kept)
        hang_up(slot);
    if (slot->addresses)
        freeaddrinfo(slot->addresses);
    slot->addresses = slot->next_address = NULL;
    slot->transfer = NULL;
    slot->request = (struct buffer){0};
    slot->used_us = clock_monotonic_us();
    pthread_mutex_lock(&pool->lock);
    slot->next_free = pool->free;
    pool->free = slot;
    pthread_cond_signal(&pool->freed);
    pthread_mutex_unlock(&pool->lock);
}

static void hang_up(struct rpc_slot *slot)
{
    if (slot->fd >= 0)
        close(slot->fd);
    slot->fd = -1;
    slot->is_connecting = false;
}
