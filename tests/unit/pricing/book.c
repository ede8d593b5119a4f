/* book.c - a price book for tests, written in a few words. */
#include "suites.h"

#include <string.h>

enum { ROWS_MAX = 200 };

struct arena *arena;
struct price_book book;
static struct price_list lists[ROWS_MAX];
static struct price prices[ROWS_MAX];
static struct tax_rate rates[ROWS_MAX];

struct uuid numbered(int number)
{
    struct uuid id = {{0}};
    id.bytes[0] = 1; // never nil
    memcpy(&id.bytes[12], &number, sizeof number);
    return id;
}

void given_book(void)
{
    arena_destroy(arena); // of the test before, when tests share a process
    arena = arena_create(1 << 24);
    book = (struct price_book){.at_us = NOW,
                               .exponent = 2,
                               .knows_currency = true,
                               .lists = lists,
                               .prices = prices,
                               .rates = rates};
}

struct price_list *given_list(int number, const char *country, const char *group, int channel,
                              int64_t priority)
{
    struct price_list *list = &lists[book.list_count++];
    *list = (struct price_list){
        .id = numbered(number),
        .code = "list",
        .currency_code = "EUR",
        .country_code = country,
        .customer_group = group,
        .priority = priority,
        .valid_from_us = 1,
        .is_active = true,
        .is_gross = true,
        .home_country_code = "DE",
    };
    if (channel >= 0)
        list->channel_id = numbered(channel);
    return list;
}

static struct decimal decimal_of(const char *text)
{
    struct decimal value;
    ck_assert(decimal_parse(text, &value));
    return value;
}

void given_price(int list, int variant, int64_t min_quantity, const char *unit)
{
    prices[book.price_count] = (struct price){
        .id = numbered(10000 + (int)book.price_count),
        .price_list_id = numbered(list),
        .variant_id = numbered(variant),
        .min_quantity = min_quantity,
        .unit = decimal_of(unit),
        .valid_from_us = 1,
    };
    book.price_count++;
}

void given_rate(const char *category, const char *country, const char *percentage)
{
    rates[book.rate_count++] = (struct tax_rate){
        .tax_category_code = category,
        .country_code = country,
        .region = "",
        .name = "VAT",
        .percentage = decimal_of(percentage),
        .valid_from_us = 1,
    };
}

struct calculation context_of(const char *country)
{
    return (struct calculation){
        .context = {.currency_code = "EUR",
                    .channel_id = numbered(1),
                    .country_code = country,
                    .region = "",
                    .customer_group = "",
                    .at_us = NOW},
        .lines = arena_array(arena, const Pricing__V1__PriceLine *, ROWS_MAX),
    };
}

void with_line(struct calculation *input, int variant, int64_t quantity, int64_t discount)
{
    Pricing__V1__PriceLine *line = arena_new(arena, Pricing__V1__PriceLine);
    pricing__v1__price_line__init(line);
    line->line_id = arena_printf(arena, "%c", (char)('a' + input->line_count));
    line->variant_id = uuid_text(arena, numbered(variant));
    line->quantity = quantity;
    line->discount_minor = discount;
    line->tax_category_code = "standard";
    ((const Pricing__V1__PriceLine **)(uintptr_t)input->lines)[input->line_count++] = line;
}
