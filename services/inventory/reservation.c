/* reservation.c - what becomes of a reservation: pin, extend, commit, release. */
#include "store.h"

const struct error_def RESERVATION_NOT_FOUND = {
    STATUS_NOT_FOUND, "RESERVATION_NOT_FOUND",
    "Reserve first; finished ones are purged after a time"};
const struct error_def RESERVATION_WAS_RELEASED = {
    STATUS_FAILED_PRECONDITION, "RESERVATION_RELEASED",
    "It was given up, perhaps before it was made: reserve under another id"};
const struct error_def RESERVATION_HAS_EXPIRED = {
    STATUS_FAILED_PRECONDITION, "RESERVATION_EXPIRED",
    "It ran out and its stock went back: reserve under another id"};
const struct error_def RESERVATION_IS_COMMITTED = {
    STATUS_FAILED_PRECONDITION, "RESERVATION_COMMITTED",
    "An order stands on it: cancel the order instead"};

static struct status apply_once(struct ctx *ctx, struct db_tx *tx, struct reservation *reservation,
                                enum reservation_action action, int64_t ttl_ms, bool *ret_is_done);
static struct status apply(struct ctx *ctx, struct db_tx *tx, struct book *book,
                           struct reservation *reservation,
                           struct reservation_transition transition);
static struct status post(struct ctx *ctx, struct book *book, struct event_list *events,
                          struct reservation *reservation,
                          struct reservation_transition transition);
static struct status refuse(struct ctx *ctx, enum reservation_outcome outcome, struct uuid id);
static struct status answer(struct ctx *ctx, const char *reservation_id,
                            enum reservation_action action, int64_t ttl_ms,
                            Inventory__V1__Reservation **ret_reply, struct db_tx **ret_tx);

struct status inventory_pin_reservation(struct ctx *ctx,
                                        const Inventory__V1__PinReservationRequest *req,
                                        Inventory__V1__PinReservationResponse *rep)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(answer(ctx, req->reservation_id, RESERVATION_PIN, 0, &rep->reservation, &tx));
    return db_commit(&tx);
}

struct status inventory_extend_reservation(struct ctx *ctx,
                                           const Inventory__V1__ExtendReservationRequest *req,
                                           Inventory__V1__ExtendReservationResponse *rep)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(answer(ctx, req->reservation_id, RESERVATION_EXTEND, req->ttl_ms, &rep->reservation, &tx));
    return db_commit(&tx);
}

struct status inventory_commit_reservation(struct ctx *ctx,
                                           const Inventory__V1__CommitReservationRequest *req,
                                           Inventory__V1__CommitReservationResponse *rep)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(answer(ctx, req->reservation_id, RESERVATION_COMMIT, 0, &rep->reservation, &tx));
    return db_commit(&tx);
}

struct status inventory_release_reservation(struct ctx *ctx,
                                            const Inventory__V1__ReleaseReservationRequest *req,
                                            Inventory__V1__ReleaseReservationResponse *rep)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(answer(ctx, req->reservation_id, RESERVATION_RELEASE, 0, &rep->reservation, &tx));
    return db_commit(&tx);
}

struct status inventory_get_reservation(struct ctx *ctx,
                                        const Inventory__V1__GetReservationRequest *req,
                                        Inventory__V1__GetReservationResponse *rep)
{
    struct reservation reservation;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin_read(ctx, &tx));
    TRY(store_find_reservation(tx, parsed(req->reservation_id), &reservation));
    rep->reservation = reply_reservation(ctx, &reservation);
    return status_ok();
}

/* The state alone decides, not the clock: a hold that ran out but whose stock nobody has put back
 * yet still has its stock, and may still be pinned. */
struct status reservation_apply(struct ctx *ctx, struct db_tx *tx, struct uuid id,
                                enum reservation_action action, int64_t ttl_ms,
                                struct reservation *ret_reservation)
{
    struct reservation reservation = {.id = id};
    bool is_done = false;

    // A second round follows when somebody reserved under this id while we found nothing.
    for (int round = 0; round < 2 && !is_done; round++)
        TRY(apply_once(ctx, tx, &reservation, action, ttl_ms, &is_done));
    if (!is_done)
        return ctx_fail(ctx, &RESERVATION_NOT_FOUND, "%s", uuid_text(ctx->arena, id));
    *ret_reservation = reservation;
    return status_ok();
}

