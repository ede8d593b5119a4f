/* window.h - in-flight transactions, and the position up to which everything is delivered. Pure.
 *
 * A slot is a transaction: opened at its begin, closed at its end with its position. The confirmed
 * position is that of the longest prefix of closed slots without an outstanding message, so reports
 * may come in any order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct window_slot {
    uint64_t position;
    int64_t time_us; /* when the transaction committed */
    int64_t outstanding;
    bool is_closed;
};

struct window {
    struct window_slot *slots;
    size_t capacity; /* delivered slots behind one that is not take room too */
    uint64_t head;   /* ticket of the oldest slot */
    uint64_t tail;   /* ticket of the next slot */
    uint64_t confirmed;
    int64_t messages, bytes; /* outstanding */
    int64_t messages_max, bytes_max;
    struct { /* of window_stalled_us() */
        uint64_t ticket;
        int64_t outstanding, since_us;
    } watched;
};

/* `slots` has messages_max + 2 elements. */
void window_init(struct window *window, struct window_slot *slots, int64_t messages_max,
                 int64_t bytes_max);
void window_reset(struct window *window, uint64_t position);

/* Opens the slot of a transaction; there is at most one open slot. Needs room. */
void window_begin(struct window *window, int64_t time_us);
/* One message of the open slot was handed over; the ticket goes with it to window_done(). */
uint64_t window_sent(struct window *window, int64_t bytes);
void window_end(struct window *window, uint64_t position);
/* Nothing before `position` waits besides what the window knows. Ignored inside a transaction. */
void window_mark(struct window *window, uint64_t position);
void window_done(struct window *window, uint64_t ticket, int64_t bytes);

bool window_is_open(const struct window *window); /* inside a transaction */
bool window_is_empty(const struct window *window);
bool window_has_room(const struct window *window);
int64_t window_oldest_us(const struct window *window); /* 0 when nothing waits */
/* For how long no report has come for the oldest transaction, all of which was handed over; asked
 * again and again. 0 when there is none such. */
int64_t window_stalled_us(struct window *window, int64_t now_us);
