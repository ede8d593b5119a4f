/* http_guardian.c - deadlines and eviction for connections whose sockets civetweb keeps to itself.
 *
 * civetweb restarts its timer with every byte, so a dripped body or an answer that is read byte by
 * byte would hold a worker for ever, and an idle keep-alive connection holds one until its
 * time-out. The guardian knows each worker's socket (found once a connection by the peer's address)
 * and ends reading with shutdown(SHUT_RD): what had already arrived is still read and the answer
 * can still be sent.
 *
 * While there are workers, a slow peer may use its whole time. When others wait for one, it is cut
 * as soon as it is out of patience: a few hundred slow peers cannot shut the others out.
 *
 * A worker's lock is held while its socket is touched and by http_worker_closing() before civetweb
 * closes it, so a reused descriptor is never hit. */
#include "http.h"

#include "chassis/log.h"
#include "common/clock.h"
#include "wait.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TICK_US = 50000,
    ARENA_MAX = 16 * 1024 * 1024,
    DESCRIPTORS_MAX = 8192,
    GAP_MAX = 1024, /* unused descriptors in a row: no more follow */
    HEAD_MAX = 4096,
    STACK_PAGE = 4096,
    STACK_KEPT = 2 * STACK_PAGE,
};

/* Patience: how long a peer may take over something while others wait for its worker. */
enum {
    HEAD_US = 500000,
    BODY_US = 1000000,
    ANSWER_US = 1000000,
    IDLE_US = 200000, /* a busy client's pause between two calls is no idleness */
};

enum looks { LOOKS_FOREIGN, LOOKS_UNKNOWN };
enum worker_state {
    WORKER_FREE,
    WORKER_SILENT, /* its peer has not sent a whole head yet, and is not known */
    WORKER_BUSY,
    WORKER_READING,
    WORKER_WRITING,
    WORKER_IDLE,
};
static const int64_t PATIENCE_US[] = {
    [WORKER_READING] = BODY_US, [WORKER_WRITING] = ANSWER_US, [WORKER_IDLE] = IDLE_US};

struct http_worker {
    pthread_mutex_t lock;
    struct arena *arena;
    char *stack_end; /* its lowest address */
    enum worker_state state;
    int fd;            /* -1: not known */
    int64_t since_us;  /* WORKER_READING, _WRITING, _IDLE */
    int64_t cut_at_us; /* 0: no deadline */
    bool was_cut;
    struct http_guardian *guardian;
};

/* A connection that no worker has a whole head of. */
struct stranger {
    in_port_t port;
    int64_t since_us;
};

/* A worker whose peer is out of patience, and by how much. */
struct overstay {
    struct http_worker *worker;
    int64_t us;
};

struct http_guardian {
    struct http_worker *workers;
    atomic_size_t worker_count; /* handed out */
    size_t capacity;
    atomic_size_t open;
    atomic_long turns; /* connections to close after their answer, for those that wait */
    in_port_t port;    /* network order */
    int descriptors_max;
    struct stranger *strangers; /* by descriptor; the watching thread's own */
    struct overstay *overstays; /* its scratch, one for each worker */
    pthread_t thread;
    bool is_running;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_stopping;
};

static void *watch(void *closure);
static void cut_overdue(struct http_guardian *guardian);
static void cut(struct http_worker *worker);
static void cut_patient(struct http_guardian *guardian, size_t count);
static void make_room(struct http_guardian *guardian);
static size_t count_waiting(struct http_guardian *guardian, bool may_evict);
static int find_descriptor(const struct http_guardian *guardian,
                           const struct mg_request_info *info);
static bool is_on_our_port(const struct http_guardian *guardian, int fd, bool want_listener);
static bool is_registered(struct http_guardian *guardian, int fd);
static char *own_stack_end(void);
static void give_back_memory(struct http_worker *worker);

