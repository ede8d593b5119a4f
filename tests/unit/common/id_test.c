/* id_test.c */
#include "suites.h"
Suite *id_suite(void)
{
    return suite_create("id");
}
