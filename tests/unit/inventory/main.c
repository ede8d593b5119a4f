/* main.c - the pure parts of inventory: ledger, sourcing, states. */
#include "suites.h"

int main(void)
{
    Suite *suite = suite_create("inventory");

    suite_add_tcase(suite, ledger_case());
    suite_add_tcase(suite, sourcing_case());
    suite_add_tcase(suite, reservation_state_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
