/* main.c - the order daemon on a real Postgres. */
#include "suites.h"

int main(void)
{
    static const struct service *const SERVICES[] = {&ORDER, NULL};
    Suite *suite = suite_create("order");

    checkout_case(suite);
    schedule_case(suite);
    manual_case(suite);
    stripe_case(suite);
    placing_case(suite);
    capture_case(suite);
    notice_case(suite);
    provider_case(suite);
    return world_run(suite, SERVICES);
}