struct http_guardian *http_guardian_create(struct daemon *daemon)
{
    struct http_guardian *guardian = arena_new(daemon->arena, struct http_guardian);
    struct rlimit limit = {DESCRIPTORS_MAX, DESCRIPTORS_MAX};

    guardian->capacity = (size_t)daemon->settings.threads;
    guardian->workers = arena_array(daemon->arena, struct http_worker, guardian->capacity);
    getrlimit(RLIMIT_NOFILE, &limit);
    guardian->descriptors_max =
        limit.rlim_cur < DESCRIPTORS_MAX ? (int)limit.rlim_cur : DESCRIPTORS_MAX;
    guardian->strangers =
        arena_array(daemon->arena, struct stranger, (size_t)guardian->descriptors_max);
    guardian->overstays = arena_array(daemon->arena, struct overstay, guardian->capacity);
    pthread_mutex_init(&guardian->lock, NULL);
    pthread_cond_init(&guardian->wake, NULL);
    return guardian;
}

struct status http_guardian_start(struct ctx *boot, struct http_guardian *guardian, int port)
{
    guardian->port = htons((uint16_t)port);
    if (pthread_create(&guardian->thread, NULL, watch, guardian))
        return ctx_fail(boot, &ERROR_INTERNAL, "no thread for the connection guardian");
    guardian->is_running = true;
    return status_ok();
}

void http_guardian_stop(struct http_guardian *guardian)
{
    if (!guardian || !guardian->is_running)
        return;
    pthread_mutex_lock(&guardian->lock);
    guardian->is_stopping = true;
    pthread_cond_signal(&guardian->wake);
    pthread_mutex_unlock(&guardian->lock);
    pthread_join(guardian->thread, NULL);
    guardian->is_running = false;
}

void http_guardian_destroy(struct http_guardian *guardian)
{
    if (!guardian)
        return;
    for (size_t i = 0; i < guardian->worker_count; i++) {
        arena_destroy(guardian->workers[i].arena);
        pthread_mutex_destroy(&guardian->workers[i].lock);
    }
    pthread_cond_destroy(&guardian->wake);
    pthread_mutex_destroy(&guardian->lock);
}

struct http_worker *http_worker_add(struct http_guardian *guardian)
{
    pthread_mutex_lock(&guardian->lock);
    size_t index = guardian->worker_count;
    if (index == guardian->capacity)
        abort(); /* civetweb started more workers than it was told to */
    struct http_worker *worker = &guardian->workers[index];
    worker->guardian = guardian;
    worker->arena = arena_create(ARENA_MAX);
    worker->stack_end = own_stack_end();
    worker->fd = -1;
    pthread_mutex_init(&worker->lock, NULL);
    give_back_memory(worker); // what starting a thread has touched
    guardian->worker_count = index + 1;
    pthread_mutex_unlock(&guardian->lock);
    return worker;
}

/* NULL when it is not known. */
static char *own_stack_end(void)
{
    pthread_attr_t attributes;
    void *end = NULL;
    size_t size = 0;

    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return NULL;
    pthread_attr_getstack(&attributes, &end, &size);
    pthread_attr_destroy(&attributes);
    return end;
}

struct arena *http_worker_arena(struct http_worker *worker)
{
    return worker->arena;
}

void http_worker_opened(struct http_worker *worker)
{
    struct http_guardian *guardian = worker->guardian;

    pthread_mutex_lock(&worker->lock);
    worker->state = WORKER_SILENT;
    worker->was_cut = false;
    pthread_mutex_unlock(&worker->lock);
    /* The last worker is taken: whoever connects next should not wait for a tick. */
    if (atomic_fetch_add(&guardian->open, 1) + 1 >= guardian->capacity)
        pthread_cond_signal(&guardian->wake);
}

