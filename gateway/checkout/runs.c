/* runs.c - see runs.h. A list: there are never more runs than threads. */
#include "checkout/runs.h"

#include "common/str.h"

#include <pthread.h>

struct checkout_runs {
    pthread_mutex_t lock; /* of the list and of the names in it */
    struct checkout_run *first;
};

struct checkout_runs *checkout_runs_create(struct arena *arena)
{
    struct checkout_runs *runs = arena_new(arena, struct checkout_runs);
    (void)pthread_mutex_init(&runs->lock, NULL); // cannot fail with default attributes
    return runs;
}

void checkout_runs_destroy(struct checkout_runs *runs)
{
    if (runs)
        (void)pthread_mutex_destroy(&runs->lock);
}

static bool is_same(const char *a, const char *b)
{
    return a && b && str_equal(a, b);
}

bool checkout_run_enter(struct checkout_runs *runs, struct checkout_run *run, const char *cart_id,
                        const char *checkout_id)
{
    bool is_alone = true;
    *run = (struct checkout_run){.runs = runs, .cart_id = cart_id, .checkout_id = checkout_id};

    (void)pthread_mutex_lock(&runs->lock);
    for (const struct checkout_run *other = runs->first; other; other = other->next)
        if (is_same(other->cart_id, cart_id) || is_same(other->checkout_id, checkout_id))
            is_alone = false;
    run->next = runs->first;
    if (run->next)
        run->next->before = run;
    runs->first = run;
    (void)pthread_mutex_unlock(&runs->lock);
    return is_alone;
}

void checkout_run_name(struct checkout_run *run, const char *cart_id, const char *checkout_id)
{
    (void)pthread_mutex_lock(&run->runs->lock);
    run->cart_id = cart_id;
    run->checkout_id = checkout_id;
    (void)pthread_mutex_unlock(&run->runs->lock);
}

void checkout_run_leave(struct checkout_run *run)
{
    if (!run->runs)
        return;
    (void)pthread_mutex_lock(&run->runs->lock);
    if (run->before)
        run->before->next = run->next;
    else
        run->runs->first = run->next;
    if (run->next)
        run->next->before = run->before;
    (void)pthread_mutex_unlock(&run->runs->lock);
    run->runs = NULL;
}
