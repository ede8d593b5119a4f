/* suites.h - the cases of this suite. */
#pragma once

#include <check.h>

TCase *tax_case(void);
