/* access.c - who asks: the rate of their address first, then the key, then the token. */
#include "access/access.h"

#include "gateway.h"

#include <string.h>
#include <strings.h>

/* What the gateway does with daemons on behalf of strangers; each route decides whose data. */
static const char STOREFRONT_SCOPES[] =
    "carts.read carts.write checkout.run coupons.use stock.reserve customers.read customers.write "
    "orders.read";
static const char PUBLIC_SCOPES[] = "payments.webhook checkout.run coupons.use stock.reserve";

static void set_caller(struct ctx *ctx, const char *actor, const char *scopes)
{
    ctx->caller = (struct caller){.service = "gateway", .actor = actor, .scopes = scopes};
}

static struct status admit_visitor(struct ctx *ctx, struct exchange *exchange)
{
    const struct route *route = exchange->route;
    TRY(access_storefront(ctx, exchange));
    // Signing in replaces whatever token a client still has, so a stale one is no obstacle.
    if (!(route->flags & ROUTE_SIGN_IN))
        TRY(access_customer(ctx, exchange, route->access == ACCESS_CUSTOMER));
    const char *id = exchange->visitor.customer_id;
    set_caller(ctx, id ? arena_printf(ctx->arena, "customer:%s", id) : "guest", STOREFRONT_SCOPES);
    ctx->caller.channel_id = exchange->visitor.channel_id;
    return status_ok();
}

struct status access_admit(struct ctx *ctx, struct exchange *exchange)
{
    const struct route *route = exchange->route;
    set_caller(ctx, "guest", PUBLIC_SCOPES); // until we know better: finding out takes calls too
    if (route->access == ACCESS_ADMIN)
        return access_admin(ctx, exchange);

    TRY(access_rate(ctx, exchange, route->flags & ROUTE_SIGN_IN ? RATE_SIGN_IN : RATE_STOREFRONT,
                    access_address(ctx, exchange->http)));
    return route->access == ACCESS_PUBLIC ? status_ok() : admit_visitor(ctx, exchange);
}

/* The edge appends the address it saw; what stands before it is the client's own claim. */
const char *access_address(struct ctx *ctx, const struct http_request *request)
{
    const struct gateway *self = ctx_state(ctx);
    const char *forwarded =
        self->trusts_forwarded ? http_header_get(request, "X-Forwarded-For") : NULL;
    if (!forwarded)
        return str_or_empty(request->remote_address);
    const char *comma = strrchr(forwarded, ',');
    const char *last = comma ? comma + 1 : forwarded;
    last += strspn(last, " \t");
    return arena_strndup(ctx->arena, last, strcspn(last, " \t"));
}

const char *access_bearer(const struct http_request *request)
{
    const char *header = http_header_get(request, "Authorization");
    if (!header || strncasecmp(header, "Bearer ", 7) != 0)
        return NULL;
    header += 7;
    header += strspn(header, " ");
    return *header ? header : NULL;
}
