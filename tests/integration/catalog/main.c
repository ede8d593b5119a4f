/* main.c - catalog on a real Postgres. */
#include "suites.h"

int main(void)
{
    static const struct service *const SERVICES[] = {&CATALOG, NULL};
    Suite *suite = suite_create("catalog");

    product_case(suite);
    publication_case(suite);
    read_case(suite);
    snapshot_case(suite);
    upsert_case(suite);
    category_case(suite);
    import_case(suite);
    runner_case(suite);
    crowd_case(suite);
    return world_run(suite, SERVICES);
}
