/* main.c - runs every suite of kernel/common. */
#include "suites.h"

#include "common/compiler.h"

#include <stdlib.h>

static Suite *(*const SUITES[])(void) = {
    arena_suite,       text_suite,         id_suite,         time_suite,          map_suite,
    decimal_suite,     money_suite,        json_write_suite, json_tree_suite,     json_encode_suite,
    json_decode_suite, json_refusal_suite, json_any_suite,   json_property_suite, validate_suite,
};

int main(void)
{
    SRunner *runner = srunner_create(NULL);

    for (size_t i = 0; i < ARRAY_LEN(SUITES); i++)
        srunner_add_suite(runner, SUITES[i]());
    srunner_run_all(runner, CK_ENV);

    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);

    srunner_free(runner);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
