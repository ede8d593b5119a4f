/* reserve_queue.c - callers of Reserve that wait at the same time share one transaction.
 *
 * A hot stock item is one row, and one row takes one transaction at a time: with a transaction per
 * caller, more callers mean fewer reservations. Here a caller enqueues. The first one leads: it
 * takes what waits, runs it as a batch, hands everyone his own answer and lets the next one lead.
 * While a batch commits, the next one gathers, so batches grow with the load by themselves and
 * nobody waits for company.
 *
 * Requests are spread over a few queues by stock, so that a hot stock item has one writer and the
 * others do not wait for it. Row locks keep batches of several queues and replicas apart. */
#include "inventory.h"

#include <pthread.h>
#include <time.h>

enum { BATCH_TIMEOUT_MS = 5000, ATTEMPTS_MAX = 3 };

static const int64_t US_PER_SECOND = 1000000;

struct metric RESERVE_BATCHES = {.name = "inventory_reserve_batches_total",
                                 .type = METRIC_COUNTER,
                                 .doc = "Transactions that decided Reserve calls"};
struct metric RESERVE_BATCHED = {
    .name = "inventory_reserve_batched_total",
    .type = METRIC_COUNTER,
    .doc = "Reserve calls decided; divided by the batches: how many share a transaction"};

enum phase { PHASE_WAITING, PHASE_TAKEN, PHASE_DONE };

/* A place in the queue, on the caller's stack. */
struct waiter {
    struct reserve_request *request;
    struct waiter *next;
    enum phase phase;
    pthread_cond_t changed;
};

struct reserve_queue {
    pthread_mutex_t lock;
    struct waiter *first;
    struct waiter **last; /* where the next one is linked in */
    bool is_led;
    /* Of the leader alone: */
    struct ctx work;
    struct waiter **taken;
    struct reserve_request **batch;
    size_t batch_max;
};

struct reserve_queues {
    struct arena *arena;
    struct reserve_queue *queues;
    size_t count;
};

static struct reserve_queue *queue_of(struct reserve_queues *queues,
                                      const struct reserve_request *request);
static void condition_init(pthread_cond_t *condition);
static bool wait_until(struct reserve_queue *queue, struct waiter *waiter, int64_t deadline_us);
static void leave(struct reserve_queue *queue, struct waiter *waiter);
static void lead(struct reserve_queue *queue);
static size_t take(struct reserve_queue *queue);
static bool is_taken(const struct reserve_queue *queue, size_t count, struct uuid id);
static void decide(struct reserve_queue *queue, size_t count);
static void decide_alone(struct reserve_queue *queue, size_t index);
static bool is_lost_race(struct status status);
static struct status run(struct reserve_queue *queue, size_t first, size_t count);
static void answer(struct reserve_request *request, struct status status);

struct status reserve_queues_create(struct ctx *boot, struct inventory *self)
{
    struct arena *arena = arena_create(0);
    struct reserve_queues *queues = arena_new(arena, struct reserve_queues);

    queues->arena = arena;
    queues->count = (size_t)self->reserve_queue_count;
    queues->queues = arena_array(arena, struct reserve_queue, queues->count);
    for (size_t i = 0; i < queues->count; i++) {
        struct reserve_queue *queue = &queues->queues[i];
        pthread_mutex_init(&queue->lock, NULL);
        queue->last = &queue->first;
        queue->batch_max = (size_t)self->reserve_batch;
        queue->taken = arena_array(arena, struct waiter *, queue->batch_max);
        queue->batch = arena_array(arena, struct reserve_request *, queue->batch_max);
        ctx_init(&queue->work, boot->daemon, "reserve_batch", BATCH_TIMEOUT_MS);
    }
    self->queues = queues;
    return status_ok();
}

void reserve_queues_destroy(struct reserve_queues *queues)
{
    if (queues == NULL)
        return;
    for (size_t i = 0; i < queues->count; i++) {
        ctx_finish(&queues->queues[i].work);
        pthread_mutex_destroy(&queues->queues[i].lock);
    }
    arena_destroy(queues->arena);
}

void reserve_queues_submit(struct reserve_queues *queues, struct reserve_request *request)
{
    struct reserve_queue *queue = queue_of(queues, request);
    struct waiter self = {.request = request};

    condition_init(&self.changed);
    pthread_mutex_lock(&queue->lock);
    *queue->last = &self;
    queue->last = &self.next;
    while (self.phase != PHASE_DONE) {
        if (self.phase == PHASE_WAITING && !queue->is_led) {
            lead(queue); // takes from the front: perhaps not yet ourselves
        } else if (!wait_until(queue, &self, request->ctx->deadline_us) &&
                   self.phase == PHASE_WAITING) {
            leave(queue, &self);
            request->status = ctx_fail(request->ctx, &ERROR_DEADLINE, "waiting to be decided");
            break;
        }
    }
    pthread_mutex_unlock(&queue->lock);
    pthread_cond_destroy(&self.changed);
}

