/* proxy.c - TCP connections that misbehave on command.
 *
 *   torture_proxy CONTROL_PORT NAME=PORT:TARGET_PORT...      all on 127.0.0.1
 *
 * The control port takes one line a connection, "NAME MODE [NUMBER]", and answers "ok":
 *   pass          as if it were not there
 *   delay MS      each piece is forwarded that much later
 *   limit BYTES   so many a second, both ways together
 *   hole          nothing arrives, nothing is closed; what was sent arrives when it passes again
 *   deaf          requests arrive, answers do not
 *   reset         connections are reset, new ones at once
 * A connection is two threads, each of which copies one way. */
#include "common/clock.h"
#include "common/compiler.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINKS_MAX = 64, STREAMS_MAX = 4096, PIECE = 16384, STACK = 128 * 1024, BACKLOG = 512 };

enum mode { PASS, DELAY, LIMIT, HOLE, DEAF, RESET };

static const char *const MODES[] = {
    [PASS] = "pass", [DELAY] = "delay", [LIMIT] = "limit",
    [HOLE] = "hole", [DEAF] = "deaf",   [RESET] = "reset",
};

struct link {
    const char *name;
    int listener;
    in_port_t target;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum mode mode;
    int64_t number;
};

/* One accepted connection; the slot is free again when both of its threads have ended. */
struct stream {
    struct link *link;
    int sockets[2]; /* the client's, the server's */
    atomic_int users;
};

struct direction {
    struct stream *stream;
    bool is_answer;
};

static struct link links[LINKS_MAX];
static size_t link_count;
static struct stream streams[STREAMS_MAX];
static pthread_mutex_t streams_lock = PTHREAD_MUTEX_INITIALIZER;

static void start_thread(void *(*run)(void *), void *argument)
{
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    if (pthread_create(&thread, &attributes, run, argument) != 0) {
        fprintf(stderr, "no more threads\n");
        _exit(EXIT_FAILURE);
    }
    pthread_attr_destroy(&attributes);
}

static struct sockaddr_in local(in_port_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int listen_on(in_port_t port)
{
    struct sockaddr_in address = local(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, BACKLOG) != 0) {
        fprintf(stderr, "port %u: cannot listen\n", port);
        exit(EXIT_FAILURE);
    }
    return fd;
}

/* Connecting a socket to nobody sends a reset and wakes who waits for it. */
static void reset(int fd)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

    (void)connect(fd, &nobody, sizeof nobody);
}

/* Waits for the piece's time; false when it shall never arrive. */
static bool shape(struct link *link, bool is_answer, size_t length)
{
    int64_t pause_us = 0;

    pthread_mutex_lock(&link->lock);
    while (link->mode == HOLE || (link->mode == DEAF && is_answer))
        pthread_cond_wait(&link->changed, &link->lock);
    if (link->mode == DELAY)
        pause_us = link->number * 1000;
    else if (link->mode == LIMIT)
        pause_us = (int64_t)length * 1000000 / link->number;
    bool is_passed = link->mode != RESET;
    pthread_mutex_unlock(&link->lock);
    if (pause_us > 0)
        usleep((useconds_t)pause_us);
    return is_passed;
}

static bool send_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        length -= (size_t)sent;
    }
    return true;
}

static void leave(struct stream *stream)
{
    if (atomic_fetch_sub(&stream->users, 1) > 1)
        return;
    pthread_mutex_lock(&streams_lock);
    close(stream->sockets[0]);
    close(stream->sockets[1]);
    stream->link = NULL;
    pthread_mutex_unlock(&streams_lock);
}

static void *copy(void *argument)
{
    struct direction *direction = argument;
    struct stream *stream = direction->stream;
    const bool is_answer = direction->is_answer;
    int from = stream->sockets[is_answer], to = stream->sockets[!is_answer];
    char piece[PIECE];

    free(direction);
    for (;;) {
        ssize_t length = recv(from, piece, sizeof piece, 0);
        if (length < 0) {
            reset(to);
            break;
        }
        if (!shape(stream->link, is_answer, (size_t)length)) {
            reset(from);
            reset(to);
            break;
        }
        if (length == 0) {
            shutdown(to, SHUT_WR);
            break;
        }
        if (!send_all(to, piece, (size_t)length)) {
            reset(from);
            break;
        }
    }
    leave(stream);
    return NULL;
}

