/* decimal_test.c */
#include "suites.h"
Suite *decimal_suite(void)
{
    return suite_create("decimal");
}
