/* suites.h - the suites of this executable. */
#pragma once

#include <check.h>

Suite *skeleton_suite(void);