void http_worker_begin(struct http_worker *worker, const struct mg_request_info *info)
{
    int fd = worker->fd;

    if (fd < 0)
        fd = find_descriptor(worker->guardian, info);
    pthread_mutex_lock(&worker->lock);
    worker->fd = fd;
    worker->state = WORKER_BUSY;
    worker->was_cut = false;
    pthread_mutex_unlock(&worker->lock);
}

void http_worker_read_until(struct http_worker *worker, int64_t since_us, int64_t deadline_us)
{
    pthread_mutex_lock(&worker->lock);
    worker->cut_at_us = deadline_us;
    worker->since_us = since_us;
    worker->state = deadline_us ? WORKER_READING : WORKER_BUSY;
    pthread_mutex_unlock(&worker->lock);
}

void http_worker_write_until(struct http_worker *worker, int64_t deadline_us)
{
    pthread_mutex_lock(&worker->lock);
    worker->cut_at_us = deadline_us;
    worker->since_us = clock_monotonic_us();
    worker->state = WORKER_WRITING;
    pthread_mutex_unlock(&worker->lock);
}

/* Only the worker's own thread asks, after its read came back short. */
bool http_worker_was_cut(const struct http_worker *worker)
{
    return worker->was_cut;
}

void http_worker_idle(struct http_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->state = WORKER_IDLE;
    worker->cut_at_us = 0;
    worker->since_us = clock_monotonic_us();
    pthread_mutex_unlock(&worker->lock);
}

/* Only the worker's own thread, which serves nobody now: what one deep call has touched of each
 * stack, and one large answer of each arena, would otherwise stay for as long as the daemon runs,
 * times the workers. In use is what lies above this frame; two pages stay for the calls below. */
static void give_back_memory(struct http_worker *worker)
{
    char *frame = __builtin_frame_address(0);
    ptrdiff_t unused = frame - STACK_KEPT - worker->stack_end;

    arena_shrink(worker->arena);
    if (worker->stack_end && unused > STACK_PAGE)
        (void)madvise(worker->stack_end, (size_t)(unused / STACK_PAGE * STACK_PAGE), MADV_DONTNEED);
}

void http_worker_closing(struct http_worker *worker)
{
    give_back_memory(worker);
    pthread_mutex_lock(&worker->lock);
    if (worker->state != WORKER_FREE)
        atomic_fetch_sub(&worker->guardian->open, 1);
    worker->state = WORKER_FREE;
    worker->fd = -1;
    worker->cut_at_us = 0;
    pthread_mutex_unlock(&worker->lock);
}

bool http_guardian_take_turn(struct http_guardian *guardian)
{
    long turns = atomic_load_explicit(&guardian->turns, memory_order_relaxed);

    while (turns > 0)
        if (atomic_compare_exchange_weak(&guardian->turns, &turns, turns - 1))
            return true;
    return false;
}

int64_t http_guardian_open(const struct http_guardian *guardian)
{
    return (int64_t)guardian->open;
}

void http_guardian_hang_up(struct http_guardian *guardian)
{
    for (size_t i = 0; i < guardian->worker_count; i++) {
        struct http_worker *worker = &guardian->workers[i];
        pthread_mutex_lock(&worker->lock);
        if (worker->state == WORKER_IDLE && worker->fd >= 0)
            shutdown(worker->fd, SHUT_RD);
        pthread_mutex_unlock(&worker->lock);
    }
    for (int fd = 3; fd < guardian->descriptors_max; fd++) {
        if (!is_on_our_port(guardian, fd, true))
            continue;
        shutdown(fd, SHUT_RD);
        return;
    }
}

static void *watch(void *closure)
{
    struct http_guardian *guardian = closure;

    pthread_setname_np(pthread_self(), "http-guardian");
    pthread_mutex_lock(&guardian->lock);
    while (!guardian->is_stopping) {
        wait_until(&guardian->wake, &guardian->lock, clock_monotonic_us() + TICK_US);
        pthread_mutex_unlock(&guardian->lock);
        cut_overdue(guardian);
        if (guardian->open >= guardian->capacity)
            make_room(guardian);
        pthread_mutex_lock(&guardian->lock);
    }
    pthread_mutex_unlock(&guardian->lock);
    return NULL;
}

