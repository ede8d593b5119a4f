/* suites.h - the cases of this suite. */
#pragma once

#include "product.h"

#include <check.h>

TCase *slug_case(void);
TCase *check_case(void);
TCase *plan_case(void);

/* Written as JSON, in which ' stands for ". */
Catalog__V1__Product *product_of(struct arena *arena, const char *json);
