/* suites.h - the cases of this suite. */
#pragma once

#include "common/compiler.h"
#include "payment.h"
#include "states.h"

#include <check.h>

void checkout_state_case(Suite *suite);
void tender_case(Suite *suite);
void ledger_case(Suite *suite);
void order_status_case(Suite *suite);
void signature_case(Suite *suite);
