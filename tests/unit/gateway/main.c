/* main.c - the gateway's parts that need no server. */
#include "suites.h"

int main(void)
{
    Suite *suite = suite_create("gateway");

    suite_add_tcase(suite, match_case());
    suite_add_tcase(suite, bind_case());
    suite_add_tcase(suite, problem_case());
    suite_add_tcase(suite, token_case());
    suite_add_tcase(suite, negotiate_case());
    suite_add_tcase(suite, cors_case());
    suite_add_tcase(suite, openapi_case());
    suite_add_tcase(suite, saga_case());
    suite_add_tcase(suite, cache_case());
    suite_add_tcase(suite, runs_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
