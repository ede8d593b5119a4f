/* views.h - what storefronts see of other services' messages. */
#pragma once

#include "gateway/v1/store.pb-c.h"
#include "order/v1/service.pb-c.h"

struct ctx;

/* Shares the order's strings and sub-messages: it lives as long as the order does. */
Gateway__V1__OrderView *order_view(struct ctx *ctx, const Order__V1__Order *order);
