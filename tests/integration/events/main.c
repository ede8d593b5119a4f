/* main.c - runs the suites of one executable; as `--shop`, is the consuming daemon that they start
 * and kill. */
#include "shop.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>

static Suite *(*const SUITES[])(void) = {
#ifdef TORG_TEST_RELAYING
    skeleton_suite,
    relay_suite,
    cart_stream_suite,
#else
    consumer_suite,
    stateless_suite,
#endif
};

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--shop") == 0) {
        shop_configure();
        return service_main(&SHOP_CONSUMER, 1, argv);
    }

    SRunner *runner = srunner_create(SUITES[0]());
    for (size_t i = 1; i < ARRAY_LEN(SUITES); i++)
        srunner_add_suite(runner, SUITES[i]());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
