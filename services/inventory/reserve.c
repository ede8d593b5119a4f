/* reserve.c - Reserve: promises stock to a checkout, all lines or none.
 *
 * A hold is a movement from available to reserved, so nothing but movements ever changes a balance.
 * Callers do not open a transaction each: reserve_queue.c combines those that wait. */
#include "inventory.h"

#include "common/str.h"

static struct status parse(struct ctx *ctx, const Inventory__V1__ReserveRequest *req,
                           struct reserve_request *ret_request);

struct status inventory_reserve(struct ctx *ctx, const Inventory__V1__ReserveRequest *req,
                                Inventory__V1__ReserveResponse *rep)
{
    struct inventory *self = ctx_state(ctx);
    struct reserve_request request;

    TRY(parse(ctx, req, &request));
    reserve_queues_submit(self->queues, &request);
    TRY(request.status);
    rep->reservation = reply_reservation(ctx, &request.result);
    return status_ok();
}

static struct status parse(struct ctx *ctx, const Inventory__V1__ReserveRequest *req,
                           struct reserve_request *ret_request)
{
    const struct inventory *self = ctx_state(ctx);
    struct reserve_line *lines = arena_array(ctx->arena, struct reserve_line, req->n_lines);

    for (size_t i = 0; i < req->n_lines; i++) {
        for (size_t j = 0; j < i; j++)
            if (str_equal(lines[j].line_id, req->lines[i]->line_id))
                return ctx_fail_field(ctx, &ERROR_INVALID_REQUEST,
                                      arena_printf(ctx->arena, "lines[%zu].lineId", i),
                                      req->lines[i]->line_id, "each line once");
        lines[i] = (struct reserve_line){.line_id = req->lines[i]->line_id,
                                         .variant_id = parsed(req->lines[i]->variant_id),
                                         .quantity = req->lines[i]->quantity};
    }
    *ret_request = (struct reserve_request){
        .ctx = ctx,
        .reservation_id = parsed(req->reservation_id),
        .lines = lines,
        .line_count = req->n_lines,
        .country_code = str_or_empty(req->country_code),
        .ttl_ms = req->ttl_ms > 0 ? req->ttl_ms : self->hold_ttl_ms,
        .is_pinned = req->pin,
    };
    return status_ok();
}
