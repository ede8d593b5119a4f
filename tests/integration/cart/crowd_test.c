/* crowd_test.c - many callers of one cart: no change is lost, none is said twice. */
#include "suites.h"

#include <pthread.h>

enum { CALLERS = 24, ROUNDS = 2 };

struct caller_of_cart {
    struct ctx *ctx;
    const char *cart_id;
    const char *checkout_id; /* or NULL: adds a mug */
    int64_t added;
    struct status status;
};

static void *add_mugs(void *argument)
{
    struct caller_of_cart *self = argument;
    Cart__V1__AddLinesRequest req = CART__V1__ADD_LINES_REQUEST__INIT;
    Cart__V1__LineInput line = CART__V1__LINE_INPUT__INIT;
    Cart__V1__LineInput *lines[] = {&line};
    const Cart__V1__AddLinesResponse *rep;
    line.variant_id = mug;
    line.quantity = 1;
    req.cart_id = self->cart_id;
    req.n_lines = 1;
    req.lines = lines;
    for (int i = 0; i < ROUNDS && self->status.code == STATUS_OK; i++) {
        self->status = cart_v1_add_lines(self->ctx, &req, &rep);
        self->added += self->status.code == STATUS_OK;
    }
    return NULL;
}

static void *freeze_it(void *argument)
{
    struct caller_of_cart *self = argument;
    Cart__V1__FreezeCartRequest req = CART__V1__FREEZE_CART_REQUEST__INIT;
    const Cart__V1__FreezeCartResponse *rep;
    req.cart_id = self->cart_id;
    req.checkout_id = self->checkout_id;
    self->status = cart_v1_freeze_cart(self->ctx, &req, &rep);
    if (self->status.code == STATUS_OK)
        self->added = rep->quote->total_minor;
    return NULL;
}

static void run_all(struct caller_of_cart *callers, size_t count)
{
    pthread_t threads[CALLERS];
    for (size_t i = 0; i < count; i++)
        callers[i].ctx = world_client();
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL,
                                        callers[i].checkout_id ? freeze_it : add_mugs, &callers[i]),
                         0);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

START_TEST(no_change_is_lost)
{
    struct caller_of_cart callers[CALLERS] = {{0}};
    struct entry *entries;
    given_shop();
    const char *id = given_cart();
    for (int i = 0; i < CALLERS; i++)
        callers[i].cart_id = id;
    run_all(callers, CALLERS);
    int64_t added = 0;
    for (int i = 0; i < CALLERS; i++) {
        then_ok(callers[i].status);
        added += callers[i].added;
    }
    ck_assert_int_eq(added, CALLERS * ROUNDS);
    then_ok(getting(id));
    ck_assert_int_eq(said->cart->lines[0]->quantity, 2 + added);
    ck_assert_int_eq(said->cart->version, 1 + added);
    size_t count = published(id, &entries);
    ck_assert_uint_eq(count, (size_t)added + 1);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(entries[i].sequence, (int64_t)i + 1);
}
END_TEST

START_TEST(what_was_frozen_is_what_is_there)
{
    struct caller_of_cart callers[CALLERS] = {{0}};
    int64_t added = 0, winners = 0, frozen_minor = 0;
    given_shop();
    const char *id = given_cart();
    for (int i = 0; i < CALLERS; i++) {
        callers[i].cart_id = id;
        callers[i].checkout_id = i % 4 == 3 ? new_id() : NULL;
    }
    run_all(callers, CALLERS);
    for (int i = 0; i < CALLERS; i++) {
        bool is_ok = callers[i].status.code == STATUS_OK;
        if (!is_ok)
            then_reason(callers[i].status, STATUS_FAILED_PRECONDITION, "CART_FROZEN");
        if (callers[i].checkout_id) {
            winners += is_ok;
            frozen_minor += is_ok ? callers[i].added : 0;
        } else {
            added += callers[i].added;
        }
    }
    ck_assert_int_eq(winners, 1);
    ck_assert_int_eq(frozen_minor, (2 + added) * 1000);
    then_ok(getting(id));
    ck_assert_int_eq(said->cart->lines[0]->quantity, 2 + added);
    ck_assert_uint_eq(published_of("cart.v1.CartFrozen"), 1);
}
END_TEST

void crowd_case(Suite *suite)
{
    TCase *crowd = world_case(suite, "crowd");

    tcase_add_test(crowd, no_change_is_lost);
    tcase_add_test(crowd, what_was_frozen_is_what_is_there);
}
