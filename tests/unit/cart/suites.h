/* suites.h - the cases of this suite. */
#pragma once

#include <check.h>

TCase *quote_build_case(void);
