/* checkout_test.c - one cart, many at its checkout: the browser's impatient clicks, and everybody
 * who may move a checkout at the same moment. */
#include "crowd.h"
#include "outcome.h"

#include "common/str.h"

#include <inttypes.h>
#include <stdio.h>

enum { CLICKS = 5, ROUNDS = 12 };

struct clicks {
    bool is_same_key;
    struct item item;
    int64_t total;
    const char *carts[ROUNDS], *keys[ROUNDS];
    struct answer answers[ROUNDS * CLICKS];
};

static void prepare_clicks(int number, void *race)
{
    struct clicks *clicks = race;
    clicks->carts[number] = given_cart_of(new_email(), clicks->item, 1);
    clicks->keys[number] = new_key();
}

static void click(int number, void *race)
{
    struct clicks *clicks = race;
    int round = number / CLICKS;
    const char *key = clicks->is_same_key ? clicks->keys[round] : new_key();
    clicks->answers[number] = when_paying(clicks->carts[round], clicks->total, "pm_card_visa", key);
}

static const struct expected_answer PLACED_OR_RUNNING[] = {
    {201, NULL}, {200, NULL}, {202, NULL}, {0}};

static void then_one_order(const struct clicks *clicks, int round)
{
    const struct answer *answers = &clicks->answers[round * CLICKS];
    const char *checkout = text_at(answers[0], "id");

    for (int i = 0; i < CLICKS; i++) {
        ck_assert_str_eq(text_at(answers[i], "id"), checkout);
        ck_assert_str_eq(
            text_at(expect(followed(answers[i]), answers[i].status == 201 ? 201 : 200), "orderId"),
            checkout);
    }
    until(arena_printf(arena, "/orders/%s", checkout), "paymentStatus", "PAYMENT_STATUS_PAID");
    struct book book = book_of(checkout);
    ck_assert_int_eq(book.intents, 1);
    ck_assert_int_eq(book.captured, clicks->total);
    ck_assert_int_eq(book.held, 0);
}

START_TEST(five_completions_at_once_are_one_order_and_one_capture)
{
    static struct clicks clicks;
    clicks.is_same_key = _i == 0;
    clicks.item = given_item(2500, 2 * ROUNDS);
    crowd_share(ROUNDS, prepare_clicks, &clicks);
    clicks.total = total_of(clicks.carts[0]);

    int64_t took_us = crowd(ROUNDS * CLICKS, click, &clicks);

    crowd_report(clicks.is_same_key ? "12 carts, each completed 5 times with one key"
                                    : "12 carts, each completed 5 times with 5 keys",
                 clicks.answers, ROUNDS * CLICKS, took_us);
    then_only(clicks.answers, ROUNDS * CLICKS, PLACED_OR_RUNNING);
    for (int round = 0; round < ROUNDS; round++)
        then_one_order(&clicks, round);
    then_stock_settles(clicks.item, (struct stock){.available = ROUNDS, .allocated = ROUNDS});
    const char *checkout = text_at(clicks.answers[0], "id");
    then_events(checkout,
                (const char *const[]){"order.v1.OrderPlaced", "order.v1.PaymentCaptured", NULL});
    ck_assert_int_eq(event_count(checkout, "order.v1.OrderPlaced"), 1);
    ck_assert_int_eq(event_count(checkout, "order.v1.PaymentCaptured"), 1);
}
END_TEST

/* --- everybody at one checkout --------------------------------------------------------------- */

enum role { BANK, BROWSER, CLOCK, ADMIN, SECOND_TAB, ROLES };
enum { CROSSINGS = 40, APART_US = 400 * 1000, ATTEMPTS = 20, ATTEMPT_US = 40 * 1000 };

struct crossing {
    struct item item;
    int64_t total;
    struct {
        const char *cart, *key, *checkout;
        struct answer answers[ROLES];
    } rounds[CROSSINGS];
};

static void prepare_crossing(int number, void *race)
{
    struct crossing *crossing = race;
    const char *cart = given_cart_of(new_email(), crossing->item, 1), *key = new_key();
    struct answer waiting =
        expect(when_paying(cart, total_of(cart), "pm_card_authenticationRequired", key), 202);
    crossing->rounds[number].cart = cart;
    crossing->rounds[number].key = key;
    crossing->rounds[number].checkout = text_at(waiting, "id");
}

/* The buyer confirms or fails at the bank; the simulator sends its webhook. */
static struct answer at_the_bank(struct crossing *crossing, int round)
{
    const char *checkout = crossing->rounds[round].checkout;
    return simulator("/complete", arena_printf(arena, "checkout_id=%s&outcome=%s", checkout,
                                               round % 4 == 3 ? "fail" : "succeed"));
}

/* Comes back from the bank: asks with its old key, then looks. */
static struct answer in_the_browser(struct crossing *crossing, int round)
{
    const char *key = round % 2 == 0 ? crossing->rounds[round].key : new_key();
    return when_paying(crossing->rounds[round].cart, crossing->total,
                       "pm_card_authenticationRequired", key);
}

static struct answer by_the_clock(struct crossing *crossing, int round)
{
    out_of_time(crossing->rounds[round].checkout);
    return (struct answer){.status = 200};
}

