/* suites.h - the cases of this suite. */
#pragma once

#include "example.h"
#include "order/v1/events.schema.h"
#include "platform/v1/commands.schema.h"
#include "sale.h"
#include "store.h"

#include <pthread.h>

void checkout_case(Suite *suite);
void manual_case(Suite *suite);
void capture_case(Suite *suite);
void notice_case(Suite *suite);
void schedule_case(Suite *suite);
void stripe_case(Suite *suite);
void placing_case(Suite *suite);
void provider_case(Suite *suite);
