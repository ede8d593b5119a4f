/* parked.c - the events that a daemon could not handle, for the back office.
 *
 * Every daemon that consumes serves the same contract; the path says which one is meant. */
#include "parked/parked.h"

#include "chassis/service.h"
#include "common/v1/parked.client.h"
#include "gateway/v1/admin.pb-c.h"

const struct error_def SERVICE_UNKNOWN = {STATUS_NOT_FOUND, "SERVICE_UNKNOWN",
                                          "name a daemon that consumes events"};

static bool is_called(const char *const *daemons, const char *name)
{
    for (; *daemons; daemons++)
        if (str_equal(*daemons, name))
            return true;
    return false;
}

/* The shared contract's method, addressed to one daemon. */
static struct status call(struct ctx *ctx, const char *service, struct rpc_call *call)
{
    const char *const *daemons = daemon_service(ctx->daemon)->calls;
    struct rpc_method_ref method = *call->method;
    if (!is_called(daemons, service))
        return ctx_fail_field(ctx, &SERVICE_UNKNOWN, "service", service,
                              "the name of a daemon, such as \"order\"");
    method.service = service;
    call->method = &method;
    return rpc_call_one(ctx, call);
}

struct status parked_events_list(struct ctx *ctx, struct exchange *exchange,
                                 const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__ListParkedEventsRequest *list = (const void *)request;
    Common__V1__ListParkedEventsResponse *listed = (void *)response;
    Common__V1__ListParkedEventsRequest forwarded = COMMON__V1__LIST_PARKED_EVENTS_REQUEST__INIT;
    Common__V1__PageRequest page = COMMON__V1__PAGE_REQUEST__INIT;
    (void)exchange;
    page.page_size = list->page_size;
    page.page_token = list->page_token;
    forwarded.page = &page;
    struct rpc_call listing = common_v1_list_parked_events_call(&forwarded);
    TRY(call(ctx, list->service, &listing));
    *listed = *(const Common__V1__ListParkedEventsResponse *)(const void *)listing.reply;
    return status_ok();
}

struct status parked_event_resolve(struct ctx *ctx, struct exchange *exchange,
                                   const ProtobufCMessage *request, ProtobufCMessage *response)
{
    const Gateway__V1__ResolveParkedEventRequest *resolve = (const void *)request;
    Common__V1__ResolveParkedEventRequest forwarded =
        COMMON__V1__RESOLVE_PARKED_EVENT_REQUEST__INIT;
    (void)exchange;
    (void)response;
    forwarded.id = resolve->id;
    forwarded.resolution = resolve->resolution;
    struct rpc_call resolution = common_v1_resolve_parked_event_call(&forwarded);
    return call(ctx, resolve->service, &resolution);
}
