/* main.c - cart on a real Redis, beside the real catalog, pricing and marketing. */
#include "suites.h"

int main(void)
{
    static const struct service *const SERVICES[] = {&CATALOG, &PRICING, &MARKETING, &CART, NULL};
    Suite *suite = suite_create("cart");

    create_case(suite);
    lines_case(suite);
    details_case(suite);
    coupon_case(suite);
    checkout_case(suite);
    abandoned_case(suite);
    crowd_case(suite);
    stored_case(suite);
    memory_case(suite);
    return world_run(suite, SERVICES);
}
