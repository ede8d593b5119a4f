/* pricing.h - what the files of the pricing daemon share. */
#pragma once

#include "chassis/db.h"
#include "chassis/epoch.h"
#include "chassis/service.h"
#include "common/decimal.h"
#include "events/event.h"
#include "pricing/v1/events.pb-c.h"
#include "pricing/v1/service.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIME_FOREVER = 0 }; /* "unset" in messages and in our structs; 'infinity' in the tables */

struct pricing {
    struct epoch_slot terms;
};

extern const struct event_kind PRICE_CHANGED;
extern const struct event_kind PRICE_LIST_CHANGED;
extern const struct event_kind TAX_RATE_CHANGED;

extern const struct error_def UNKNOWN_CURRENCY;
extern const struct error_def UNKNOWN_TAX_CATEGORY;
extern const struct error_def PRICE_LIST_NOT_FOUND;
extern const struct error_def PRICE_LIST_CODE_TAKEN;
extern const struct error_def PRICE_LISTS_TIE;
extern const struct error_def PRICE_LIST_DIMENSION_FIXED;
extern const struct error_def BAD_VALIDITY;
extern const struct error_def BAD_PRICE;

/* A list as selection sees it. Ids are nil, texts "" where the list is open to all. */
struct price_list {
    struct uuid id;
    const char *code;
    const char *name;
    const char *currency_code;
    struct uuid channel_id;
    const char *country_code;
    const char *customer_group;
    bool is_gross;
    const char *home_country_code;
    int64_t priority;
    int64_t valid_from_us;
    int64_t valid_until_us; /* TIME_FOREVER: open */
    bool is_active;
    int64_t version;
};

struct price {
    struct uuid id;
    struct uuid price_list_id;
    struct uuid variant_id;
    int64_t min_quantity;
    struct decimal unit;
    bool has_compare_at;
    struct decimal compare_at;
    int64_t valid_from_us;
    int64_t valid_until_us; /* TIME_FOREVER: until superseded */
};

struct tax_rate {
    struct uuid id;
    const char *tax_category_code;
    const char *country_code;
    const char *region;
    const char *name;
    struct decimal percentage;
    int64_t valid_from_us;
    int64_t valid_until_us; /* TIME_FOREVER: open */
    int64_t version;
};

/* What changes rarely: every list, every rate, every currency. Shared until its epoch moves. */
struct terms {
    const struct price_list *lists;
    size_t list_count;
    const struct tax_rate *rates;
    size_t rate_count;
    const struct currency *currencies;
    size_t currency_count;
};
struct currency {
    const char *code;
    int32_t exponent;
};

/* Everything a calculation may depend on. Prices hold now or later; of lists and rates there are
 * all. */
struct price_book {
    int64_t at_us;
    int32_t exponent;    /* of the context's currency */
    bool knows_currency; /* false: nothing can be priced */
    const struct price_list *lists;
    size_t list_count;
    const struct price *prices;
    size_t price_count;
    const struct tax_rate *rates;
    size_t rate_count;
};

/* store_list.c */
struct status store_load_list(struct db_tx *tx, struct uuid id, bool for_update,
                              struct price_list *ret_list);
struct status store_add_list(struct db_tx *tx, const struct price_list *list);
struct status store_change_list(struct db_tx *tx, const struct price_list *list);
struct status store_bump_list(struct db_tx *tx, struct uuid id);
struct status store_list_lists(struct db_tx *tx, struct uuid after, int64_t limit,
                               struct price_list **ret_lists, size_t *ret_count);

/* store_price.c */
struct status store_lock_list(struct db_tx *tx, struct uuid list_id, struct price_list *ret_list,
                              int64_t *ret_now_us);
struct status store_load_open_prices(struct db_tx *tx, struct uuid list_id,
                                     const struct uuid *variant_ids, size_t count, int64_t from_us,
                                     struct price **ret_prices, size_t *ret_count);
struct status store_end_prices(struct db_tx *tx, const struct price *prices, size_t count);
struct status store_add_prices(struct db_tx *tx, const struct price *prices, size_t count);

struct price_filter {
    struct uuid list_id;    /* nil: any */
    struct uuid variant_id; /* nil: any */
    bool include_history;
    struct uuid after;
    int64_t limit;
};
struct status store_list_prices(struct db_tx *tx, const struct price_filter *filter,
                                struct price **ret_prices, size_t *ret_count);

/* store_book.c: one statement. at_us 0 is the database's now. `every_price` loads prices of other
 * currencies and of the past too, for explain. */
struct book_query {
    const char *currency_code;
    const struct uuid *variant_ids;
    size_t variant_count;
    int64_t at_us;
    bool every_price;
};
struct status store_load_book(struct db_tx *tx, const struct book_query *query,
                              struct price_book *ret_book);
/* Whoever changes a list, a rate or a currency calls this in the same transaction. */
struct status store_bump_terms(struct db_tx *tx);

/* store_tax.c */
struct status store_set_currency(struct db_tx *tx, const char *code, int64_t exponent);
struct status store_list_currencies(struct db_tx *tx, struct db_rows *ret_rows);
struct status store_set_tax_category(struct db_tx *tx, const char *code, const char *name);
struct status store_list_tax_categories(struct db_tx *tx, struct db_rows *ret_rows);
struct status store_lock_tax_category(struct db_tx *tx, const char *code, int64_t *ret_now_us);
struct status store_load_rates(struct db_tx *tx, const struct tax_rate *like, int64_t from_us,
                               struct tax_rate **ret_rates, size_t *ret_count);
struct status store_end_rate(struct db_tx *tx, const struct tax_rate *rate);
struct status store_add_rate(struct db_tx *tx, const struct tax_rate *rate);
struct status store_list_rates(struct db_tx *tx, const char *country_code, struct uuid after,
                               int64_t limit, struct tax_rate **ret_rates, size_t *ret_count);

extern const struct db_stmt *const STORE_LIST_STATEMENTS[];
extern const struct db_stmt *const STORE_PRICE_STATEMENTS[];
extern const struct db_stmt *const STORE_TAX_STATEMENTS[];
extern const struct db_stmt *const STORE_BOOK_STATEMENTS[];

/* wire.c: between rows and messages. */
Pricing__V1__PriceList *wire_price_list(struct ctx *ctx, const struct price_list *list);
Pricing__V1__Price *wire_price(struct ctx *ctx, const struct price *price);
Pricing__V1__TaxRate *wire_tax_rate(struct ctx *ctx, const struct tax_rate *rate);
