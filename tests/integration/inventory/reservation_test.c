#include "suites.h"
void reservation_case(Suite *suite)
{
    (void)suite;
}
