/* publish_test.c - prices and promotions change while people check out: each pays what they were
 * shown, or is told. */
#include "crowd.h"
#include "outcome.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

enum { BUYERS = 24, PURCHASES = 4, ALL = BUYERS * PURCHASES, EDITORS = 2, LOW = 1900, HIGH = 2900 };

struct sale {
    struct item item;
    const char *promotion_id, *promotion_code;
    atomic_int buying;
    int edits[EDITORS];
    int64_t shown[ALL];
    struct answer answers[ALL];
};

static void set_price(struct sale *sale, int turn)
{
    given_price(sale->item, turn % 2 == 0 ? HIGH : LOW);
}

static const char *promotion(const struct sale *sale, bool is_active)
{
    return arena_printf(arena,
                        "{\"code\":\"%s\",\"isActive\":%s,\"actions\":[{\"kind\":"
                        "\"ACTION_KIND_PERCENT_OFF\",\"target\":\"ACTION_TARGET_LINES\","
                        "\"percentage\":{\"unscaled\":\"10\",\"scale\":0},"
                        "\"productIds\":[\"%s\"]}]}",
                        sale->promotion_code, is_active ? "true" : "false", sale->item.product_id);
}

static void set_promotion(struct sale *sale, int turn)
{
    expect(admin("PUT", arena_printf(arena, "/promotions/%s", sale->promotion_id),
                 promotion(sale, turn % 2 == 0)),
           200);
}

static void (*const EDITS[EDITORS])(struct sale *sale, int turn) = {set_price, set_promotion};

static void edit(struct sale *sale, int editor)
{
    while (sale->buying > 0) {
        EDITS[editor](sale, sale->edits[editor]++);
        hesitate(150 * 1000);
    }
}

static void buy(struct sale *sale, int buyer)
{
    for (int i = buyer; i < ALL; i += BUYERS) {
        const char *cart = given_cart_of(new_email(), sale->item, 1);
        sale->shown[i] = total_of(cart);
        hesitate(20 * 1000);
        sale->answers[i] = when_paying(cart, sale->shown[i], "pm_card_visa", new_key());
    }
    atomic_fetch_sub(&sale->buying, 1);
}

static void buy_or_edit(int number, void *race)
{
    if (number < BUYERS)
        buy(race, number);
    else
        edit(race, number - BUYERS);
}

static const struct expected_answer PLACED_OR_TOLD[] = {
    {201, NULL}, {200, NULL}, {409, "PRICE_CHANGED"}, {0}};

static void then_told(struct answer refusal, int64_t shown)
{
    const char *old = arena_printf(arena, "%" PRId64 " EUR", shown);
    ck_assert_str_eq(text_at(refusal, "violations.0.value"), old);
    ck_assert_str_ne(text_at(refusal, "violations.0.allowed"), old);
}

static void then_paid(struct answer placed, int64_t shown)
{
    const char *order = text_at(placed, "orderId");
    ck_assert_int_eq(int_at(placed, "total.minorUnits"), shown);
    until(arena_printf(arena, "/orders/%s", order), "paymentStatus", "PAYMENT_STATUS_PAID");
    ck_assert_int_eq(int_at(admin("GET", arena_printf(arena, "/orders/%s", order), NULL),
                            "order.total.minorUnits"),
                     shown);
    ck_assert_int_eq(book_until(text_at(placed, "id"), shown).captured, shown);
}

START_TEST(a_buyer_pays_what_was_shown_or_is_told)
{
    static struct sale sale;
    sale.item = given_item(LOW, ALL);
    sale.promotion_code = arena_printf(arena, "P%s", new_key());
    sale.buying = BUYERS;
    sale.promotion_id =
        text_at(expect(admin("POST", "/promotions", promotion(&sale, false)), 201), "promotion.id");

    int64_t took_us = crowd(BUYERS + EDITORS, buy_or_edit, &sale);

    printf("%d prices and %d promotions published meanwhile\n", sale.edits[0], sale.edits[1]);
    crowd_report("96 purchases by card", sale.answers, ALL, took_us);
    for (int i = 0; i < ALL; i++)
        sale.answers[i] = followed(sale.answers[i]);
    then_only(sale.answers, ALL, PLACED_OR_TOLD);
    for (int i = 0; i < ALL; i++) {
        if (sale.answers[i].status == 409)
            then_told(sale.answers[i], sale.shown[i]);
        else
            then_paid(sale.answers[i], sale.shown[i]);
    }
    ck_assert_msg(count_answers(sale.answers, ALL, 409, NULL) > 0 &&
                      count_answers(sale.answers, ALL, 409, NULL) < ALL,
                  "nothing met");
    set_promotion(&sale, 1); // off
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("publish race");
    TCase *publish = race_case(suite, "publish");
    tcase_add_test(publish, a_buyer_pays_what_was_shown_or_is_told);
    return shop_run(suite);
}
