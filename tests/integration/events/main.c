/* main.c - runs the suites; as `--shop`, is the consuming daemon that they start and kill. */
#include "shop.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--shop") == 0) {
        shop_configure();
        return service_main(&SHOP_CONSUMER, 1, argv);
    }

    SRunner *runner = srunner_create(skeleton_suite());
    srunner_add_suite(runner, relay_suite());
    srunner_add_suite(runner, consumer_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
