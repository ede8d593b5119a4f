/* suites.h - the suites of this folder, and the vocabulary they share. */
#pragma once

#include "rules_engine/rule.h"

#include <check.h>

enum { VOCABULARY_COUNT = 6 };

extern const struct fact_def VOCABULARY[VOCABULARY_COUNT];

Suite *compile_suite(void);
Suite *conditions_suite(void);
Suite *evaluate_suite(void);