static struct stream *find_free(struct link *link)
{
    struct stream *found = NULL;

    pthread_mutex_lock(&streams_lock);
    for (size_t i = 0; !found && i < STREAMS_MAX; i++)
        if (streams[i].link == NULL)
            found = &streams[i];
    if (found) {
        found->link = link;
        found->sockets[0] = found->sockets[1] = -1;
        atomic_store(&found->users, 2);
    }
    pthread_mutex_unlock(&streams_lock);
    return found;
}

static void start_direction(struct stream *stream, bool is_answer)
{
    struct direction *direction = malloc(sizeof *direction);

    *direction = (struct direction){stream, is_answer};
    start_thread(copy, direction);
}

static void join(struct link *link, int client)
{
    struct sockaddr_in address = local(link->target);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct stream *stream = NULL;

    if (connect(server, (const struct sockaddr *)&address, sizeof address) == 0)
        stream = find_free(link);
    if (stream == NULL) { // as if nobody listened: the best that an accepted socket can say
        reset(client);
        close(client);
        close(server);
        return;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    stream->sockets[0] = client;
    stream->sockets[1] = server;
    start_direction(stream, false);
    start_direction(stream, true);
}

/* In a hole nobody is accepted either: the kernel's backlog keeps the caller waiting. */
static void *serve(void *argument)
{
    struct link *link = argument;

    for (;;) {
        int client = accept4(link->listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0)
            continue;
        if (shape(link, false, 0)) {
            join(link, client);
        } else {
            reset(client);
            close(client);
        }
    }
    return NULL;
}

static void reset_all(const struct link *link)
{
    pthread_mutex_lock(&streams_lock);
    for (size_t i = 0; i < STREAMS_MAX; i++)
        for (int side = 0; streams[i].link == link && side < 2; side++)
            if (streams[i].sockets[side] >= 0)
                reset(streams[i].sockets[side]);
    pthread_mutex_unlock(&streams_lock);
}

static bool obey(const char *name, const char *mode, int64_t number)
{
    for (size_t i = 0; i < link_count; i++)
        for (size_t m = 0; strcmp(links[i].name, name) == 0 && m < ARRAY_LEN(MODES); m++) {
            if (strcmp(MODES[m], mode) != 0)
                continue;
            pthread_mutex_lock(&links[i].lock);
            links[i].mode = (enum mode)m;
            links[i].number = number > 0 ? number : 1;
            pthread_cond_broadcast(&links[i].changed);
            pthread_mutex_unlock(&links[i].lock);
            if (m == RESET)
                reset_all(&links[i]);
            return true;
        }
    return false;
}

static void control(int listener)
{
    for (;;) {
        char line[128] = "", name[64] = "", mode[16] = "";
        long long number = 0;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0 || read(fd, line, sizeof line - 1) <= 0) {
            close(fd);
            continue;
        }
        int count = sscanf(line, "%63s %15s %lld", name, mode, &number);
        const char *answer = count >= 2 && obey(name, mode, number) ? "ok\n" : "what?\n";
        (void)!write(fd, answer, strlen(answer));
        close(fd);
    }
}

static void add_link(char *text) /* NAME=PORT:TARGET_PORT; stays in argv */
{
    unsigned port, target;
    char *equals = strchr(text, '=');

    if (equals == NULL || sscanf(equals, "=%u:%u", &port, &target) != 2 ||
        link_count == LINKS_MAX) {
        fprintf(stderr, "'%s' is not NAME=PORT:TARGET_PORT\n", text);
        exit(EXIT_FAILURE);
    }
    *equals = '\0';
    struct link *link = &links[link_count++];
    *link = (struct link){
        .name = text, .target = (in_port_t)target, .listener = listen_on((in_port_t)port)};
    pthread_mutex_init(&link->lock, NULL);
    pthread_cond_init(&link->changed, NULL);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: torture_proxy CONTROL_PORT NAME=PORT:TARGET_PORT...\n");
        return EXIT_FAILURE;
    }
    signal(SIGPIPE, SIG_IGN);
    int listener = listen_on((in_port_t)strtol(argv[1], NULL, 10));
    for (int i = 2; i < argc; i++)
        add_link(argv[i]);
    for (size_t i = 0; i < link_count; i++)
        start_thread(serve, &links[i]);
    control(listener);
    return EXIT_SUCCESS;
}
