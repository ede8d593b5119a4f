/* main.c - platform on a real Postgres. */
#include "suites.h"

int main(void)
{
    static const struct service *const SERVICES[] = {&PLATFORM, NULL};
    Suite *suite = suite_create("platform");

    channel_case(suite);
    shipping_case(suite);
    key_case(suite);
    delivery_case(suite);
    return world_run(suite, SERVICES);
}
