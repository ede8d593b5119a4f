/* evaluator.c - what promotions take off, line by line. */
#include "evaluator.h"

#include "chassis/wire.h"
#include "common/money.h"
#include "common/str.h"

#include <stdlib.h>
#include <string.h>

struct evaluation {
    struct arena *arena;
    const struct evaluation_input *input;
    const Marketing__V1__EvaluateLine **lines; /* sorted by line id */
    size_t line_count;
    int64_t *remaining; /* parallel to lines */
    int64_t *taken;     /* by the promotion at hand, parallel to lines */
    int64_t shipping_remaining;
    int64_t shipping_taken;
    struct facts facts;
    Marketing__V1__EvaluateResponse *response;
};

static int by_line_id(const void *a, const void *b)
{
    const Marketing__V1__EvaluateLine *const *left = a;
    const Marketing__V1__EvaluateLine *const *right = b;
    return strcmp((*left)->line_id, (*right)->line_id);
}

static void gather_sets(struct evaluation *evaluation, int64_t *ret_subtotal, int64_t *ret_quantity)
{
    size_t categories = 0;
    for (size_t i = 0; i < evaluation->line_count; i++)
        categories += evaluation->lines[i]->n_category_ids;
    const char **products = arena_array(evaluation->arena, const char *, evaluation->line_count);
    const char **variants = arena_array(evaluation->arena, const char *, evaluation->line_count);
    const char **category_ids = arena_array(evaluation->arena, const char *, categories);
    size_t used = 0;
    *ret_subtotal = *ret_quantity = 0;
    for (size_t i = 0; i < evaluation->line_count; i++) {
        const Marketing__V1__EvaluateLine *line = evaluation->lines[i];
        products[i] = line->product_id;
        variants[i] = line->variant_id;
        for (size_t k = 0; k < line->n_category_ids; k++)
            category_ids[used++] = line->category_ids[k];
        *ret_subtotal += line->base_minor;
        *ret_quantity += line->quantity;
    }
    struct facts *facts = &evaluation->facts;
    facts_set_texts(evaluation->arena, facts, "cart.products", products, evaluation->line_count);
    facts_set_texts(evaluation->arena, facts, "cart.variants", variants, evaluation->line_count);
    facts_set_texts(evaluation->arena, facts, "cart.categories", category_ids, used);
}

static const char *obstacle_of(const struct evaluation_input *input, size_t i)
{
    if (!input->coupons[i].coupon)
        return "COUPON_UNKNOWN";
    return coupon_obstacle(input->coupons[i].coupon, input->at_us);
}

static void gather_facts(struct evaluation *evaluation)
{
    const struct evaluation_input *input = evaluation->input;
    const Marketing__V1__EvaluateRequest *request = input->request;
    const char **codes = arena_array(evaluation->arena, const char *, input->coupon_count);
    struct facts *facts = &evaluation->facts;
    int64_t subtotal, quantity;
    size_t usable = 0;

    *facts = facts_create(evaluation->arena, FACTS, FACT_COUNT);
    gather_sets(evaluation, &subtotal, &quantity);
    for (size_t i = 0; i < input->coupon_count; i++)
        if (!obstacle_of(input, i))
            codes[usable++] = coupon_key(evaluation->arena, input->coupons[i].code);
    facts_set_int(facts, "cart.subtotal", subtotal);
    facts_set_int(facts, "cart.quantity", quantity);
    facts_set_text(facts, "cart.currency", request->currency_code);
    facts_set_texts(evaluation->arena, facts, "cart.coupons", codes, usable);
    facts_set_text(facts, "context.channel", request->channel_id);
    facts_set_time(facts, "context.time", input->at_us);
    if (!str_is_empty(request->country_code))
        facts_set_text(facts, "context.country", request->country_code);
    if (!str_is_empty(request->customer_group))
        facts_set_text(facts, "customer.group", request->customer_group);
}

static bool is_among(const char *id, char *const *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(id, ids[i]))
            return true;
    return false;
}

