/* reserve_batch.c - decides Reserve calls of several callers in one transaction.
 *
 * The stock items of all are locked once, in id order. Each request is then decided in the order of
 * arrival on what the ones before it left; one that is refused takes back what it took and harms no
 * other. Everything is written by one statement per table. */
#include "store.h"

#include "common/str.h"

#include <stdlib.h>

const struct error_def INSUFFICIENT_STOCK = {
    STATUS_FAILED_PRECONDITION, "INSUFFICIENT_STOCK",
    "Ask for less: the violations name each short line and what there is"};
const struct error_def RESERVATION_TOO_LARGE = {
    STATUS_INVALID_ARGUMENT, "RESERVATION_TOO_LARGE",
    "Too many lines, components and warehouses together: split the order"};
const struct error_def STOCK_ITEMS_CHANGED = {
    STATUS_ABORTED, "STOCK_ITEMS_CHANGED",
    "The stock items of a variant changed at this moment: call again"};

struct metric RESERVED_UNITS = {.name = "inventory_reserved_units_total",
                                .type = METRIC_COUNTER,
                                .doc = "Units of stock items that Reserve took from available"};
struct metric SHORT_LINES = {.name = "inventory_short_lines_total",
                             .type = METRIC_COUNTER,
                             .doc = "Lines that Reserve refused for want of stock"};

static struct status open_view(struct db_tx *tx, struct reserve_request *const *requests,
                               size_t count, struct reserve_view *ret_view);
static struct status decide(struct reserve_view *view, struct reserve_request *request);
static struct status answer_existing(struct ctx *ctx, const struct reservation *existing,
                                     struct reservation *ret_result);
static struct status take_lines(struct reserve_view *view, struct reserve_request *request);
static struct status check_locked(struct ctx *ctx, const struct book *book,
                                  const struct sourcing_query *query);
static const struct component *line_components(const struct reserve_view *view,
                                               const struct reserve_line *line, size_t *ret_count);

struct status reserve_batch_run(struct ctx *work, struct reserve_request *const *requests,
                                size_t count)
{
    struct reservation **added = arena_array(work->arena, struct reservation *, count);
    struct event_list events = {0};
    struct reserve_view view;
    size_t added_count = 0;

    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(work, &tx));
    TRY(open_view(tx, requests, count, &view));
    for (size_t i = 0; i < count; i++) {
        struct reserve_request *request = requests[i];
        bool is_new =
            reservation_find(view.existing, view.existing_count, request->reservation_id) == NULL;
        request->status = decide(&view, request);
        if (!is_new || request->status.code != STATUS_OK)
            continue;
        TRY(stock_reserved_add(request->ctx, &events, &request->result));
        added[added_count++] = &request->result;
    }
    if (added_count == 0)
        return status_ok(); // nothing to write: the rollback only gives the locks back
    TRY(stock_events_add(work, &events, &view.book, MOVEMENT_KINDS));
    TRY(store_save_book(tx, &view.book, &events));
    TRY(store_add_reservations(tx, added, added_count));
    TRY(db_commit(&tx));

    for (size_t i = 0; i < view.book.movement_count; i++)
        metric_add(&RESERVED_UNITS, 0, view.book.movements[i].quantity);
    return status_ok();
}

static struct status open_view(struct db_tx *tx, struct reserve_request *const *requests,
                               size_t count, struct reserve_view *ret_view)
{
    struct arena *arena = db_ctx(tx)->arena;
    struct uuid *reservations = arena_array(arena, struct uuid, count);
    size_t variant_count = 0;

    for (size_t i = 0; i < count; i++)
        variant_count += requests[i]->line_count;
    struct uuid *variants = arena_array(arena, struct uuid, variant_count);
    for (size_t i = 0, next = 0; i < count; i++) {
        reservations[i] = requests[i]->reservation_id;
        for (size_t j = 0; j < requests[i]->line_count; j++)
            variants[next++] = requests[i]->lines[j].variant_id;
    }
    qsort(variants, variant_count, sizeof *variants, uuid_compare);
    size_t distinct = 1;
    for (size_t i = 1; i < variant_count; i++)
        if (!uuid_equal(variants[i], variants[distinct - 1]))
            variants[distinct++] = variants[i];
    return store_open_reserve(tx, (struct ids){variants, distinct},
                              (struct ids){reservations, count}, ret_view);
}

static struct status decide(struct reserve_view *view, struct reserve_request *request)
{
    const struct reservation *existing =
        reservation_find(view->existing, view->existing_count, request->reservation_id);
    struct ctx *ctx = request->ctx;

