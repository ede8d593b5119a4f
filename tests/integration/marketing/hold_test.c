/* hold_test.c - uses are held, redeemed or given back: once each, in any order, by many at a time.
 */
#include "suites.h"

#include "example.h"
#include "marketing/v1/events.schema.h"
#include "order/v1/events.pb-c.h"

#include <pthread.h>

static struct uuid checkout;

static void given_held_coupon(void)
{
    given_marketing();
    given_coupon("SUN", (struct limits){3, 1});
    checkout = uuid_v7();
    then_ok(holding(checkout, "SUN", "anna"));
}

START_TEST(a_hold_is_held_once_however_often_it_is_asked)
{
    given_held_coupon();
    then_ok(holding(checkout, "SUN", "anna"));

    then_counts(1, 0);
    ck_assert_int_eq(published(&COUPON_HELD), 1);
    then_published_as_example("marketing", &marketing__v1__coupon_held__schema);
}
END_TEST

START_TEST(a_redeemed_use_stays_used)
{
    given_held_coupon();
    then_ok(redeeming(checkout));
    then_ok(redeeming(checkout));
    then_ok(releasing(checkout)); // too late: the order stands

    then_counts(0, 1);
    ck_assert_int_eq(published(&COUPON_REDEEMED), 1);
    then_published_as_example("marketing", &marketing__v1__coupon_redeemed__schema);
}
END_TEST

START_TEST(a_released_use_can_be_had_again)
{
    given_held_coupon();
    then_ok(releasing(checkout));
    then_ok(releasing(checkout));
    then_counts(0, 0);
    then_published_as_example("marketing", &marketing__v1__coupon_released__schema);

    then_reason(redeeming(checkout), STATUS_FAILED_PRECONDITION, "HOLD_RELEASED");
    then_ok(holding(uuid_v7(), "SUN", "anna"));
    then_counts(1, 0);
}
END_TEST

START_TEST(a_release_that_overtakes_its_hold_refuses_it)
{
    given_marketing();
    given_coupon("SUN", (struct limits){0, 0});
    checkout = uuid_v7();

    then_ok(releasing(checkout));
    then_reason(holding(checkout, "SUN", "anna"), STATUS_FAILED_PRECONDITION, "HOLD_RELEASED");
    then_counts(0, 0);
}
END_TEST

START_TEST(limits_are_told_with_their_reason)
{
    given_held_coupon();
    then_reason(holding(uuid_v7(), "SUN", "anna"), STATUS_FAILED_PRECONDITION, "COUPON_NOT_USABLE");
    then_reason(holding(uuid_v7(), "MOON", "ben"), STATUS_FAILED_PRECONDITION, "COUPON_NOT_USABLE");
    then_reason(redeeming(uuid_v7()), STATUS_NOT_FOUND, "HOLD_NOT_FOUND");
    then_counts(1, 0);
}
END_TEST

enum { ORDERS_MAX = 8 };

/* Nil: an order without coupons. */
static struct status placed_events(const struct uuid *checkouts, size_t count)
{
    struct ctx *ctx = world_ctx(marketing);
    Order__V1__OrderPlaced placed[ORDERS_MAX];
    struct event events[ORDERS_MAX];
    struct event_item items[ORDERS_MAX];
    const char *coupons[] = {"one"};
    for (size_t i = 0; i < count; i++) {
        order__v1__order_placed__init(&placed[i]);
        placed[i].checkout_id = uuid_text(ctx->arena, checkouts[i]);
        placed[i].n_coupon_ids = uuid_is_nil(checkouts[i]) ? 0 : 1;
        placed[i].coupon_ids = coupons;
        events[i] = (struct event){.id = uuid_v7(), .key = uuid_v7(), .type = "placed"};
        items[i] = (struct event_item){&events[i], &placed[i]};
    }
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(marketing_on_orders_placed(ctx, tx, items, count));
    return db_commit(&tx);
}

