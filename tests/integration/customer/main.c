/* main.c - customer on a real Postgres. */
#include "suites.h"

#include <stdlib.h>

int main(void)
{
    static const struct service *const SERVICES[] = {&CUSTOMER, NULL};
    Suite *suite = suite_create("customer");

    // RFC 8037 A.1; the daemon does not start without a seed
    setenv("CUSTOMER_SIGNING_SEED",
           "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", 1);
    sign_in_case(suite);
    session_case(suite);
    address_case(suite);
    return world_run(suite, SERVICES);
}