    if (existing != NULL)
        return answer_existing(ctx, existing, &request->result);

    request->result = (struct reservation){
        .id = request->reservation_id,
        .state = request->is_pinned ? RESERVATION_PINNED : RESERVATION_HELD,
        .expire_time_us = request->is_pinned ? 0 : view->now_us + request->ttl_ms * 1000,
        .allocations.arena = ctx->arena,
    };
    size_t mark = view->book.movement_count;
    struct status status = take_lines(view, request);
    if (status.code != STATUS_OK)
        book_rewind(&view->book, mark);
    return status;
}

/* A retry: what the first call did. Copied, since the batch's memory outlives no caller. */
static struct status answer_existing(struct ctx *ctx, const struct reservation *existing,
                                     struct reservation *ret_result)
{
    if (existing->state == RESERVATION_RELEASED)
        return ctx_fail(ctx, &RESERVATION_WAS_RELEASED, "%s", uuid_text(ctx->arena, existing->id));
    if (existing->state == RESERVATION_EXPIRED)
        return ctx_fail(ctx, &RESERVATION_HAS_EXPIRED, "%s", uuid_text(ctx->arena, existing->id));

    *ret_result = *existing;
    ret_result->allocations = (struct allocations){.arena = ctx->arena};
    for (size_t i = 0; i < existing->allocations.count; i++) {
        struct allocation allocation = existing->allocations.rows[i];
        allocation.line_id = arena_strdup(ctx->arena, allocation.line_id);
        allocations_add(&ret_result->allocations, &allocation);
    }
    return status_ok();
}

static struct status take_lines(struct reserve_view *view, struct reserve_request *request)
{
    struct ctx *ctx = request->ctx;
    const struct inventory *self = ctx_state(ctx);
    struct movement movement = {
        .kind = MOVEMENT_RESERVE, .cause_id = request->reservation_id, .actor = ctx->caller.actor};
    size_t short_count = 0;

    for (size_t i = 0; i < request->line_count; i++) {
        const struct reserve_line *line = &request->lines[i];
        struct sourcing_query query = {.sourcing = self->sourcing,
                                       .country_code = request->country_code,
                                       .line = line,
                                       .movement = &movement};
        query.components = line_components(view, line, &query.component_count);
        TRY(check_locked(ctx, &view->book, &query));
        int64_t units = source_line(&view->book, &query, &request->result.allocations);
        if (units == line->quantity)
            continue;
        short_count++;
        ctx_violation(ctx, arena_printf(ctx->arena, "lines[%zu].quantity", i),
                      arena_printf(ctx->arena, "%lld", (long long)line->quantity),
                      arena_printf(ctx->arena, "at most %lld", (long long)units));
    }
    if (short_count > 0) {
        metric_add(&SHORT_LINES, 0, (int64_t)short_count);
        return ctx_fail(ctx, &INSUFFICIENT_STOCK, "%zu of %zu lines", short_count,
                        request->line_count);
    }
    if (request->result.allocations.count > ALLOCATIONS_MAX)
        return ctx_fail(ctx, &RESERVATION_TOO_LARGE, "%zu allocations, at most %d",
                        request->result.allocations.count, ALLOCATIONS_MAX);
    return status_ok();
}

/* The mapping is read after the locks were taken by it; a change in between shows here. */
static struct status check_locked(struct ctx *ctx, const struct book *book,
                                  const struct sourcing_query *query)
{
    for (size_t i = 0; i < query->component_count; i++) {
        struct uuid item = query->components[i].stock_item_id;
        size_t level_count;

        (void)book_item_levels(book, item, &level_count);
        if (level_count > 0 && book_find_item(book, item) == NULL)
            return ctx_fail(ctx, &STOCK_ITEMS_CHANGED, "line %s", query->line->line_id);
    }
    return status_ok();
}

/* A variant without a mapping is its own stock item. */
static const struct component *line_components(const struct reserve_view *view,
                                               const struct reserve_line *line, size_t *ret_count)
{
    size_t low = 0, high = view->component_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (uuid_compare(&view->components[middle].variant_id, &line->variant_id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < view->component_count &&
           uuid_equal(view->components[end].variant_id, line->variant_id))
        end++;
    if (end > low) {
        *ret_count = end - low;
        return view->components + low;
    }

    struct component *itself = arena_new(view->book.arena, struct component);
    *itself = (struct component){line->variant_id, line->variant_id, 1};
    *ret_count = 1;
    return itself;
}
