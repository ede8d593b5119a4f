/* definition.c - what a promotion may say: its facts, its conditions as a rule, its actions. */
#include "marketing.h"

#include "chassis/wire.h"
#include "common/money.h"
#include "common/str.h"

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

/* ConditionOperator and rule_op name the same operators in the same order. */
static enum rule_op operator_of(Marketing__V1__ConditionOperator operator)
{
    _Static_assert((int)RULE_PRESENT ==
                       (int)MARKETING__V1__CONDITION_OPERATOR__CONDITION_OPERATOR_PRESENT,
                   "the contract's operators are the engine's");
    return (enum rule_op) operator;
}

static struct status compile(struct ctx *ctx, struct arena *arena,
                             const Marketing__V1__Promotion *promotion,
                             const struct rule **ret_rule)
{
    struct rule_node *nodes = arena_array(arena, struct rule_node, promotion->n_conditions);
    for (size_t i = 0; i < promotion->n_conditions; i++) {
        const Marketing__V1__Condition *condition = promotion->conditions[i];
        nodes[i] = (struct rule_node){
            .parent = condition->parent,
            .op = operator_of(condition->operator_),
            .fact = str_is_empty(condition->fact) ? NULL : condition->fact,
            .values = (const char *const *)condition->values,
            .value_count = condition->n_values,
        };
    }
    (void)ctx;
    return rule_compile(arena, FACTS, FACT_COUNT, nodes, promotion->n_conditions, "promotion",
                        ret_rule);
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
    *ret_rule = NULL;
    if (promotion->n_conditions == 0)
        return status_ok();
    return compile(ctx, arena, promotion, ret_rule);
}
