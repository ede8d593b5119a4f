/* main.c - the arithmetic of taxes. What a breakdown adds up to is tested with the calculator that
 * makes it, in tests/unit/pricing. */
#include "suites.h"

int main(void)
{
    Suite *suite = suite_create("price_breakdown");

    suite_add_tcase(suite, tax_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
