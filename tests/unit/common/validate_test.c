/* validate_test.c */
#include "suites.h"
Suite *validate_suite(void)
{
    return suite_create("validate");
}
