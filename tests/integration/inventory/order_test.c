#include "suites.h"
void order_case(Suite *suite)
{
    (void)suite;
}
