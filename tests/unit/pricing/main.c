/* main.c - the pure parts of pricing: selection, supersession, the calculator. */
#include "suites.h"

int main(void)
{
    Suite *suite = suite_create("pricing");

    suite_add_tcase(suite, selection_case());
    suite_add_tcase(suite, supersede_case());
    suite_add_tcase(suite, calculator_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    arena_destroy(arena);
    return failed == 0 ? 0 : 1;
}
