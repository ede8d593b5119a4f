/* main.c - marketing on a real Postgres. */
#include "suites.h"

int main(void)
{
    static const struct service *const SERVICES[] = {&MARKETING, NULL};
    Suite *suite = suite_create("marketing");

    promotion_case(suite);
    coupon_case(suite);
    hold_case(suite);
    return world_run(suite, SERVICES);
}
