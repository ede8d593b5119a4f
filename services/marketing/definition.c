/* definition.c - what a promotion may say: its facts, its conditions as a rule, its actions. */
#include "marketing.h"

#include "chassis/wire.h"
#include "common/money.h"
#include "common/str.h"
#include "rules_engine/conditions.h"

const struct error_def BAD_PROMOTION = {STATUS_INVALID_ARGUMENT, "BAD_PROMOTION",
                                        "correct the fields named in violations"};

const struct fact_def FACTS[] = {
    {"cart.subtotal", FACT_INT, "sum of the lines before discount, in minor units"},
    {"cart.quantity", FACT_INT, "units in the cart"},
    {"cart.currency", FACT_TEXT, "ISO 4217"},
    {"cart.products", FACT_TEXT_SET, "product ids"},
    {"cart.variants", FACT_TEXT_SET, "variant ids"},
    {"cart.categories", FACT_TEXT_SET, "category ids with their ancestors"},
    {"cart.coupons", FACT_TEXT_SET, "usable codes, upper case"},
    {"context.channel", FACT_TEXT, "channel id"},
    {"context.country", FACT_TEXT, "where the goods go, ISO 3166-1"},
    {"context.time", FACT_TIME, "the moment of the evaluation"},
    {"customer.group", FACT_TEXT, "absent for the default group"},
};
const size_t FACT_COUNT = ARRAY_LEN(FACTS);

static const struct rule_source RULES = {FACTS, ARRAY_LEN(FACTS), "promotion.conditions"};

static const char *path(struct ctx *ctx, size_t i, const char *field)
{
    return arena_printf(ctx->arena, "promotion.actions[%zu].%s", i, field);
}

static void check_percentage(struct ctx *ctx, size_t i, const Marketing__V1__Action *action)
{
    struct decimal percentage = wire_decimal_value(action->percentage);
    if (percentage.unscaled <= 0 || decimal_compare(percentage, (struct decimal){100, 0}) > 0)
        ctx_violation(ctx, path(ctx, i, "percentage"), decimal_format(ctx->arena, percentage),
                      "above 0, at most 100");
}

static void check_amounts(struct ctx *ctx, size_t i, const Marketing__V1__Action *action)
{
    if (action->n_amounts == 0)
        ctx_violation(ctx, path(ctx, i, "amounts"), "", "an amount for at least one currency");
    for (size_t k = 0; k < action->n_amounts; k++) {
        if (action->amounts[k]->minor_units <= 0 ||
            !money_is_currency(action->amounts[k]->currency_code))
            ctx_violation(ctx, path(ctx, i, "amounts"), action->amounts[k]->currency_code,
                          "minor units above 0 of a currency");
        for (size_t other = 0; other < k; other++)
            if (str_equal(action->amounts[k]->currency_code, action->amounts[other]->currency_code))
                ctx_violation(ctx, path(ctx, i, "amounts"), action->amounts[k]->currency_code,
                              "each currency once");
    }
}

static void check_action(struct ctx *ctx, size_t i, const Marketing__V1__Action *action)
{
    bool needs_target = action->kind != MARKETING__V1__ACTION_KIND__ACTION_KIND_FREE_SHIPPING;
    bool has_target = action->target != MARKETING__V1__ACTION_TARGET__ACTION_TARGET_UNSPECIFIED;
    if (needs_target != has_target)
        ctx_violation(ctx, path(ctx, i, "target"), NULL,
                      needs_target ? "ACTION_TARGET_ORDER or ACTION_TARGET_LINES"
                                   : "nothing: shipping is the target");
    if (action->kind == MARKETING__V1__ACTION_KIND__ACTION_KIND_PERCENT_OFF)
        check_percentage(ctx, i, action);
    if (action->kind == MARKETING__V1__ACTION_KIND__ACTION_KIND_AMOUNT_OFF)
        check_amounts(ctx, i, action);
}

struct status definition_compile(struct ctx *ctx, struct arena *arena,
                                 const Marketing__V1__Promotion *promotion,
                                 const struct rule **ret_rule)
{
    int64_t until_us = wire_time_us(promotion->valid_until);
    if (until_us != TIME_FOREVER && until_us <= wire_time_us(promotion->valid_from))
        ctx_violation(ctx, "promotion.validUntil", NULL, "after validFrom");
    for (size_t i = 0; i < promotion->n_actions; i++)
        check_action(ctx, i, promotion->actions[i]);
    if (ctx_has_violations(ctx))
        return ctx_fail(ctx, &BAD_PROMOTION, "promotion %s", promotion->code);
    return rule_from_conditions(arena, &RULES,
                                (const Common__V1__Condition *const *)promotion->conditions,
                                promotion->n_conditions, ret_rule);
}
