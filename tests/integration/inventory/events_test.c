#include "suites.h"
void events_case(Suite *suite)
{
    (void)suite;
}