static struct status placed_event(void)
{
    return placed_events(&checkout, 1);
}

START_TEST(a_placed_order_redeems_what_its_checkout_held)
{
    given_held_coupon();
    then_ok(placed_event());
    then_ok(placed_event());
    then_counts(0, 1);
}
END_TEST

START_TEST(orders_that_come_together_redeem_together)
{
    given_held_coupon();
    struct uuid checkouts[] = {checkout, {{0}}, uuid_v7(), uuid_v7()};
    then_ok(holding(checkouts[2], "SUN", "ben"));

    then_reason(placed_events(checkouts, 4), STATUS_NOT_FOUND, "HOLD_NOT_FOUND");
    then_counts(2, 0);
    then_ok(placed_events(checkouts, 3));
    then_ok(placed_events(checkouts, 3));

    then_counts(0, 2);
    ck_assert_int_eq(published(&COUPON_REDEEMED), 2);
    ck_assert_int_eq(world_sql_int("SELECT count(*) - count(DISTINCT aggregate_version)"
                                   " FROM outbox WHERE topic = 'marketing.coupon.events.v1'"),
                     0);
}
END_TEST

static struct status cancelled_event(void)
{
    struct ctx *ctx = world_ctx(marketing);
    Order__V1__OrderCancelled cancelled = ORDER__V1__ORDER_CANCELLED__INIT;
    const struct event event = {.key = uuid_v7()};
    cancelled.checkout_id = uuid_text(ctx->arena, checkout);
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    TRY(db_begin(ctx, &tx));
    TRY(marketing_on_order_cancelled(ctx, tx, &event, &cancelled));
    return db_commit(&tx);
}

START_TEST(a_cancelled_order_gives_its_coupons_back_once)
{
    given_held_coupon();
    then_ok(placed_event());
    then_ok(cancelled_event());
    then_counts(0, 0);
    ck_assert_int_eq(0, world_sql_int("SELECT count(*) FROM coupon_use WHERE is_live"));
    then_ok(cancelled_event());
    then_ok(placed_event()); // told again, late
    then_counts(0, 0);
}
END_TEST

START_TEST(a_cancellation_heard_before_its_order_releases_what_is_held)
{
    given_held_coupon();
    then_ok(cancelled_event());
    then_ok(placed_event());
    then_counts(0, 0);
}
END_TEST

enum { BUYERS = 40, USES = 10 };

struct buyer {
    pthread_t thread;
    struct ctx *ctx;
    struct uuid checkout;
    const char *customer;
    enum status_code code;
};

static void *hold_as_buyer(void *argument)
{
    struct buyer *self = argument;
    Marketing__V1__HoldCouponsRequest req = MARKETING__V1__HOLD_COUPONS_REQUEST__INIT;
    Marketing__V1__HoldCouponsResponse rep = MARKETING__V1__HOLD_COUPONS_RESPONSE__INIT;
    const char *codes[] = {"SUN"};
    req.checkout_id = uuid_text(self->ctx->arena, self->checkout);
    req.n_coupon_codes = 1;
    req.coupon_codes = codes;
    req.customer_key = self->customer;
    struct status status = marketing_hold_coupons(self->ctx, &req, &rep);
    self->code = status.code;
    return NULL;
}

START_TEST(ten_uses_are_held_ten_times_by_forty_buyers)
{
    given_marketing();
    given_coupon("SUN", (struct limits){USES, 0});
    static struct buyer buyers[BUYERS];
    int held = 0, refused = 0;
    for (int i = 0; i < BUYERS; i++)
        buyers[i] =
            (struct buyer){.ctx = world_ctx(marketing), .checkout = uuid_v7(), .customer = "anna"};
    for (int i = 0; i < BUYERS; i++)
        pthread_create(&buyers[i].thread, NULL, hold_as_buyer, &buyers[i]);
    for (int i = 0; i < BUYERS; i++) {
        pthread_join(buyers[i].thread, NULL);
        held += buyers[i].code == STATUS_OK;
        refused += buyers[i].code == STATUS_FAILED_PRECONDITION;
    }

    ck_assert_int_eq(held, USES);
    ck_assert_int_eq(refused, BUYERS - USES);
    then_counts(USES, 0);
    ck_assert_int_eq(published(&COUPON_HELD), USES);
}
END_TEST

