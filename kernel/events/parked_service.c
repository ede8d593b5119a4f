/* parked_service.c - common.v1.ParkedEventService: the operator's view of what could not be
 * handled.
 */
#include "chassis/page.h"
#include "chassis/wire.h"
#include "common/v1/parked.handlers.h"
#include "consuming.h"
#include "events/parked.h"

static Common__V1__ParkedEvent *to_wire(struct ctx *ctx, const struct parked_event *event);

struct status common_list_parked_events(struct ctx *ctx,
                                        const Common__V1__ListParkedEventsRequest *req,
                                        Common__V1__ListParkedEventsResponse *rep)
{
    int64_t size = page_size(req->page);
    struct parked_page page = {.size = size + 1};
    const struct parked_event *events;
    size_t count;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(page_after_uuids(ctx, req->page, 1, &page.after));
    rep->page = page_last(ctx);
    if (daemon_service(ctx->daemon)->statements == NULL)
        return status_ok(); /* a daemon without a database parks nothing */
    TRY(db_begin_read(ctx, &tx));
    TRY(parked_list(ctx, tx, page, &events, &count));
    if ((int64_t)count > size)
        rep->page = page_next_uuids(ctx, &events[--count - 1].id, 1);
    rep->events = arena_array(ctx->arena, Common__V1__ParkedEvent *, count);
    rep->n_events = count;
    for (size_t i = 0; i < count; i++)
        rep->events[i] = to_wire(ctx, &events[i]);
    return status_ok();
}

struct status common_resolve_parked_event(struct ctx *ctx,
                                          const Common__V1__ResolveParkedEventRequest *req,
                                          Common__V1__ResolveParkedEventResponse *rep)
{
    bool is_retry = req->resolution == COMMON__V1__PARKED_RESOLUTION__PARKED_RESOLUTION_RETRY;
    struct uuid id;
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    (void)rep;
    if (daemon_service(ctx->daemon)->statements == NULL || !uuid_parse(req->id, &id))
        return ctx_fail(ctx, &ERROR_NOT_FOUND, "parked event %s", req->id);
    TRY(db_begin(ctx, &tx));
    TRY(parked_resolve(tx, id, is_retry ? PARKED_RETRY : PARKED_SKIP));
    return db_commit(&tx);
}

static Common__V1__ParkedEvent *to_wire(struct ctx *ctx, const struct parked_event *event)
{
    Common__V1__ParkedEvent *wire = arena_new(ctx->arena, Common__V1__ParkedEvent);

    common__v1__parked_event__init(wire);
    wire->id = uuid_text(ctx->arena, event->id);
    wire->event_id = uuid_text(ctx->arena, event->event_id);
    wire->topic = event->topic;
    wire->partition = event->partition;
    wire->offset = event->offset;
    wire->type = event->type;
    wire->key = str_hex(ctx->arena, event->key.data, event->key.length);
    wire->sequence = event->sequence;
    wire->state = event->is_dead      ? COMMON__V1__PARKED_STATE__PARKED_STATE_DEAD
                  : event->is_waiting ? COMMON__V1__PARKED_STATE__PARKED_STATE_WAITING
                                      : COMMON__V1__PARKED_STATE__PARKED_STATE_RETRYING;
    wire->attempts = event->attempts;
    wire->reason = event->reason;
    wire->detail = str_or_empty(event->detail);
    wire->parked_at = wire_time(ctx->arena, event->parked_at_us);
    wire->next_try_at = wire_time(ctx->arena, event->next_try_us);
    return wire;
}
