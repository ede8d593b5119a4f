/* evaluator.h - what promotions take off, line by line. Pure, and independent of the lines' order.
 *
 * Promotions apply in order of priority, then code. Each sees what those before it left: a
 * percentage is of the remaining amount. A share of an order-level discount is by largest remainder
 * over the remaining amounts, so shares add up; nothing ever falls below zero. An exclusive
 * promotion that applied ends the list. Amounts round half to even. */
#pragma once

#include "marketing.h"

struct presented_coupon {
    const char *code;            /* as the buyer wrote it */
    const struct coupon *coupon; /* NULL: unknown */
};

struct evaluation_input {
    const Marketing__V1__EvaluateRequest *request;
    int64_t at_us;
    const struct promotion_set *promotions;
    const struct presented_coupon *coupons;
    size_t coupon_count;
};

void evaluate_promotions(struct arena *arena, const struct evaluation_input *input,
                         Marketing__V1__EvaluateResponse *response);
