/* access.h - who asks, and may they: channel keys, customer tokens, API keys, rates, origins. */
#pragma once

#include "events/consumer.h"
#include "rest/rest.h"

/* Fills the exchange's visitor and ctx->caller by the route's access, after the rate limit of that
 * caller. Refuses with UNAUTHENTICATED, PERMISSION_DENIED (naming the missing scope) or
 * RESOURCE_EXHAUSTED/RATE_LIMITED (with Retry-After on the answer). */
struct status access_admit(struct ctx *ctx, struct exchange *exchange);

/* CORS (fetch.spec.whatwg.org): answers a preflight itself (true), and adds the headers that an
 * allowed origin needs to any other answer (false). */
bool access_preflight(struct ctx *ctx, const struct http_request *request,
                      struct http_response *response);

/* The parts, one file each. */
struct status access_storefront(struct ctx *ctx, struct exchange *exchange); /* publishable_key.c */
struct status access_customer(struct ctx *ctx, struct exchange *exchange,
                              bool is_required);                        /* customer_token.c */
struct status access_admin(struct ctx *ctx, struct exchange *exchange); /* api_key.c */

/* rate_limit.c. Without Redis everybody is let through, and counted. */
enum rate { RATE_STOREFRONT, RATE_SIGN_IN, RATE_ADMIN };
struct status access_rate(struct ctx *ctx, struct exchange *exchange, enum rate rate,
                          const char *subject);
/* Who is at the other end of the line, or of the edge in front of us. */
const char *access_address(struct ctx *ctx, const struct http_request *request);
/* The token of "Authorization: Bearer <token>"; NULL when there is none. */
const char *access_bearer(const struct http_request *request);

/* What a publishable key names, cached; invalidated by platform's channel events and after a
 * minute. */
struct storefront_channel {
    const char *channel_id, *channel_code, *store_id, *store_name, *legal_entity, *tax_id;
    const char *const *currency_codes; /* NULL-terminated; the first is the default */
    const char *const *locales;
    const char *const *country_codes;
    bool prices_include_tax;
};

/* The channel of an id, from the same cache; NOT_FOUND when platform has none. */
struct status access_channel_by_id(struct ctx *ctx, const char *channel_id,
                                   const struct storefront_channel **ret_channel);

/* Broadcast: what platform changed is not believed any longer. */
struct status access_on_channel_changed(struct ctx *ctx, struct db_tx *tx,
                                        const struct event *event, const void *body);
struct status access_on_key_revoked(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                    const void *body);

extern struct metric RATE_LIMITED_REQUESTS;
extern struct metric RATE_LIMIT_UNCHECKED;

extern const struct error_def PUBLISHABLE_KEY_REQUIRED;
extern const struct error_def PUBLISHABLE_KEY_UNKNOWN;
extern const struct error_def CHANNEL_NOT_FOUND;
extern const struct error_def TOKEN_REQUIRED;
extern const struct error_def TOKEN_INVALID;
extern const struct error_def TOKEN_EXPIRED;
extern const struct error_def API_KEY_REQUIRED;
extern const struct error_def API_KEY_UNKNOWN;
extern const struct error_def SCOPE_MISSING;
extern const struct error_def RATE_LIMITED;
