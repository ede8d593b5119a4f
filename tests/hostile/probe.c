/* probe.c - a thread for each honest client. */
#include "probe.h"

#include "peer.h"
#include "target.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 3, PATIENCE_MS = 20000, PAUSE_MS = 20 };

struct client {
    pthread_t thread;
    struct probes *probes;
    const char *connection; /* the header; "close": a new one each time */
    char request[512];
    struct served served;
};

struct probes {
    atomic_bool is_over;
    struct client clients[CLIENTS];
};

/* A kept connection may have been given to somebody who waits: then, as any client does, once more
 * on a new one. */
static void ask(struct client *client, int *fd, struct answer *ret_answer)
{
    bool was_kept = *fd >= 0;

    if (!was_kept)
        *fd = peer_connect(targets[AT_GATEWAY].port);
    peer_send(*fd, client->request);
    peer_read_one(*fd, PATIENCE_MS, ret_answer);
    bool is_over = ret_answer->is_closed || strstr(ret_answer->text, "Connection: close\r\n") ||
                   !strcmp(client->connection, "close");
    if (is_over || !ret_answer->status) {
        close(*fd);
        *fd = -1;
    }
    if (was_kept && !ret_answer->length)
        ask(client, fd, ret_answer);
}

static void *shop(void *closure)
{
    struct client *client = closure;
    struct answer *answer = calloc(1, sizeof *answer);
    int fd = -1;

    while (!client->probes->is_over) {
        ask(client, &fd, answer);
        if (answer->status == 200) {
            client->served.answers++;
        } else {
            client->served.refusals++;
            (void)snprintf(client->served.worst, sizeof client->served.worst, "%.200s",
                           answer->length ? answer->text : "no answer");
        }
        nanosleep(&(struct timespec){0, PAUSE_MS * 1000000L}, NULL);
    }
    if (fd >= 0)
        close(fd);
    free(answer);
    return NULL;
}

static void set_out(struct client *client, const char *path, const char *header, const char *key)
{
    ck_assert_int_lt(snprintf(client->request, sizeof client->request,
                              "GET %s HTTP/1.1\r\nHost: shop\r\nConnection: %s\r\n%s%s\r\n\r\n",
                              path, client->connection, header, key),
                     (int)sizeof client->request);
    ck_assert_int_eq(pthread_create(&client->thread, NULL, shop, client), 0);
}

struct probes *probes_start(void)
{
    static const char LIST[] = "/store/v1/products?page_size=5";
    static const char *const CONNECTIONS[CLIENTS] = {"keep-alive", "close", "keep-alive"};
    struct probes *probes = calloc(1, sizeof *probes);

    for (size_t i = 0; i < CLIENTS; i++)
        probes->clients[i].connection = CONNECTIONS[i], probes->clients[i].probes = probes;
    const char *key = shop_key("publishable-key-eu");
    set_out(&probes->clients[0], LIST, "Torg-Publishable-Key: ", key);
    set_out(&probes->clients[1], LIST, "Torg-Publishable-Key: ", key);
    set_out(&probes->clients[2], "/admin/v1/warehouses", "Authorization: Bearer ",
            shop_key("admin-api-key"));
    return probes;
}

struct served probes_stop(struct probes *probes)
{
    struct served all = {.answers = 0};

    probes->is_over = true;
    for (size_t i = 0; i < CLIENTS; i++) {
        struct served *one = &probes->clients[i].served;
        pthread_join(probes->clients[i].thread, NULL);
        if (one->answers == 0)
            one->refusals++; /* each of them has to be served */
        all.answers += one->answers;
        all.refusals += one->refusals;
        if (one->refusals)
            memcpy(all.worst, one->worst, sizeof all.worst);
    }
    free(probes);
    return all;
}