/* Somebody gives a use back and takes long over it: who finds the coupon used up does not wait. */
START_TEST(a_used_up_coupon_is_refused_without_waiting_for_its_row)
{
    given_marketing();
    struct uuid id = {0};
    ck_assert(uuid_parse(given_coupon("SUN", (struct limits){1, 0}), &id));
    then_ok(holding(uuid_v7(), "SUN", "anna"));
    _cleanup_(db_rollback) struct db_tx *tx = NULL;
    struct coupon *coupons;
    size_t count;
    then_ok(db_begin(world_ctx(marketing), &tx));
    then_ok(store_lock_coupons_by_id(tx, &id, 1, &coupons, &count));

    struct status refused = holding(uuid_v7(), "SUN", "ben");
    then_reason(refused, STATUS_FAILED_PRECONDITION, "COUPON_NOT_USABLE");
    ck_assert_str_eq(refused.violations->allowed, "COUPON_EXHAUSTED");
    then_counts(1, 0);
}
END_TEST

/* Two windows of one customer wait for the same coupon: who gets it second waited with a view of
 * the time before the first. */
START_TEST(a_customers_limit_holds_against_themselves)
{
    given_marketing();
    given_coupon("SUN", (struct limits){0, 1});
    static struct buyer buyers[2];
    struct ctx *ctx = world_ctx(marketing);
    const char *keys[] = {"SUN"};
    struct coupon *coupons;
    struct db_tx *tx = NULL;
    size_t count;
    int64_t now_us;
    then_ok(db_begin(ctx, &tx));
    then_ok(store_lock_coupons(tx, keys, 1, "anna", &coupons, &count, &now_us));
    for (int i = 0; i < 2; i++) {
        buyers[i] =
            (struct buyer){.ctx = world_ctx(marketing), .checkout = uuid_v7(), .customer = "anna"};
        pthread_create(&buyers[i].thread, NULL, hold_as_buyer, &buyers[i]);
    }
    while (world_sql_int("SELECT count(*) FROM pg_locks WHERE NOT granted") < 2)
        continue;
    db_rollback(&tx);

    for (int i = 0; i < 2; i++)
        pthread_join(buyers[i].thread, NULL);
    ck_assert_int_eq((buyers[0].code == STATUS_OK) + (buyers[1].code == STATUS_OK), 1);
    then_counts(1, 0);
}
END_TEST

void hold_case(Suite *suite)
{
    TCase *tcase = world_case(suite, "holds");

    tcase_add_test(tcase, a_hold_is_held_once_however_often_it_is_asked);
    tcase_add_test(tcase, a_redeemed_use_stays_used);
    tcase_add_test(tcase, a_released_use_can_be_had_again);
    tcase_add_test(tcase, a_release_that_overtakes_its_hold_refuses_it);
    tcase_add_test(tcase, limits_are_told_with_their_reason);
    tcase_add_test(tcase, a_placed_order_redeems_what_its_checkout_held);
    tcase_add_test(tcase, orders_that_come_together_redeem_together);
    tcase_add_test(tcase, a_cancelled_order_gives_its_coupons_back_once);
    tcase_add_test(tcase, a_cancellation_heard_before_its_order_releases_what_is_held);
    tcase_add_test(tcase, ten_uses_are_held_ten_times_by_forty_buyers);
    tcase_add_test(tcase, a_used_up_coupon_is_refused_without_waiting_for_its_row);
    tcase_add_test(tcase, a_customers_limit_holds_against_themselves);
}
