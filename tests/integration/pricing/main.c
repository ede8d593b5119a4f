/* main.c - pricing on a real Postgres. */
#include "suites.h"

int main(void)
{
    static const struct service *const SERVICES[] = {&PRICING, NULL};
    Suite *suite = suite_create("pricing");

    price_list_case(suite);
    prices_case(suite);
    tax_rate_case(suite);
    read_case(suite);
    return world_run(suite, SERVICES);
}
