/* campaign.c - a cart and its promotions, given in a few words. */
#include "suites.h"

#include "chassis/wire.h"
#include "common/money.h"
#include "common/str.h"

#include <string.h>

enum { ROWS_MAX = 50 };

struct arena *arena;
static Marketing__V1__EvaluateRequest request;
static struct promotion_set set;
static struct compiled_promotion promotions[ROWS_MAX];
static struct coupon coupons[ROWS_MAX];
static size_t coupon_count;
static struct presented_coupon presented[ROWS_MAX];
static size_t presented_count;
static Marketing__V1__EvaluateResponse response;

struct uuid numbered(int number)
{
    struct uuid id = {{0}};
    id.bytes[0] = 1;
    memcpy(&id.bytes[12], &number, sizeof number);
    return id;
}

void given_campaign(void)
{
    arena_destroy(arena); // of the test before, when tests share a process
    arena = arena_create(1 << 24);
    marketing__v1__evaluate_request__init(&request);
    request.channel_id = uuid_text(arena, numbered(1));
    request.currency_code = "EUR";
    request.country_code = "DE";
    request.lines = arena_array(arena, Marketing__V1__EvaluateLine *, ROWS_MAX);
    set = (struct promotion_set){.promotions = promotions};
    coupon_count = presented_count = 0;
}

void given_line(int number, int category, int64_t quantity, int64_t base_minor)
{
    Marketing__V1__EvaluateLine *line = arena_new(arena, Marketing__V1__EvaluateLine);
    marketing__v1__evaluate_line__init(line);
    line->line_id = arena_printf(arena, "%c", (char)('a' + request.n_lines));
    line->variant_id = line->product_id = uuid_text(arena, numbered(number));
    line->quantity = quantity;
    line->base_minor = base_minor;
    if (category) {
        line->category_ids = arena_array(arena, const char *, 1);
        line->category_ids[line->n_category_ids++] = uuid_text(arena, numbered(category));
    }
    request.lines[request.n_lines++] = line;
}

void given_shipping(int64_t minor)
{
    request.shipping_minor = minor;
}

Marketing__V1__Promotion *given_promotion(const char *code)
{
    Marketing__V1__Promotion *promotion = arena_new(arena, Marketing__V1__Promotion);
    marketing__v1__promotion__init(promotion);
    promotion->id = uuid_text(arena, numbered(1000 + (int)set.count));
    promotion->code = code;
    promotion->is_active = true;
    promotion->actions = arena_array(arena, Marketing__V1__Action *, 10);
    promotion->conditions = arena_array(arena, Common__V1__Condition *, 10);
    promotions[set.count] = (struct compiled_promotion){
        .promotion = promotion, .id = numbered(1000 + (int)set.count), .valid_from_us = 1};
    set.count++;
    return promotion;
}

static Marketing__V1__Action *add_action(Marketing__V1__Promotion *promotion,
                                         Marketing__V1__ActionKind kind,
                                         Marketing__V1__ActionTarget target)
{
    Marketing__V1__Action *action = arena_new(arena, Marketing__V1__Action);
    marketing__v1__action__init(action);
    action->kind = kind;
    action->target = target;
    promotion->actions[promotion->n_actions++] = action;
    return action;
}

Marketing__V1__Action *off_percent(Marketing__V1__Promotion *promotion, int64_t percent,
                                   Marketing__V1__ActionTarget target)
{
    Marketing__V1__Action *action =
        add_action(promotion, MARKETING__V1__ACTION_KIND__ACTION_KIND_PERCENT_OFF, target);
    action->percentage = wire_decimal(arena, (struct decimal){percent, 0});
    return action;
}

Marketing__V1__Action *off_amount(Marketing__V1__Promotion *promotion, int64_t minor,
                                  Marketing__V1__ActionTarget target)
{
    Marketing__V1__Action *action =
        add_action(promotion, MARKETING__V1__ACTION_KIND__ACTION_KIND_AMOUNT_OFF, target);
    action->n_amounts = 1;
    action->amounts = arena_array(arena, Common__V1__Money *, 1);
    action->amounts[0] = wire_money(arena, money_of(minor, "EUR"));
    return action;
}

void free_shipping(Marketing__V1__Promotion *promotion)
{
    (void)add_action(promotion, MARKETING__V1__ACTION_KIND__ACTION_KIND_FREE_SHIPPING,
                     MARKETING__V1__ACTION_TARGET__ACTION_TARGET_UNSPECIFIED);
}

void under_condition(Marketing__V1__Promotion *promotion, const char *fact,
                     Common__V1__ConditionOperator operator_, const char *value)
{
    Common__V1__Condition *condition = arena_new(arena, Common__V1__Condition);
    common__v1__condition__init(condition);
    condition->parent = -1;
    condition->operator_ = operator_;
    condition->fact = fact;
    condition->values = arena_array(arena, const char *, 1);
    condition->values[condition->n_values++] = value;
    promotion->conditions[promotion->n_conditions++] = condition;
}

struct coupon *given_coupon(const char *code, const Marketing__V1__Promotion *promotion)
{
    struct coupon *coupon = &coupons[coupon_count];
    *coupon = (struct coupon){.id = numbered(2000 + (int)coupon_count),
                              .code = code,
                              .valid_from_us = 1,
                              .is_active = true};
    (void)uuid_parse(promotion->id, &coupon->promotion_id);
    coupon_count++;
    return coupon;
}

void present(const char *code)
{
    const struct coupon *found = NULL;
    for (size_t i = 0; i < coupon_count; i++)
        if (str_equal_ignore_case(coupons[i].code, code))
            found = &coupons[i];
    presented[presented_count++] = (struct presented_coupon){code, found};
}

static void compile_all(void)
{
    struct ctx ctx = {.arena = arena};
    for (size_t i = 0; i < set.count; i++) {
        struct status compiled =
            definition_compile(&ctx, arena, promotions[i].promotion, &promotions[i].rule);
        ck_assert_msg(compiled.code == STATUS_OK, "%s", compiled.detail);
    }
}

const Marketing__V1__EvaluateResponse *evaluated(void)
{
    struct evaluation_input input = {
        .request = &request,
        .at_us = NOW,
        .promotions = &set,
        .coupons = presented,
        .coupon_count = presented_count,
    };
    compile_all();
    marketing__v1__evaluate_response__init(&response);
    evaluate_promotions(arena, &input, &response);
    return &response;
}

int64_t off_by(const char *code, const char *line_id)
{
    int64_t sum = 0;
    for (size_t i = 0; i < response.n_adjustments; i++)
        if (str_equal(response.adjustments[i]->line_id, line_id) &&
            (!code || str_equal(response.adjustments[i]->promotion_code, code)))
            sum += response.adjustments[i]->amount_minor;
    return sum;
}

int64_t off(const char *line_id)
{
    return off_by(NULL, line_id);
}

const char *why_not(const char *promotion_or_coupon)
{
    for (size_t i = 0; i < response.n_unapplied; i++)
        if (str_equal(response.unapplied[i]->promotion_code, promotion_or_coupon) ||
            str_equal(response.unapplied[i]->coupon_code, promotion_or_coupon))
            return response.unapplied[i]->reason;
    return "APPLIED";
}
