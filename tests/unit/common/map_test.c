/* map_test.c */
#include "suites.h"
Suite *map_suite(void)
{
    return suite_create("map");
}