void reservation_post(struct ctx *ctx, struct book *book, const struct reservation *reservation,
                      enum movement_kind kind)
{
    for (size_t i = 0; i < reservation->allocations.count; i++) {
        const struct allocation *allocation = &reservation->allocations.rows[i];
        struct level *level =
            book_find_level(book, allocation->stock_item_id, allocation->warehouse_id);
        int64_t quantity = allocation->quantity - allocation->shipped_quantity;
        if (quantity == 0)
            continue;
        book_post(book, &(struct movement){.kind = kind,
                                           .from = level,
                                           .to = level,
                                           .quantity = quantity,
                                           .cause_id = reservation->id,
                                           .actor = ctx->caller.actor});
    }
}

static struct status apply_once(struct ctx *ctx, struct db_tx *tx, struct reservation *reservation,
                                enum reservation_action action, int64_t ttl_ms, bool *ret_is_done)
{
    struct book book;
    int64_t now_us;

    TRY(store_open_reservation(tx, reservation->id, reservation, &book, &now_us));
    struct reservation_transition transition = reservation_transition(reservation->state, action);
    switch (transition.outcome) {
    case OUTCOME_KEEP:
        *ret_is_done = true;
        return status_ok();
    case OUTCOME_TOMBSTONE:
        reservation->state = RESERVATION_RELEASED;
        return store_add_tombstone(tx, reservation->id, ret_is_done);
    case OUTCOME_APPLY:
        break;
    default:
        return refuse(ctx, transition.outcome, reservation->id);
    }

    int64_t extended_us = now_us + ttl_ms * 1000;
    if (transition.next != RESERVATION_HELD)
        reservation->expire_time_us = 0;
    else if (reservation->expire_time_us < extended_us) // never shortened
        reservation->expire_time_us = extended_us;
    *ret_is_done = true;
    return apply(ctx, tx, &book, reservation, transition);
}

static struct status apply(struct ctx *ctx, struct db_tx *tx, struct book *book,
                           struct reservation *reservation,
                           struct reservation_transition transition)
{
    struct event_list events = {0};

    TRY(post(ctx, book, &events, reservation, transition));
    return reservations_save(tx, book, &events, &reservation, 1);
}

struct status reservations_save(struct db_tx *tx, struct book *book, struct event_list *events,
                                struct reservation *const *reservations, size_t count)
{
    TRY(stock_events_add(db_ctx(tx), events, book, MOVEMENT_KINDS));
    TRY(store_save_book(tx, book, events));
    return store_save_reservations(tx, reservations, count);
}

static struct status post(struct ctx *ctx, struct book *book, struct event_list *events,
                          struct reservation *reservation, struct reservation_transition transition)
{
    if (transition.movement != MOVEMENT_KINDS)
        reservation_post(ctx, book, reservation, transition.movement);
    if (transition.next == RESERVATION_COMMITTED)
        TRY(stock_committed_add(ctx, events, reservation));
    if (transition.next == RESERVATION_RELEASED)
        TRY(stock_released_add(ctx, events, reservation, false));
    reservation->state = transition.next;
    return status_ok();
}

struct status reservation_commit(struct ctx *ctx, struct book *book, struct event_list *events,
                                 struct reservation *reservation)
{
    struct reservation_transition transition =
        reservation_transition(reservation->state, RESERVATION_COMMIT);

    if (transition.outcome == OUTCOME_KEEP)
        return status_ok();
    if (transition.outcome != OUTCOME_APPLY)
        return refuse(ctx, transition.outcome, reservation->id);
    reservation->expire_time_us = 0;
    return post(ctx, book, events, reservation, transition);
}

struct reservation *reservation_find(struct reservation *reservations, size_t count, struct uuid id)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = uuid_compare(&reservations[middle].id, &id);
        if (order == 0)
            return &reservations[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static struct status refuse(struct ctx *ctx, enum reservation_outcome outcome, struct uuid id)
{
    static const struct error_def *const ERRORS[] = {
        [OUTCOME_NOT_FOUND] = &RESERVATION_NOT_FOUND,
        [OUTCOME_RELEASED] = &RESERVATION_WAS_RELEASED,
        [OUTCOME_EXPIRED] = &RESERVATION_HAS_EXPIRED,
        [OUTCOME_COMMITTED] = &RESERVATION_IS_COMMITTED,
    };

    return ctx_fail(ctx, ERRORS[outcome], "%s", uuid_text(ctx->arena, id));
}

static struct status answer(struct ctx *ctx, const char *reservation_id,
                            enum reservation_action action, int64_t ttl_ms,
                            Inventory__V1__Reservation **ret_reply, struct db_tx **ret_tx)
{
    struct reservation reservation;

    TRY(db_begin(ctx, ret_tx));
    TRY(reservation_apply(ctx, *ret_tx, parsed(reservation_id), action, ttl_ms, &reservation));
    *ret_reply = reply_reservation(ctx, &reservation);
    return status_ok();
}
