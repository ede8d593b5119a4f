/* selection.c - which price a variant has in a context. */
#include "selection.h"

#include "common/str.h"

static bool has_ended(int64_t until_us, int64_t at_us)
{
    return until_us != TIME_FOREVER && until_us <= at_us;
}

/* Higher is more specific; the three dimensions never tie with each other. */
static int specificity(const struct price_list *list)
{
    return (str_is_empty(list->customer_group) ? 0 : 4) +
           (str_is_empty(list->country_code) ? 0 : 2) + (uuid_is_nil(list->channel_id) ? 0 : 1);
}

/* Why a list does not fit, or NULL. */
static const char *list_verdict(const struct price_list *list, const struct price_context *context)
{
    if (!str_equal(list->currency_code, context->currency_code))
        return "OTHER_CURRENCY";
    if (!list->is_active)
        return "LIST_INACTIVE";
    if (!uuid_is_nil(list->channel_id) && !uuid_equal(list->channel_id, context->channel_id))
        return "OTHER_CHANNEL";
    if (!str_is_empty(list->country_code) && !str_equal(list->country_code, context->country_code))
        return "OTHER_COUNTRY";
    if (!str_is_empty(list->customer_group) &&
        !str_equal(list->customer_group, context->customer_group))
        return "OTHER_CUSTOMER_GROUP";
    if (list->valid_from_us > context->at_us)
        return "NOT_YET_VALID";
    if (has_ended(list->valid_until_us, context->at_us))
        return "NO_LONGER_VALID";
    return NULL;
}

static const char *price_verdict(const struct price *price, const struct price_context *context,
                                 int64_t quantity)
{
    if (price->valid_from_us > context->at_us)
        return "NOT_YET_VALID";
    if (has_ended(price->valid_until_us, context->at_us))
        return "NO_LONGER_VALID";
    if (price->min_quantity > quantity)
        return "QUANTITY_TOO_SMALL";
    return NULL;
}

/* Why the first loses to the second, or NULL when it does not. */
static const char *loses_to(const struct candidate *candidate, const struct candidate *other)
{
    int own = specificity(candidate->list);
    int others = specificity(other->list);
    if (own != others)
        return own < others ? "LESS_SPECIFIC" : NULL;
    if (candidate->list->priority != other->list->priority)
        return candidate->list->priority < other->list->priority ? "LOWER_PRIORITY" : NULL;
    return candidate->price->min_quantity < other->price->min_quantity ? "SMALLER_TIER" : NULL;
}

static const struct price_list *list_of(const struct price_book *book, const struct price *price)
{
    for (size_t i = 0; i < book->list_count; i++)
        if (uuid_equal(book->lists[i].id, price->price_list_id))
            return &book->lists[i];
    return NULL;
}

/* A price with its list; verdict NULL while it may still win. */
static struct candidate consider(const struct price_book *book, const struct price *price,
                                 const struct price_context *context, int64_t quantity)
{
    struct candidate candidate = {.price = price, .list = list_of(book, price)};
    if (!candidate.list)
        candidate.verdict = "OTHER_CURRENCY";
    else if (!(candidate.verdict = list_verdict(candidate.list, context)))
        candidate.verdict = price_verdict(price, context, quantity);
    return candidate;
}

struct candidate select_price(const struct price_book *book, const struct price_context *context,
                              struct uuid variant_id, int64_t quantity)
{
    struct candidate best = {0};
    for (size_t i = 0; i < book->price_count; i++) {
        if (!uuid_equal(book->prices[i].variant_id, variant_id))
            continue;
        struct candidate candidate = consider(book, &book->prices[i], context, quantity);
        if (!candidate.verdict && (!best.price || !loses_to(&candidate, &best)))
            best = candidate;
    }
    return best;
}

struct candidate *select_explain(struct arena *arena, const struct price_book *book,
                                 const struct price_context *context, struct uuid variant_id,
                                 int64_t quantity, size_t *ret_count)
{
    struct candidate winner = select_price(book, context, variant_id, quantity);
    struct candidate *all = arena_array(arena, struct candidate, book->price_count);
    size_t count = 0;
    for (size_t i = 0; i < book->price_count; i++) {
        if (!uuid_equal(book->prices[i].variant_id, variant_id))
            continue;
        struct candidate candidate = consider(book, &book->prices[i], context, quantity);
        if (candidate.price == winner.price)
            candidate.verdict = "WON";
        else if (!candidate.verdict)
            candidate.verdict = loses_to(&candidate, &winner);
        all[count++] = candidate;
    }
    *ret_count = count;
    return all;
}

const struct tax_rate *select_rate(const struct price_book *book, const char *tax_category_code,
                                   const char *country_code, const char *region, int64_t at_us)
{
    const struct tax_rate *of_country = NULL;
    for (size_t i = 0; i < book->rate_count; i++) {
        const struct tax_rate *rate = &book->rates[i];
        if (!str_equal(rate->tax_category_code, tax_category_code) ||
            !str_equal(rate->country_code, country_code) || rate->valid_from_us > at_us ||
            has_ended(rate->valid_until_us, at_us))
            continue;
        if (str_is_empty(rate->region))
            of_country = rate;
        else if (str_equal(rate->region, region))
            return rate;
    }
    return of_country;
}

static void earlier(int64_t time_us, int64_t at_us, int64_t *boundary_us)
{
    if (time_us > at_us && (*boundary_us == 0 || time_us < *boundary_us))
        *boundary_us = time_us;
}

int64_t select_boundary(const struct price_book *book, int64_t at_us)
{
    int64_t boundary_us = 0;
    for (size_t i = 0; i < book->list_count; i++) {
        earlier(book->lists[i].valid_from_us, at_us, &boundary_us);
        earlier(book->lists[i].valid_until_us, at_us, &boundary_us);
    }
    for (size_t i = 0; i < book->price_count; i++) {
        earlier(book->prices[i].valid_from_us, at_us, &boundary_us);
        earlier(book->prices[i].valid_until_us, at_us, &boundary_us);
    }
    for (size_t i = 0; i < book->rate_count; i++) {
        earlier(book->rates[i].valid_from_us, at_us, &boundary_us);
        earlier(book->rates[i].valid_until_us, at_us, &boundary_us);
    }
    return boundary_us;
}
