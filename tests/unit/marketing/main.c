/* main.c - the pure parts of marketing: the evaluator, coupons, definitions. */
#include "suites.h"

int main(void)
{
    Suite *suite = suite_create("marketing");

    suite_add_tcase(suite, evaluator_case());
    suite_add_tcase(suite, coupon_case());
    suite_add_tcase(suite, definition_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    arena_destroy(arena);
    return failed == 0 ? 0 : 1;
}
