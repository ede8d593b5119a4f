/* arena_test.c */
#include "suites.h"
Suite *arena_suite(void)
{
    return suite_create("arena");
}
