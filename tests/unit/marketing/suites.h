/* suites.h - the cases of this suite, and campaigns written in a few words. */
#pragma once

#include "evaluator.h"
#include "marketing.h"

#include <check.h>

TCase *evaluator_case(void);
TCase *coupon_case(void);
TCase *definition_case(void);

enum { NOW = 1000000 };

extern struct arena *arena;
struct uuid numbered(int number);

/* Starts with no promotion, no coupon and an empty cart in EUR. */
void given_campaign(void);
/* Line "a", "b", ... of variant and product `number`, in category `category` (0: none). */
void given_line(int number, int category, int64_t quantity, int64_t base_minor);
void given_shipping(int64_t minor);

/* Promotions apply in the order in which they are given. */
Marketing__V1__Promotion *given_promotion(const char *code);
Marketing__V1__Action *off_percent(Marketing__V1__Promotion *promotion, int64_t percent,
                                   Marketing__V1__ActionTarget target);
Marketing__V1__Action *off_amount(Marketing__V1__Promotion *promotion, int64_t minor,
                                  Marketing__V1__ActionTarget target);
void free_shipping(Marketing__V1__Promotion *promotion);
void under_condition(Marketing__V1__Promotion *promotion, const char *fact,
                     Common__V1__ConditionOperator operator_, const char *value);
struct coupon *given_coupon(const char *code, const Marketing__V1__Promotion *promotion);
void present(const char *code); /* a code of the cart, known or not */

const Marketing__V1__EvaluateResponse *evaluated(void);
int64_t off(const char *line_id); /* of all promotions; "" is shipping */
int64_t off_by(const char *code, const char *line_id);
const char *why_not(const char *promotion_or_coupon); /* a reason, or APPLIED */

#define ORDER MARKETING__V1__ACTION_TARGET__ACTION_TARGET_ORDER
#define LINES MARKETING__V1__ACTION_TARGET__ACTION_TARGET_LINES
