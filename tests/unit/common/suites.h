/* suites.h - the suites of this folder; main.c runs them all. */
#pragma once

#include <check.h>

Suite *arena_suite(void);
Suite *text_suite(void);
Suite *id_suite(void);
Suite *time_suite(void);
Suite *map_suite(void);
Suite *decimal_suite(void);
Suite *money_suite(void);
Suite *json_write_suite(void);
Suite *json_tree_suite(void);
Suite *json_encode_suite(void);
Suite *json_decode_suite(void);
Suite *json_refusal_suite(void);
Suite *json_property_suite(void);
Suite *json_any_suite(void);
Suite *validate_suite(void);
