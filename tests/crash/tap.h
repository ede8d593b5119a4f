/* tap.h - results as TAP, of tests that run one at a time. */
#pragma once

#include <check.h>
#include <stdbool.h>

/* One Check case; in a process of its own unless `is_here`. *ret_why lives until the next call. */
bool tap_passes(void (*add)(TCase *tcase), bool is_here, const char **ret_why);
/* `why` becomes comments; NULL: nothing to say. */
void tap_report(bool is_ok, const char *label, const char *why);
int tap_end(void); /* prints the plan; main()'s exit status */
