/* main.c - inventory on a real Postgres. */
#include "suites.h"

int main(void)
{
    static const struct service *const SERVICES[] = {&INVENTORY, NULL};
    Suite *suite = suite_create("inventory");

    warehouse_case(suite);
    stock_case(suite);
    reserve_case(suite);
    reservation_case(suite);
    crowd_case(suite);
    order_case(suite);
    events_case(suite);
    return world_run(suite, SERVICES);
}