/* Who waits gets the place of a peer that is out of patience, or of the next ones that are answered
 * (http_guardian_take_turn). */
static void make_room(struct http_guardian *guardian)
{
    size_t waiting = count_waiting(guardian, false);

    guardian->turns = (long)waiting;
    if (!waiting)
        return;
    cut_patient(guardian, waiting);
    count_waiting(guardian, true);
}

/* With the worker's lock held. A write that waits for its peer ends only when both ways do. */
static void cut(struct http_worker *worker)
{
    worker->was_cut = true;
    worker->cut_at_us = 0;
    shutdown(worker->fd, worker->state == WORKER_WRITING ? SHUT_RDWR : SHUT_RD);
}

static void cut_overdue(struct http_guardian *guardian)
{
    int64_t now_us = clock_monotonic_us();

    for (size_t i = 0; i < guardian->worker_count; i++) {
        struct http_worker *worker = &guardian->workers[i];
        pthread_mutex_lock(&worker->lock);
        if (worker->cut_at_us && worker->cut_at_us <= now_us && worker->fd >= 0)
            cut(worker);
        pthread_mutex_unlock(&worker->lock);
    }
}

/* How much longer than its patience the peer takes; not positive: it may stay. Lock held. */
static int64_t overstay_us(const struct http_worker *worker, int64_t now_us)
{
    if (worker->state < WORKER_READING || worker->fd < 0 || worker->was_cut)
        return 0;
    return now_us - worker->since_us - PATIENCE_US[worker->state];
}

static int longest_first(const void *a, const void *b)
{
    int64_t a_us = ((const struct overstay *)a)->us, b_us = ((const struct overstay *)b)->us;

    return (a_us < b_us) - (a_us > b_us);
}

static void cut_patient(struct http_guardian *guardian, size_t count)
{
    int64_t now_us = clock_monotonic_us();
    struct overstay *overstays = guardian->overstays;
    size_t found = 0;

    for (size_t i = 0; i < guardian->worker_count; i++) {
        struct http_worker *worker = &guardian->workers[i];
        pthread_mutex_lock(&worker->lock);
        int64_t us = overstay_us(worker, now_us);
        pthread_mutex_unlock(&worker->lock);
        if (us > 0)
            overstays[found++] = (struct overstay){worker, us};
    }
    qsort(overstays, found, sizeof overstays[0], longest_first);
    for (size_t i = 0; i < found && i < count; i++) {
        struct http_worker *worker = overstays[i].worker;
        pthread_mutex_lock(&worker->lock);
        if (overstay_us(worker, now_us) > 0)
            cut(worker);
        pthread_mutex_unlock(&worker->lock);
    }
}

/* Is what a stranger has sent so far a whole head? Then it is not slow, it waits. */
static bool has_whole_head(int fd, int unread)
{
    char head[HEAD_MAX];
    ssize_t got = unread > 0 ? recv(fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT) : 0;

    return got > 0 && (got == HEAD_MAX || memmem(head, (size_t)got, "\r\n\r\n", 4) != NULL);
}

/* True when this stranger takes longer over its head than patience allows. One that waits for a
 * worker with a whole head starts anew: when a worker takes it, its data is gone from here. */
static bool is_slow_stranger(struct stranger *stranger, int fd)
{
    struct tcp_info tcp = {.tcpi_last_data_recv = 0};
    struct sockaddr_in peer = {.sin_family = AF_UNSPEC};
    socklen_t size = sizeof tcp, peer_size = sizeof peer;
    int64_t now_us = clock_monotonic_us();
    int unread = 0;

    if (getpeername(fd, (struct sockaddr *)&peer, &peer_size) || ioctl(fd, FIONREAD, &unread))
        return false;
    if (stranger->port != peer.sin_port || has_whole_head(fd, unread))
        *stranger = (struct stranger){peer.sin_port, now_us};
    bool is_silent = !unread && !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &tcp, &size) &&
                     tcp.tcpi_last_data_recv > HEAD_US / 1000;
    return is_silent || now_us - stranger->since_us > HEAD_US;
}

