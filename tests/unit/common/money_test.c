/* money_test.c */
#include "suites.h"
Suite *money_suite(void)
{
    return suite_create("money");
}
