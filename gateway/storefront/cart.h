/* cart.h - what the cart's handlers share. */
#pragma once

#include "cart/v1/service.client.h"
#include "gateway/v1/store.pb-c.h"
#include "rest/rest.h"

/* One call of cart for a visitor, with their idempotency key. Whose cart it is, cart decides by the
 * caller's actor. */
struct status cart_call(struct ctx *ctx, const struct exchange *exchange, struct rpc_call call,
                        const ProtobufCMessage **ret_reply);
/* What all answers of cart hold, as the view. */
void cart_show(Gateway__V1__CartView *view, Cart__V1__Cart *cart, Cart__V1__Quote *quote,
               size_t problem_count, Cart__V1__CartProblem **problems);