/* Cancels the order as soon as there is one, for a while. */
static struct answer in_the_back_office(struct crossing *crossing, int round)
{
    struct answer answer = {0};
    for (int i = 0; i < ATTEMPTS && answer.status != 200; i++) {
        answer = admin("POST",
                       arena_printf(arena, "/orders/%s/cancel", crossing->rounds[round].checkout),
                       "{\"reason\":\"raced\"}");
        hesitate(ATTEMPT_US);
    }
    return answer;
}

static struct answer in_a_second_tab(struct crossing *crossing, int round)
{
    return store("POST",
                 arena_printf(arena, "/checkouts/%s/tenders", crossing->rounds[round].checkout),
                 "{\"tenders\":[{\"providerAccount\":\"stripe\",\"paymentMethod\":"
                 "\"pm_card_visa\"}]}",
                 NULL);
}

/* In which rounds each of them comes: a bit for each of eight, so that every company meets. */
static const struct {
    struct answer (*act)(struct crossing *crossing, int round);
    unsigned rounds;
} CAST[] = {
    [BANK] = {at_the_bank, 0xff},           [BROWSER] = {in_the_browser, 0xff},
    [CLOCK] = {by_the_clock, 0x55},         [ADMIN] = {in_the_back_office, 0xf0},
    [SECOND_TAB] = {in_a_second_tab, 0x2a},
};

static void cross(int number, void *race)
{
    struct crossing *crossing = race;
    int round = number / ROLES, role = number % ROLES;
    if ((CAST[role].rounds >> round % 8 & 1) == 0)
        return;
    hesitate(APART_US);
    crossing->rounds[round].answers[role] = CAST[role].act(crossing, round);
}

static struct answer order_at_rest(const char *order_id)
{
    const char *path = arena_printf(arena, "/orders/%s", order_id);
    struct answer order = expect(admin("GET", path, NULL), 200);
    if (str_equal(text_at(order, "order.state"), "ORDER_STATE_CANCELLED"))
        return order;
    return admin_until(path, "order.paymentStatus", "PAYMENT_STATUS_PAID");
}

/* Whoever came back with a new key after the end began anew, and leaves this one at the bank. */
static void leave_the_second(const struct crossing *crossing, int round)
{
    struct answer second = crossing->rounds[round].answers[BROWSER];
    if (second.status != 202 || str_equal(text_at(second, "id"), crossing->rounds[round].checkout))
        return;
    out_of_time(text_at(second, "id"));
    expect_problem(ended(text_at(second, "id")), 409, "CHECKOUT_EXPIRED");
}

/* Either sold and paid once, or nothing is kept: neither money nor stock. Answers whether sold. */
static bool then_money_is_right(const struct crossing *crossing, int round)
{
    const char *checkout = crossing->rounds[round].checkout;
    struct answer end = ended(checkout);
    bool is_sold = false;

    if (end.status == 200) {
        struct answer order = order_at_rest(checkout);
        is_sold = !str_equal(text_at(order, "order.state"), "ORDER_STATE_CANCELLED");
    } else {
        expect(end, 409);
    }
    int64_t kept = is_sold ? crossing->total : 0;
    struct book book = book_until(checkout, kept);
    ck_assert_msg(book.held == 0 && book.captured - book.refunded == kept,
                  "checkout %s ended %ld, sold %d: held %" PRId64 ", captured %" PRId64
                  ", refunded %" PRId64,
                  checkout, end.status, is_sold, book.held, book.captured, book.refunded);
    return is_sold;
}

START_TEST(whoever_meets_at_a_checkout_leaves_it_in_one_state)
{
    static struct crossing crossing;
    int sold = 0, cancelled = 0;
    crossing.item = given_item(2500, 2 * CROSSINGS);
    crowd_share(CROSSINGS, prepare_crossing, &crossing);
    crossing.total = total_of(crossing.rounds[0].cart);

    crowd(CROSSINGS * ROLES, cross, &crossing);

    for (int round = 0; round < CROSSINGS; round++) {
        for (int role = 0; role < ROLES; role++)
            ck_assert_msg(crossing.rounds[round].answers[role].status < 500, "role %d: %ld %s",
                          role, crossing.rounds[round].answers[role].status,
                          crossing.rounds[round].answers[role].text);
        cancelled += crossing.rounds[round].answers[ADMIN].status == 200;
        leave_the_second(&crossing, round);
        sold += then_money_is_right(&crossing, round);
    }
    printf("40 checkouts with bank, browser, clock, back office and second tab: %d sold, %d placed"
           " and cancelled, %d refused\n",
           sold, cancelled, CROSSINGS - sold - cancelled);
    then_stock_settles(crossing.item,
                       (struct stock){.available = 2 * CROSSINGS - sold, .allocated = sold});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkout race");
    TCase *checkout = race_case(suite, "checkout");
    tcase_add_loop_test(checkout, five_completions_at_once_are_one_order_and_one_capture, 0, 2);
    tcase_add_test(checkout, whoever_meets_at_a_checkout_leaves_it_in_one_state);
    return shop_run(suite);
}
