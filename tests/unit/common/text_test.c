/* text_test.c */
#include "suites.h"
Suite *text_suite(void)
{
    return suite_create("text");
}