/* By the smallest variant: whoever wants only the hot one meets in one queue. */
static struct reserve_queue *queue_of(struct reserve_queues *queues,
                                      const struct reserve_request *request)
{
    struct uuid smallest = request->lines[0].variant_id;

    for (size_t i = 1; i < request->line_count; i++)
        if (uuid_compare(&request->lines[i].variant_id, &smallest) < 0)
            smallest = request->lines[i].variant_id;
    return &queues->queues[smallest.bytes[15] % queues->count];
}

static void condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* False when the deadline passed. Who is taken waits for the batch, which has a deadline of its
 * own: the leader writes into his memory. */
static bool wait_until(struct reserve_queue *queue, struct waiter *waiter, int64_t deadline_us)
{
    struct timespec deadline = {.tv_sec = deadline_us / US_PER_SECOND,
                                .tv_nsec = deadline_us % US_PER_SECOND * 1000};

    if (waiter->phase == PHASE_TAKEN) {
        pthread_cond_wait(&waiter->changed, &queue->lock);
        return true;
    }
    return pthread_cond_timedwait(&waiter->changed, &queue->lock, &deadline) == 0;
}

/* The signal to lead may have been for who leaves: it is passed on. */
static void leave(struct reserve_queue *queue, struct waiter *waiter)
{
    struct waiter **place = &queue->first;

    while (*place != waiter)
        place = &(*place)->next;
    *place = waiter->next;
    if (queue->last == &waiter->next)
        queue->last = place;
    if (!queue->is_led && queue->first != NULL)
        pthread_cond_signal(&queue->first->changed);
}

static void lead(struct reserve_queue *queue)
{
    queue->is_led = true;
    size_t count = take(queue);
    pthread_mutex_unlock(&queue->lock);

    decide(queue, count);

    pthread_mutex_lock(&queue->lock);
    for (size_t i = 0; i < count; i++) {
        queue->taken[i]->phase = PHASE_DONE;
        pthread_cond_signal(&queue->taken[i]->changed);
    }
    queue->is_led = false;
    if (queue->first != NULL)
        pthread_cond_signal(&queue->first->changed);
}

/* From the front, at most batch_max. A retry that caught up with its first call stays for the next
 * batch, where it finds what the first call did. */
static size_t take(struct reserve_queue *queue)
{
    struct waiter **place = &queue->first;
    size_t count = 0;

    while (*place != NULL && count < queue->batch_max) {
        struct waiter *waiter = *place;
        if (is_taken(queue, count, waiter->request->reservation_id)) {
            place = &waiter->next;
            continue;
        }
        *place = waiter->next;
        if (queue->last == &waiter->next)
            queue->last = place;
        waiter->phase = PHASE_TAKEN;
        queue->batch[count] = waiter->request;
        queue->taken[count++] = waiter;
    }
    return count;
}

static bool is_taken(const struct reserve_queue *queue, size_t count, struct uuid id)
{
    for (size_t i = 0; i < count; i++)
        if (uuid_equal(queue->batch[i]->reservation_id, id))
            return true;
    return false;
}

/* A transaction that fails as a whole because of one request (another replica reserves under the
 * same id) must not fail the others: each is then tried by itself. So is one whose stock items
 * changed under it. */
static void decide(struct reserve_queue *queue, size_t count)
{
    metric_add(&RESERVE_BATCHED, 0, (int64_t)count);
    struct status status = run(queue, 0, count);
    bool is_hopeless = status.code == STATUS_UNAVAILABLE || status.code == STATUS_DEADLINE_EXCEEDED;

    for (size_t i = 0; i < count; i++) {
        if (is_hopeless)
            answer(queue->batch[i], status);
        else if (status.code != STATUS_OK || is_lost_race(queue->batch[i]->status))
            decide_alone(queue, i);
    }
}

static void decide_alone(struct reserve_queue *queue, size_t index)
{
    struct reserve_request *request = queue->batch[index];

    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        struct status status = run(queue, index, 1);
        if (status.code != STATUS_OK)
            answer(request, status);
        if (!is_lost_race(request->status))
            return;
    }
}

/* Who came first is there to be found the next time. */
static bool is_lost_race(struct status status)
{
    return status.code == STATUS_ABORTED || status.code == STATUS_ALREADY_EXISTS;
}

static struct status run(struct reserve_queue *queue, size_t first, size_t count)
{
    metric_add(&RESERVE_BATCHES, 0, 1);
    ctx_renew(&queue->work, BATCH_TIMEOUT_MS);
    return reserve_batch_run(&queue->work, queue->batch + first, count);
}

/* In the caller's memory: the leader's is used again. */
static void answer(struct reserve_request *request, struct status status)
{
    request->status = status;
    request->status.detail = arena_strdup(request->ctx->arena, status.detail);
    request->status.violations = NULL;
}
