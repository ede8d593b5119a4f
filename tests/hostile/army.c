/* army.c - one thread, one poll(2), hundreds of connections. */
#include "army.h"

#include "common/clock.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SMALL_BUFFER = 4096, PIECE = 16 * 1024, TICK_MS = 20 };

struct soldier {
    int fd;
    size_t sent;        /* of the opening, all its repeats */
    size_t drip_at;     /* in the drip */
    int64_t drip_at_us; /* the next one */
    bool is_answered;
};

struct march {
    const struct behaviour *behaviour;
    struct sockaddr_in address;
    size_t opening_length, drip_length;
    struct losses losses;
};

static void enlist(struct march *march, struct soldier *soldier)
{
    int small = SMALL_BUFFER;

    *soldier =
        (struct soldier){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    ck_assert_int_ge(soldier->fd, 0);
    if (march->behaviour->read_bytes >= 0 && march->behaviour->repeat > 0)
        setsockopt(soldier->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (connect(soldier->fd, (const struct sockaddr *)&march->address, sizeof march->address))
        ck_assert_int_eq(errno, EINPROGRESS);
    march->losses.connected++;
}

static void dismiss(struct soldier *soldier, bool resets)
{
    if (resets)
        setsockopt(soldier->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                   sizeof(struct linger));
    close(soldier->fd);
    soldier->fd = -1;
}

static bool has_failed(ssize_t result)
{
    return result < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOTCONN &&
           errno != EINPROGRESS;
}

/* False when the other side is gone. */
static bool read_some(struct march *march, struct soldier *soldier)
{
    char piece[PIECE];
    int wanted = march->behaviour->read_bytes;
    ssize_t got;

    if (wanted == 0) /* only looks whether the other side is there */
        got = recv(soldier->fd, piece, 1, MSG_PEEK);
    else
        got = recv(soldier->fd, piece, wanted > 0 ? (size_t)wanted : sizeof piece, 0);
    if (got > 4 && !memcmp(piece, "HTTP", 4) && !soldier->is_answered) {
        soldier->is_answered = true;
        march->losses.answered++;
    }
    return got != 0 && !has_failed(got);
}

static bool send_opening(struct march *march, struct soldier *soldier)
{
    const struct behaviour *how = march->behaviour;
    size_t total = march->opening_length * (size_t)(how->repeat > 0 ? how->repeat : 1);

    while (soldier->sent < total) {
        size_t at = soldier->sent % march->opening_length;
        ssize_t sent =
            send(soldier->fd, how->opening + at, march->opening_length - at, MSG_NOSIGNAL);
        if (sent < 0)
            return !has_failed(sent);
        soldier->sent += (size_t)sent;
    }
    if (how->half_closes)
        shutdown(soldier->fd, SHUT_WR);
    return !how->resets;
}

static bool send_drip(struct march *march, struct soldier *soldier, int64_t now_us)
{
    const struct behaviour *how = march->behaviour;

    if (!how->drip || now_us < soldier->drip_at_us)
        return true;
    ssize_t sent = send(soldier->fd, how->drip + soldier->drip_at,
                        march->drip_length - soldier->drip_at, MSG_NOSIGNAL);
    if (sent > 0)
        soldier->drip_at = (soldier->drip_at + (size_t)sent) % march->drip_length;
    return !has_failed(sent);
}

static void act(struct march *march, struct soldier *soldier, const struct pollfd *poller)
{
    int64_t now_us = clock_monotonic_us();
    bool is_due = now_us >= soldier->drip_at_us;
    bool goes_on = true;

    if (poller->revents & POLLOUT)
        goes_on = send_opening(march, soldier) && send_drip(march, soldier, now_us);
    if (goes_on && (poller->revents & (POLLIN | POLLHUP | POLLERR)) &&
        (is_due || march->behaviour->read_bytes < 0))
        goes_on = read_some(march, soldier);
    if (is_due)
        soldier->drip_at_us = now_us + march->behaviour->drip_ms * 1000;
    if (!goes_on) {
        dismiss(soldier, march->behaviour->resets);
        enlist(march, soldier);
    }
}

struct losses army_march(const struct behaviour *behaviour, int port, int size, int for_ms)
{
    struct march march = {.behaviour = behaviour,
                          .address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
                          .opening_length = behaviour->opening ? strlen(behaviour->opening) : 0,
                          .drip_length = behaviour->drip ? strlen(behaviour->drip) : 0};
    struct soldier *soldiers = calloc((size_t)size, sizeof *soldiers);
    struct pollfd *pollers = calloc((size_t)size, sizeof *pollers);
    int64_t end_us = clock_monotonic_us() + (int64_t)for_ms * 1000;

    for (int i = 0; i < size; i++)
        enlist(&march, &soldiers[i]);
    while (clock_monotonic_us() < end_us) {
        for (int i = 0; i < size; i++)
            pollers[i] = (struct pollfd){.fd = soldiers[i].fd, .events = POLLIN | POLLOUT};
        poll(pollers, (nfds_t)size, TICK_MS);
        for (int i = 0; i < size; i++)
            if (pollers[i].revents)
                act(&march, &soldiers[i], &pollers[i]);
        usleep(behaviour->drip_ms ? TICK_MS * 1000 : 1000);
    }
    for (int i = 0; i < size; i++)
        dismiss(&soldiers[i], behaviour->resets);
    free(pollers);
    free(soldiers);
    return march.losses;
}
