/* flash_sale_test.c - 300 buyers of 100 units: 100 orders, 200 who are told, not one unit more. */
#include "crowd.h"
#include "outcome.h"

#include "common/clock.h"

enum { BUYERS = 300, UNITS = 100 };

struct sale {
    struct item item;
    int64_t total;
    const char *carts[BUYERS];
    struct answer answers[BUYERS];
};

static const struct expected_answer SOLD_OR_SOLD_OUT[] = {
    {201, NULL}, {200, NULL}, {409, "INSUFFICIENT_STOCK"}, {0}};

static void then_exactly_the_stock_is_sold(const struct sale *sale)
{
    int sold = count_answers(sale->answers, BUYERS, 201, NULL) +
               count_answers(sale->answers, BUYERS, 200, NULL);
    then_only(sale->answers, BUYERS, SOLD_OR_SOLD_OUT);
    ck_assert_int_eq(sold, UNITS);
    for (int i = 0; i < BUYERS; i++)
        if (sale->answers[i].status < 300)
            ck_assert_str_eq(text_at(sale->answers[i], "state"), "CHECKOUT_STATE_PLACED");
    then_stock_settles(sale->item, (struct stock){.allocated = UNITS});
}

static void prepare(int number, void *race)
{
    struct sale *sale = race;
    sale->carts[number] = given_cart_of(new_email(), sale->item, 1);
}

static void complete(int number, void *race)
{
    struct sale *sale = race;
    sale->answers[number] = when_buying(sale->carts[number], sale->total, new_key());
}

START_TEST(prepared_carts_completed_at_once_sell_the_stock_and_no_more)
{
    static struct sale sale;
    sale.item = given_item(1900, UNITS);
    crowd_share(BUYERS, prepare, &sale);
    sale.total = total_of(sale.carts[0]); // all alike

    int64_t took_us = crowd(BUYERS, complete, &sale);

    crowd_report("300 prepared carts on 100 units", sale.answers, BUYERS, took_us);
    for (int i = 0; i < BUYERS; i++)
        sale.answers[i] = followed(sale.answers[i]);
    then_exactly_the_stock_is_sold(&sale);
}
END_TEST

static void buy(int number, void *race)
{
    struct sale *sale = race;
    int64_t begun_us = clock_monotonic_us();
    const char *cart = given_cart_of(new_email(), sale->item, 1);
    struct answer answer = followed(when_buying(cart, total_of(cart), new_key()));
    answer.took_us = clock_monotonic_us() - begun_us;
    sale->answers[number] = answer;
}

START_TEST(buyers_who_begin_at_once_get_the_stock_and_no_more)
{
    static struct sale sale;
    sale.item = given_item(1900, UNITS);

    int64_t took_us = crowd(BUYERS, buy, &sale);

    crowd_report("300 whole purchases on 100 units", sale.answers, BUYERS, took_us);
    then_exactly_the_stock_is_sold(&sale);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flash sale");
    TCase *sale = race_case(suite, "flash sale");
    tcase_add_test(sale, prepared_carts_completed_at_once_sell_the_stock_and_no_more);
    tcase_add_test(sale, buyers_who_begin_at_once_get_the_stock_and_no_more);
    return shop_run(suite);
}
