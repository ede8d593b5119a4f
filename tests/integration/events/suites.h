/* suites.h - the suites of these executables. */
#pragma once

#include <check.h>

Suite *skeleton_suite(void);
Suite *relay_suite(void);
Suite *cart_stream_suite(void);
Suite *consumer_suite(void);
Suite *stateless_suite(void);
