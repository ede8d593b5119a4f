/* shipping_rule.c - which carts a shipping option is for. Pure. */
#include "platform.h"

#include "common/compiler.h"
#include "common/str.h"
#include "rules_engine/conditions.h"
#include "rules_engine/evaluate.h"

static const struct fact_def FACTS[] = {
    {"cart.subtotal", FACT_INT, "sum of the lines before discount, in minor units"},
    {"cart.quantity", FACT_INT, "units in the cart"},
    {"cart.weight", FACT_INT, "of all units, in grams"},
    {"cart.currency", FACT_TEXT, "ISO 4217"},
    {"context.country", FACT_TEXT, "where the goods go, ISO 3166-1"},
    {"context.time", FACT_TIME, "the moment of the question"},
    {"context.weekday", FACT_INT, "1 is Monday, 7 Sunday, in UTC"},
};

static const struct rule_source RULES = {FACTS, ARRAY_LEN(FACTS), "shippingOption.conditions"};

static struct facts facts_of(struct arena *arena,
                             const Platform__V1__ListShippingOptionsRequest *request,
                             int64_t now_us);
static int64_t weekday(int64_t time_us);
static Platform__V1__UnmetShippingOption *unmet(struct arena *arena, const char *option_id,
                                                const char *missing);

struct status shipping_rule_compile(struct arena *arena, const Platform__V1__ShippingOption *option,
                                    const struct rule **ret_rule)
{
    return rule_from_conditions(arena, &RULES,
                                (const Common__V1__Condition *const *)option->conditions,
                                option->n_conditions, ret_rule);
}

struct status shipping_rule_offer(struct arena *arena,
                                  const Platform__V1__ListShippingOptionsRequest *request,
                                  const struct listed_options *listed,
                                  Platform__V1__ListShippingOptionsResponse *rep)
{
    rep->shipping_options = listed->options;
    rep->n_shipping_options = listed->count;
    if (!request->cart)
        return status_ok();

    const struct facts facts = facts_of(arena, request, listed->now_us);
    rep->unmet = arena_array(arena, Platform__V1__UnmetShippingOption *, listed->count);
    rep->n_shipping_options = 0;
    for (size_t i = 0; i < listed->count; i++) {
        Platform__V1__ShippingOption *option = listed->options[i];
        const struct rule *rule;
        int64_t node;

        TRY(shipping_rule_compile(arena, option, &rule));
        if (!rule || rule_holds(rule, &facts))
            rep->shipping_options[rep->n_shipping_options++] = option;
        else
            rep->unmet[rep->n_unmet++] =
                unmet(arena, option->id, rule_explain(arena, rule, &facts, &node));
    }
    return status_ok();
}

static struct facts facts_of(struct arena *arena,
                             const Platform__V1__ListShippingOptionsRequest *request,
                             int64_t now_us)
{
    struct facts facts = facts_create(arena, FACTS, ARRAY_LEN(FACTS));

    facts_set_int(&facts, "cart.subtotal", request->cart->subtotal_minor);
    facts_set_int(&facts, "cart.quantity", request->cart->quantity);
    facts_set_int(&facts, "cart.weight", request->cart->weight_grams);
    if (!str_is_empty(request->currency_code))
        facts_set_text(&facts, "cart.currency", request->currency_code);
    if (!str_is_empty(request->country_code))
        facts_set_text(&facts, "context.country", request->country_code);
    facts_set_time(&facts, "context.time", now_us);
    facts_set_int(&facts, "context.weekday", weekday(now_us));
    return facts;
}

static int64_t weekday(int64_t time_us)
{
    enum { THURSDAY = 4 }; // was 1970-01-01
    const int64_t day_us = INT64_C(24) * 60 * 60 * 1000 * 1000;

    return (time_us / day_us + THURSDAY - 1) % 7 + 1;
}

static Platform__V1__UnmetShippingOption *unmet(struct arena *arena, const char *option_id,
                                                const char *missing)
{
    Platform__V1__UnmetShippingOption *option = arena_new(arena, Platform__V1__UnmetShippingOption);

    platform__v1__unmet_shipping_option__init(option);
    option->shipping_option_id = option_id;
    option->missing = missing;
    return option;
}
