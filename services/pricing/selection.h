/* selection.h - which price a variant has in a context. Pure.
 *
 * Lists that do not fit the context drop out. Of the rest the most specific wins: one for a
 * customer group beats one for a country, that beats one for a channel; then the higher priority;
 * then, inside the list, the largest tier that the quantity reaches. Cheapness plays no part. */
#pragma once

#include "pricing.h"

struct price_context {
    const char *currency_code;
    struct uuid channel_id;
    const char *country_code;
    const char *region;
    const char *customer_group;
    int64_t at_us;
};

struct candidate {
    const struct price *price;
    const struct price_list *list;
    const char *verdict; /* static: "WON", or why not */
};

/* The winner for a variant and quantity; price NULL when there is none. */
struct candidate select_price(const struct price_book *book, const struct price_context *context,
                              struct uuid variant_id, int64_t quantity);

/* Every price of the variant with its verdict, in the book's order; array in the arena. */
struct candidate *select_explain(struct arena *arena, const struct price_book *book,
                                 const struct price_context *context, struct uuid variant_id,
                                 int64_t quantity, size_t *ret_count);

/* The rate of a category in a place at a time: the region's own, else the country's. NULL: none. */
const struct tax_rate *select_rate(const struct price_book *book, const char *tax_category_code,
                                   const char *country_code, const char *region, int64_t at_us);

/* The next moment after at_us at which a validity begins or ends; 0 when there is none. */
int64_t select_boundary(const struct price_book *book, int64_t at_us);
