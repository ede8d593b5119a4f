/* time_test.c */
#include "suites.h"
Suite *time_suite(void)
{
    return suite_create("time");
}
