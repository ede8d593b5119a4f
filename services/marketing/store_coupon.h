/* store_coupon.h - how a coupon's columns are read; shared by the two files that select them. */
#pragma once

#include "marketing.h"

#define COUPON_COLUMNS                                                                             \
    "coupon.id, coupon.code, coupon.promotion_id, coupon.usage_limit, coupon.per_customer_limit,"  \
    " coupon.valid_from, nullif(coupon.valid_until, 'infinity'), coupon.is_active,"                \
    " coupon.held_count, coupon.redeemed_count, coupon.version"
#define COUPON_COLUMN_TYPES "utuiiddfiii"
enum { COUPON_COLUMN_COUNT = 11 };

/* Live uses of one customer ($2); "" counts nobody. */
#define COUPON_CUSTOMER_USES                                                                       \
    "(SELECT count(*) FROM marketing.coupon_use WHERE coupon_use.coupon_id = coupon.id"            \
    " AND coupon_use.customer_key = $2 AND $2 <> '' AND coupon_use.is_live)"

void store_read_coupon(const struct db_rows *rows, size_t row, struct coupon *coupon);
