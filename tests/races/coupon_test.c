/* coupon_test.c - more buyers than uses: each use is sold once, and nobody pays what was not shown.
 */
#include "crowd.h"
#include "outcome.h"

#include <string.h>

enum { BUYERS = 300, USES = 50, PATIENT = 12, CARTS_OF_ONE = 8, CUSTOMERS = 4, DISCOUNT = 500 };

struct rush {
    struct item item;
    const char *coupon, *obstacle; /* what stands in the way of those who come too late */
    int64_t total; /* shown, with the discount */
    const char *emails[BUYERS], *carts[BUYERS];
    struct answer answers[BUYERS];
};

/* The use was gone when the cart was priced for the last time, or right after it. */
static const struct expected_answer SOLD_OR_USED_UP[] = {
    {201, NULL}, {200, NULL}, {409, "COUPON_NOT_USABLE"}, {0}};

/* Every refusal says which coupon and why, also when it is heard of later. */
static void then_told(struct answer answer, const struct rush *rush)
{
    if (answer.status != 409)
        return;
    ck_assert_str_eq(text_at(answer, "violations.0.field"), "couponCodes");
    ck_assert_int_eq(strcasecmp(text_at(answer, "violations.0.value"), rush->coupon), 0);
    ck_assert_str_eq(text_at(answer, "violations.0.allowed"), rush->obstacle);
}

/* As they end: one that took too long for an answer is asked about. */
static void then_all_told(struct rush *rush, int count)
{
    for (int i = 0; i < count; i++) {
        rush->answers[i] = followed(rush->answers[i]);
        then_told(rush->answers[i], rush);
    }
    then_only(rush->answers, count, SOLD_OR_USED_UP);
}

static void prepare(int number, void *race)
{
    struct rush *rush = race;
    rush->carts[number] = given_cart_of(rush->emails[number], rush->item, 1);
    given_coupon_in(rush->carts[number], rush->coupon);
}

static void complete(int number, void *race)
{
    struct rush *rush = race;
    rush->answers[number] = when_buying(rush->carts[number], rush->total, new_key());
}

static int placed(const struct rush *rush, int first, int count)
{
    int found = 0;
    for (int i = first; i < first + count; i++) {
        if (rush->answers[i].status > 201)
            continue;
        ck_assert_str_eq(text_at(rush->answers[i], "state"), "CHECKOUT_STATE_PLACED");
        ck_assert_int_eq(int_at(rush->answers[i], "total.minorUnits"), rush->total);
        ck_assert_int_eq(int_at(rush->answers[i], "order.total.minorUnits"), rush->total);
        found++;
    }
    return found;
}

static const char *coupon_id(const char *code)
{
    struct answer promotions = expect(admin("GET", "/coupons?page_size=100", NULL), 200);
    const struct json_node *node = node_at(promotions, "coupons");
    for (node = node ? node->child : NULL; node != NULL; node = node->next)
        if (strcmp(json_text(json_member(node, "code")), code) == 0)
            return json_text(json_member(node, "id"));
    ck_abort_msg("no coupon %s", code);
    return NULL;
}

static void then_uses_settle(const char *code, const char *redeemed)
{
    const char *path = arena_printf(arena, "/coupons/%s", coupon_id(code));
    admin_until(path, "coupon.redeemedCount", redeemed);
    admin_until(path, "coupon.heldCount", NULL);
}

/* The cart is open again: without the code it costs what it says, and can be bought. */
static void buy_at_full_price(int number, void *race)
{
    struct rush *rush = race;
    const char *cart = rush->carts[number];
    if (rush->answers[number].status <= 201)
        return;
    expect(store("DELETE", arena_printf(arena, "/carts/%s/coupons/%s", cart, rush->coupon), NULL,
                 NULL),
           200);
    ck_assert_int_eq(total_of(cart), rush->total + DISCOUNT);
    struct answer answer = bought(cart);
    ck_assert_int_eq(int_at(answer, "order.total.minorUnits"), rush->total + DISCOUNT);
}

START_TEST(a_coupon_with_50_uses_discounts_50_orders_of_300_buyers)
{
    static struct rush rush;
    int patient = 0;
    rush.item = given_item(1900, BUYERS);
    rush.coupon = given_coupon(USES);
    rush.obstacle = "COUPON_EXHAUSTED";
    for (int i = 0; i < BUYERS; i++)
        rush.emails[i] = new_email();
    crowd_share(BUYERS, prepare, &rush);
    rush.total = total_of(rush.carts[0]);

    int64_t took_us = crowd(BUYERS, complete, &rush);

    crowd_report("300 buyers of a coupon with 50 uses", rush.answers, BUYERS, took_us);
    then_all_told(&rush, BUYERS);
    ck_assert_int_eq(placed(&rush, 0, BUYERS), USES);
    then_uses_settle(rush.coupon, "50");
    for (int i = 0; i < PATIENT; i++)
        patient += rush.answers[i].status > 201;
    crowd_share(PATIENT, buy_at_full_price, &rush);
    then_stock_settles(rush.item, (struct stock){.available = BUYERS - USES - patient,
                                                 .allocated = USES + patient});
}
END_TEST

START_TEST(a_customer_with_several_carts_gets_a_limited_coupon_once)
{
    enum { ALL = CUSTOMERS * CARTS_OF_ONE };
    static struct rush rush;
    rush.item = given_item(1900, ALL);
    rush.coupon = given_limited_coupon(0, 1);
    rush.obstacle = "COUPON_CUSTOMER_LIMIT";
    for (int i = 0; i < ALL; i++)
        rush.emails[i] = i % CARTS_OF_ONE == 0 ? new_email() : rush.emails[i - 1];
    crowd_share(ALL, prepare, &rush);
    rush.total = total_of(rush.carts[0]);

    int64_t took_us = crowd(ALL, complete, &rush);

    crowd_report("4 customers with 8 carts each and a coupon for one", rush.answers, ALL, took_us);
    then_all_told(&rush, ALL);
    for (int i = 0; i < ALL; i += CARTS_OF_ONE)
        ck_assert_int_eq(placed(&rush, i, CARTS_OF_ONE), 1);
    then_uses_settle(rush.coupon, arena_printf(arena, "%d", CUSTOMERS));
    then_stock_settles(rush.item,
                       (struct stock){.available = ALL - CUSTOMERS, .allocated = CUSTOMERS});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("coupon race");
    TCase *coupon = race_case(suite, "coupon");
    tcase_add_test(coupon, a_coupon_with_50_uses_discounts_50_orders_of_300_buyers);
    tcase_add_test(coupon, a_customer_with_several_carts_gets_a_limited_coupon_once);
    return shop_run(suite);
}
