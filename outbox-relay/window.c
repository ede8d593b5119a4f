/* window.c - the prefix of transactions that is delivered. */
#include "window.h"

#include <assert.h>

static struct window_slot *slot_at(const struct window *window, uint64_t ticket);
static void advance(struct window *window);

void window_init(struct window *window, struct window_slot *slots, int64_t messages_max,
                 int64_t bytes_max)
{
    *window = (struct window){
        .slots = slots,
        .capacity = (size_t)messages_max + 2,
        .messages_max = messages_max,
        .bytes_max = bytes_max,
    };
}

void window_reset(struct window *window, uint64_t position)
{
    window->head = window->tail = 0;
    window->messages = window->bytes = 0;
    window->watched.outstanding = 0;
    window->confirmed = position;
}

void window_begin(struct window *window, int64_t time_us)
{
    assert(!window_is_open(window));
    assert(window->tail - window->head < window->capacity);
    *slot_at(window, window->tail++) = (struct window_slot){.time_us = time_us};
}

uint64_t window_sent(struct window *window, int64_t bytes)
{
    assert(window_is_open(window));
    slot_at(window, window->tail - 1)->outstanding++;
    window->messages++;
    window->bytes += bytes;
    return window->tail - 1;
}

/* A transaction without a message joins the one before it. */
void window_end(struct window *window, uint64_t position)
{
    assert(window_is_open(window));

    struct window_slot *slot = slot_at(window, window->tail - 1);
    slot->position = position;
    slot->is_closed = true;
    if (slot->outstanding == 0 && window->tail - window->head > 1) {
        window->tail--;
        slot_at(window, window->tail - 1)->position = position;
    }
    advance(window);
}

void window_mark(struct window *window, uint64_t position)
{
    if (window_is_open(window))
        return;
    if (window_is_empty(window)) {
        if (position > window->confirmed)
            window->confirmed = position;
        return;
    }

    struct window_slot *newest = slot_at(window, window->tail - 1);
    if (position > newest->position)
        newest->position = position;
}

void window_done(struct window *window, uint64_t ticket, int64_t bytes)
{
    assert(ticket >= window->head && ticket < window->tail);

    struct window_slot *slot = slot_at(window, ticket);
    assert(slot->outstanding > 0);
    slot->outstanding--;
    window->messages--;
    window->bytes -= bytes;
    advance(window);
}

bool window_is_open(const struct window *window)
{
    return window->tail > window->head && !slot_at(window, window->tail - 1)->is_closed;
}

bool window_is_empty(const struct window *window)
{
    return window->tail == window->head;
}

bool window_has_room(const struct window *window)
{
    bool has_slot = window_is_open(window) || window->tail - window->head < window->capacity;

    return has_slot && window->messages < window->messages_max && window->bytes < window->bytes_max;
}

int64_t window_stalled_us(struct window *window, int64_t now_us)
{
    const struct window_slot *oldest =
        window_is_empty(window) ? NULL : slot_at(window, window->head);
    const int64_t outstanding = oldest != NULL && oldest->is_closed ? oldest->outstanding : 0;

    if (outstanding == 0 || outstanding != window->watched.outstanding ||
        window->head != window->watched.ticket) {
        window->watched.ticket = window->head;
        window->watched.outstanding = outstanding;
        window->watched.since_us = now_us;
    }
    return now_us - window->watched.since_us;
}

int64_t window_oldest_us(const struct window *window)
{
    return window_is_empty(window) ? 0 : slot_at(window, window->head)->time_us;
}

static struct window_slot *slot_at(const struct window *window, uint64_t ticket)
{
    return &window->slots[ticket % window->capacity];
}

static void advance(struct window *window)
{
    while (!window_is_empty(window)) {
        const struct window_slot *oldest = slot_at(window, window->head);
        if (!oldest->is_closed || oldest->outstanding > 0)
            return;
        if (oldest->position > window->confirmed)
            window->confirmed = oldest->position;
        window->head++;
    }
}
