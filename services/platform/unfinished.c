/* unfinished.c - templates and deliveries: answered as unimplemented until they land. */
#include "platform.h"

#include "platform/v1/service.handlers.h"

static const struct error_def UNFINISHED = {STATUS_UNIMPLEMENTED, "UNIMPLEMENTED", "not yet"};

struct status platform_upsert_template(struct ctx *ctx,
                                       const Platform__V1__UpsertTemplateRequest *req,
                                       Platform__V1__UpsertTemplateResponse *rep)
{
    (void)req;
    (void)rep;
    return ctx_fail(ctx, &UNFINISHED, "templates");
}
struct status platform_list_templates(struct ctx *ctx,
                                      const Platform__V1__ListTemplatesRequest *req,
                                      Platform__V1__ListTemplatesResponse *rep)
{
    (void)req;
    (void)rep;
    return ctx_fail(ctx, &UNFINISHED, "templates");
}
struct status platform_list_deliveries(struct ctx *ctx,
                                       const Platform__V1__ListDeliveriesRequest *req,
                                       Platform__V1__ListDeliveriesResponse *rep)
{
    (void)req;
    (void)rep;
    return ctx_fail(ctx, &UNFINISHED, "deliveries");
}
struct status platform_get_delivery(struct ctx *ctx, const Platform__V1__GetDeliveryRequest *req,
                                    Platform__V1__GetDeliveryResponse *rep)
{
    (void)req;
    (void)rep;
    return ctx_fail(ctx, &UNFINISHED, "deliveries");
}
struct status platform_retry_delivery(struct ctx *ctx,
                                      const Platform__V1__RetryDeliveryRequest *req,
                                      Platform__V1__RetryDeliveryResponse *rep)
{
    (void)req;
    (void)rep;
    return ctx_fail(ctx, &UNFINISHED, "deliveries");
}