static bool line_matches(const Marketing__V1__EvaluateLine *line,
                         const Marketing__V1__Action *action)
{
    char *const *products = (char *const *)(uintptr_t)action->product_ids;
    char *const *variants = (char *const *)(uintptr_t)action->variant_ids;
    char *const *categories = (char *const *)(uintptr_t)action->category_ids;
    if (action->n_product_ids + action->n_variant_ids + action->n_category_ids == 0)
        return true;
    if (is_among(line->product_id, products, action->n_product_ids) ||
        is_among(line->variant_id, variants, action->n_variant_ids))
        return true;
    for (size_t i = 0; i < line->n_category_ids; i++)
        if (is_among(line->category_ids[i], categories, action->n_category_ids))
            return true;
    return false;
}

static int64_t percent_of(int64_t amount, const Common__V1__Decimal *percentage)
{
    struct decimal percent = wire_decimal_value(percentage);
    __int128 denominator = 100;
    int64_t result = 0;
    for (int32_t i = 0; i < percent.scale; i++)
        denominator *= 10;
    (void)decimal_divide_round((__int128)amount * percent.unscaled, denominator, ROUND_HALF_EVEN,
                               &result); // at most the amount: it fits
    return result;
}

/* What the action is worth in this currency; 0 when it names none. */
static int64_t amount_in(const Marketing__V1__Action *action, const char *currency)
{
    for (size_t i = 0; i < action->n_amounts; i++)
        if (str_equal(action->amounts[i]->currency_code, currency))
            return action->amounts[i]->minor_units;
    return 0;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void take(struct evaluation *evaluation, size_t line, int64_t amount)
{
    evaluation->remaining[line] -= amount;
    evaluation->taken[line] += amount;
}

static const char *apply_to_order(struct evaluation *evaluation,
                                  const Marketing__V1__Action *action)
{
    bool is_percent = action->kind == MARKETING__V1__ACTION_KIND__ACTION_KIND_PERCENT_OFF;
    int64_t total = 0;
    for (size_t i = 0; i < evaluation->line_count; i++)
        total += evaluation->remaining[i];
    int64_t amount =
        is_percent ? percent_of(total, action->percentage)
                   : smaller(amount_in(action, evaluation->input->request->currency_code), total);
    if (!is_percent && amount_in(action, evaluation->input->request->currency_code) == 0)
        return "NO_AMOUNT_FOR_CURRENCY";
    if (amount == 0)
        return "NOTHING_LEFT";
    int64_t *shares = arena_array(evaluation->arena, int64_t, evaluation->line_count);
    money_split(amount, evaluation->remaining, evaluation->line_count, shares);
    for (size_t i = 0; i < evaluation->line_count; i++)
        take(evaluation, i, shares[i]);
    return NULL;
}

static int64_t off_line(const struct evaluation *evaluation, size_t i,
                        const Marketing__V1__Action *action)
{
    int64_t remaining = evaluation->remaining[i];
    if (action->kind == MARKETING__V1__ACTION_KIND__ACTION_KIND_PERCENT_OFF)
        return percent_of(remaining, action->percentage);
    int64_t amount;
    if (__builtin_mul_overflow(amount_in(action, evaluation->input->request->currency_code),
                               evaluation->lines[i]->quantity, &amount))
        return remaining;
    return smaller(amount, remaining);
}

static const char *apply_to_lines(struct evaluation *evaluation,
                                  const Marketing__V1__Action *action)
{
    const char *obstacle = "NO_MATCHING_LINE";
    if (action->kind == MARKETING__V1__ACTION_KIND__ACTION_KIND_AMOUNT_OFF &&
        amount_in(action, evaluation->input->request->currency_code) == 0)
        return "NO_AMOUNT_FOR_CURRENCY";
    for (size_t i = 0; i < evaluation->line_count; i++) {
        if (!line_matches(evaluation->lines[i], action))
            continue;
        int64_t amount = off_line(evaluation, i, action);
        if (amount > 0)
            obstacle = NULL;
        else if (obstacle)
            obstacle = "NOTHING_LEFT";
        take(evaluation, i, amount);
    }
    return obstacle;
}

static const char *apply_to_shipping(struct evaluation *evaluation)
{
    if (evaluation->shipping_remaining == 0)
        return "NOTHING_LEFT";
    evaluation->shipping_taken += evaluation->shipping_remaining;
    evaluation->shipping_remaining = 0;
    return NULL;
}

static const char *apply_action(struct evaluation *evaluation, const Marketing__V1__Action *action)
{
    if (action->kind == MARKETING__V1__ACTION_KIND__ACTION_KIND_FREE_SHIPPING)
        return apply_to_shipping(evaluation);
    if (action->target == MARKETING__V1__ACTION_TARGET__ACTION_TARGET_ORDER)
        return apply_to_order(evaluation, action);
    return apply_to_lines(evaluation, action);
}

static void *append(struct arena *arena, void ***items, size_t *count, size_t size)
{
    void **grown = arena_array(arena, void *, *count + 1);
    if (*count > 0)
        memcpy(grown, *items, *count * sizeof(void *));
    grown[*count] = arena_alloc(arena, size);
    *items = grown;
    return grown[(*count)++];
}

static void report(struct evaluation *evaluation, const struct compiled_promotion *promotion,
                   const char *coupon_code, const char *reason, const char *detail)
{
    Marketing__V1__EvaluateResponse *response = evaluation->response;
    Marketing__V1__Unapplied *unapplied =
        append(evaluation->arena, (void ***)(void *)&response->unapplied, &response->n_unapplied,
               sizeof *unapplied);
    marketing__v1__unapplied__init(unapplied);
    if (promotion) {
        unapplied->promotion_id = promotion->promotion->id;
        unapplied->promotion_code = promotion->promotion->code;
    }
    unapplied->coupon_code = str_or_empty(coupon_code);
    unapplied->reason = reason;
    unapplied->detail = str_or_empty(detail);
}

static void adjust(struct evaluation *evaluation, const struct compiled_promotion *promotion,
                   const char *coupon_code, const char *line_id, int64_t amount)
{
    Marketing__V1__EvaluateResponse *response = evaluation->response;
    if (amount == 0)
        return;
    Marketing__V1__Adjustment *adjustment =
        append(evaluation->arena, (void ***)(void *)&response->adjustments,
               &response->n_adjustments, sizeof *adjustment);
    marketing__v1__adjustment__init(adjustment);
    adjustment->promotion_id = promotion->promotion->id;
    adjustment->promotion_code = promotion->promotion->code;
    adjustment->coupon_code = str_or_empty(coupon_code);
    adjustment->line_id = line_id;
    adjustment->amount_minor = amount;
    adjustment->kind = promotion->promotion->actions[0]->kind;
    adjustment->target = promotion->promotion->actions[0]->target;
    adjustment->n_names = promotion->promotion->n_names;
    adjustment->names =
        (Marketing__V1__Adjustment__NamesEntry **)(void *)promotion->promotion->names;
}

static const struct presented_coupon *usable_coupon(const struct evaluation_input *input,
                                                    struct uuid promotion_id)
{
    for (size_t i = 0; i < input->coupon_count; i++)
        if (input->coupons[i].coupon && !obstacle_of(input, i) &&
            uuid_equal(input->coupons[i].coupon->promotion_id, promotion_id))
            return &input->coupons[i];
    return NULL;
}

static const char *time_obstacle(const struct compiled_promotion *promotion, int64_t at_us)
{
    if (promotion->valid_from_us > at_us)
        return "NOT_YET_VALID";
    if (promotion->valid_until_us != TIME_FOREVER && promotion->valid_until_us <= at_us)
        return "NO_LONGER_VALID";
    return NULL;
}

/* Runs the actions; true when at least one of them took something. */
static bool apply(struct evaluation *evaluation, const struct compiled_promotion *promotion,
                  const char *coupon_code)
{
    const char *obstacle = NULL;
    bool has_applied = false;
    memset(evaluation->taken, 0, evaluation->line_count * sizeof *evaluation->taken);
    evaluation->shipping_taken = 0;
    for (size_t i = 0; i < promotion->promotion->n_actions; i++) {
        const char *failed = apply_action(evaluation, promotion->promotion->actions[i]);
        has_applied = has_applied || !failed;
        obstacle = obstacle ? obstacle : failed;
    }
    for (size_t i = 0; i < evaluation->line_count; i++)
        adjust(evaluation, promotion, coupon_code, evaluation->lines[i]->line_id,
               evaluation->taken[i]);
    adjust(evaluation, promotion, coupon_code, "", evaluation->shipping_taken);
    if (!has_applied)
        report(evaluation, promotion, coupon_code, obstacle, NULL);
    return has_applied;
}

/* True when it applied and nothing after it may. */
static bool consider(struct evaluation *evaluation, const struct compiled_promotion *promotion)
{
    const struct evaluation_input *input = evaluation->input;
    const struct presented_coupon *coupon = usable_coupon(input, promotion->id);
    const char *code = coupon ? coupon->code : NULL;
    const char *obstacle = time_obstacle(promotion, input->at_us);
    if (!obstacle && promotion->promotion->requires_coupon && !coupon)
        obstacle = "COUPON_REQUIRED";
    if (obstacle) {
        report(evaluation, promotion, code, obstacle, NULL);
        return false;
    }
    if (promotion->rule && !rule_holds(promotion->rule, &evaluation->facts)) {
        int64_t node;
        report(evaluation, promotion, code, "CONDITION_NOT_MET",
               rule_explain(evaluation->arena, promotion->rule, &evaluation->facts, &node));
        return false;
    }
    return apply(evaluation, promotion, code) && promotion->promotion->is_exclusive;
}

static bool is_live(const struct promotion_set *set, struct uuid promotion_id)
{
    for (size_t i = 0; i < set->count; i++)
        if (uuid_equal(set->promotions[i].id, promotion_id))
            return true;
    return false;
}

static void report_coupons(struct evaluation *evaluation)
{
    const struct evaluation_input *input = evaluation->input;
    for (size_t i = 0; i < input->coupon_count; i++) {
        const char *obstacle = obstacle_of(input, i);
        if (!obstacle && !is_live(input->promotions, input->coupons[i].coupon->promotion_id))
            obstacle = "PROMOTION_INACTIVE";
        if (obstacle)
            report(evaluation, NULL, input->coupons[i].code, obstacle, NULL);
    }
}

static void prepare(struct evaluation *evaluation)
{
    const Marketing__V1__EvaluateRequest *request = evaluation->input->request;
    evaluation->line_count = request->n_lines;
    evaluation->lines =
        arena_array(evaluation->arena, const Marketing__V1__EvaluateLine *, request->n_lines);
    evaluation->remaining = arena_array(evaluation->arena, int64_t, request->n_lines);
    evaluation->taken = arena_array(evaluation->arena, int64_t, request->n_lines);
    evaluation->shipping_remaining = request->shipping_minor;
    for (size_t i = 0; i < request->n_lines; i++)
        evaluation->lines[i] = request->lines[i];
    qsort(evaluation->lines, evaluation->line_count, sizeof(void *), by_line_id);
    for (size_t i = 0; i < request->n_lines; i++)
        evaluation->remaining[i] = evaluation->lines[i]->base_minor;
    gather_facts(evaluation);
}

static void earlier(int64_t time_us, int64_t at_us, int64_t *boundary_us)
{
    if (time_us > at_us && (*boundary_us == 0 || time_us < *boundary_us))
        *boundary_us = time_us;
}

static int64_t boundary(const struct evaluation_input *input)
{
    int64_t boundary_us = 0;
    for (size_t i = 0; i < input->promotions->count; i++) {
        earlier(input->promotions->promotions[i].valid_from_us, input->at_us, &boundary_us);
        earlier(input->promotions->promotions[i].valid_until_us, input->at_us, &boundary_us);
    }
    for (size_t i = 0; i < input->coupon_count; i++) {
        if (!input->coupons[i].coupon)
            continue;
        earlier(input->coupons[i].coupon->valid_from_us, input->at_us, &boundary_us);
        earlier(input->coupons[i].coupon->valid_until_us, input->at_us, &boundary_us);
    }
    return boundary_us;
}

void evaluate_promotions(struct arena *arena, const struct evaluation_input *input,
                         Marketing__V1__EvaluateResponse *response)
{
    struct evaluation evaluation = {.arena = arena, .input = input, .response = response};
    bool is_over = false;
    prepare(&evaluation);
    report_coupons(&evaluation);
    for (size_t i = 0; i < input->promotions->count; i++) {
        const struct compiled_promotion *promotion = &input->promotions->promotions[i];
        if (is_over)
            report(&evaluation, promotion, NULL, "EXCLUDED_BY_EXCLUSIVE", NULL);
        else
            is_over = consider(&evaluation, promotion);
    }
    response->valid_until = wire_time(arena, boundary(input));
}
