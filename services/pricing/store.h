/* store.h - what the store files share: column lists and how their rows are read. */
#pragma once

#include "pricing.h"

#define LIST_COLUMNS                                                                               \
    "id, code, name, currency_code, channel_id, country_code, customer_group, is_gross,"           \
    " home_country_code, priority, valid_from, nullif(valid_until, 'infinity'), is_active, "       \
    "version"
#define LIST_COLUMN_TYPES "utttuttftiddfi"

#define PRICE_COLUMNS                                                                              \
    "id, price_list_id, variant_id, min_quantity, unit_unscaled, unit_scale, compare_unscaled,"    \
    " compare_scale, valid_from, nullif(valid_until, 'infinity')"
#define PRICE_COLUMN_TYPES "uuuiiiiidd"

#define RATE_COLUMNS                                                                               \
    "id, tax_category_code, country_code, region, name, percentage_unscaled, percentage_scale,"    \
    " valid_from, nullif(valid_until, 'infinity'), version"
#define RATE_COLUMN_TYPES "uttttiiddi"

void store_read_list(const struct db_rows *rows, size_t row, struct price_list *list);
void store_read_price(const struct db_rows *rows, size_t row, struct price *price);
void store_read_rate(const struct db_rows *rows, size_t row, struct tax_rate *rate);

struct price *store_read_prices(struct db_tx *tx, const struct db_rows *rows, size_t *ret_count);
struct tax_rate *store_read_rates(struct db_tx *tx, const struct db_rows *rows, size_t *ret_count);
