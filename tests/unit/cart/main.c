/* main.c - the pure part of cart: a quote and its problems from what three services said. */
#include "suites.h"

int main(void)
{
    Suite *suite = suite_create("cart");

    suite_add_tcase(suite, quote_build_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
