/* main.c - the pure files of the order daemon. */
#include "suites.h"

#include <stdlib.h>

int main(void)
{
    Suite *suite = suite_create("order pure");

    checkout_state_case(suite);
    tender_case(suite);
    ledger_case(suite);
    order_status_case(suite);
    signature_case(suite);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