/* A look at one descriptor. It is duplicated first, so that a close in between cannot redirect us
 * to another file. */
static enum looks look_at(struct http_guardian *guardian, int fd, bool may_evict)
{
    if (!is_on_our_port(guardian, fd, false) || is_registered(guardian, fd))
        return LOOKS_FOREIGN;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, fd);
    if (copy < 0)
        return LOOKS_FOREIGN;
    if (is_on_our_port(guardian, copy, false) && is_slow_stranger(&guardian->strangers[fd], copy) &&
        may_evict)
        shutdown(copy, SHUT_RD);
    close(copy);
    return LOOKS_UNKNOWN;
}

/* Connections without a record of their socket either never sent a request and hold a worker, or
 * wait for one in civetweb's queue. How many wait is what is left after the former; ends those of
 * the former that have been silent for long. Descriptors are given out lowest first, so a long run
 * of unused ones is the end. */
static size_t count_waiting(struct http_guardian *guardian, bool may_evict)
{
    size_t unknown = 0, silent = 0;

    for (size_t i = 0; i < guardian->worker_count; i++) {
        pthread_mutex_lock(&guardian->workers[i].lock);
        silent += guardian->workers[i].state == WORKER_SILENT;
        pthread_mutex_unlock(&guardian->workers[i].lock);
    }
    for (int fd = 3, gap = 0; fd < guardian->descriptors_max && gap < GAP_MAX; fd++) {
        bool is_unused = fcntl(fd, F_GETFD) < 0;
        gap = is_unused ? gap + 1 : 0;
        if (!is_unused)
            unknown += look_at(guardian, fd, may_evict) == LOOKS_UNKNOWN;
    }
    return unknown > silent ? unknown - silent : 0;
}

/* The accepted socket whose peer is this request's. */
static int find_descriptor(const struct http_guardian *guardian, const struct mg_request_info *info)
{
    struct in_addr address;

    if (inet_pton(AF_INET, info->remote_addr, &address) != 1)
        return -1;
    for (int fd = 3; fd < guardian->descriptors_max; fd++) {
        struct sockaddr_in peer = {.sin_family = AF_UNSPEC};
        socklen_t size = sizeof peer;
        if (getpeername(fd, (struct sockaddr *)&peer, &size) || peer.sin_family != AF_INET ||
            peer.sin_port != htons((uint16_t)info->remote_port) ||
            peer.sin_addr.s_addr != address.s_addr)
            continue;
        if (is_on_our_port(guardian, fd, false))
            return fd;
    }
    return -1;
}

/* The listener itself, or a connection it accepted. */
static bool is_on_our_port(const struct http_guardian *guardian, int fd, bool want_listener)
{
    struct sockaddr_in local = {.sin_family = AF_UNSPEC};
    socklen_t size = sizeof local, flag_size = sizeof(int);
    int is_listener = 0;

    return !getsockname(fd, (struct sockaddr *)&local, &size) && local.sin_family == AF_INET &&
           local.sin_port == guardian->port &&
           !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listener, &flag_size) &&
           (is_listener != 0) == want_listener;
}

static bool is_registered(struct http_guardian *guardian, int fd)
{
    bool found = false;

    for (size_t i = 0; i < guardian->worker_count && !found; i++) {
        struct http_worker *worker = &guardian->workers[i];
        pthread_mutex_lock(&worker->lock);
        found = worker->fd == fd;
        pthread_mutex_unlock(&worker->lock);
    }
    return found;
}
