/* main.c - imports, from the upload to the shop's daemons. */
#include "suites.h"

extern const struct service CATALOG, PRICING, INVENTORY, PLATFORM, GATEWAY;

int main(void)
{
    static const struct service *const SERVICES[] = {&CATALOG,  &PRICING, &INVENTORY,
                                                     &PLATFORM, &GATEWAY, NULL};
    Suite *suite = suite_create("gateway import");

    import_case(suite);
    upload_case(suite);
    large_case(suite);
    return world_run(suite, SERVICES);
}
