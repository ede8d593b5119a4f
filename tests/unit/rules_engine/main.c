/* main.c - runs every suite of kernel/rules_engine. */
#include "suites.h"

#include <stdlib.h>

const struct fact_def VOCABULARY[VOCABULARY_COUNT] = {
    {"cart.subtotal", FACT_INT, "in minor units"},  {"cart.quantity", FACT_INT, "of all lines"},
    {"customer.is_guest", FACT_BOOL, ""},           {"channel", FACT_TEXT, "its code"},
    {"products", FACT_TEXT_SET, "ids in the cart"}, {"now", FACT_TIME, ""},
};

int main(void)
{
    SRunner *runner = srunner_create(compile_suite());

    srunner_add_suite(runner, conditions_suite());
    srunner_add_suite(runner, evaluate_suite());
    srunner_run_all(runner, CK_ENV);

    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);

    srunner_free(runner);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
