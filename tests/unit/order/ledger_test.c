/* ledger_test.c - what facts do to a payment, in the right order and in every other. */
#include "suites.h"

#include <stdlib.h>

static struct payment_fact fact(enum entry_kind kind, enum entry_outcome outcome, int64_t number,
                                int64_t amount)
{
    return (struct payment_fact){
        .kind = kind, .outcome = outcome, .number = number, .amount = amount};
}

static bool apply(struct payment *p, enum entry_kind kind, enum entry_outcome outcome,
                  int64_t number, int64_t amount)
{
    const struct payment_fact what = fact(kind, outcome, number, amount);

    return ledger_apply(p, &what);
}

static struct payment given_authorized(void)
{
    struct payment p = {.amount = 700, .state = PAYMENT_NEW};

    ck_assert(apply(&p, ENTRY_AUTHORIZE, ENTRY_REQUESTED, 1, 700));
    ck_assert(apply(&p, ENTRY_AUTHORIZE, ENTRY_SUCCEEDED, 1, 700));
    return p;
}

START_TEST(an_authorization_is_held_once)
{
    struct payment p = given_authorized();

    ck_assert_int_eq(p.state, PAYMENT_AUTHORIZED);
    ck_assert(!apply(&p, ENTRY_AUTHORIZE, ENTRY_SUCCEEDED, 1, 700));
    ck_assert(!apply(&p, ENTRY_AUTHORIZE, ENTRY_FAILED, 1, 0));
    ck_assert(!apply(&p, ENTRY_AUTHORIZE, ENTRY_REQUESTED, 2, 700));
    ck_assert_int_eq(p.authorized, 700);
}
END_TEST

START_TEST(the_attempt_rises_only_with_a_new_request)
{
    struct payment p = {.amount = 700, .state = PAYMENT_NEW};

    ck_assert(apply(&p, ENTRY_AUTHORIZE, ENTRY_REQUESTED, 1, 700));
    ck_assert(apply(&p, ENTRY_AUTHORIZE, ENTRY_UNKNOWN, 1, 0));
    ck_assert(apply(&p, ENTRY_AUTHORIZE, ENTRY_REQUESTED, 1, 700));
    ck_assert_int_eq(p.attempt, 1);
    ck_assert_int_eq(p.tries, 2);
    ck_assert_int_eq(p.state, PAYMENT_PENDING);
}
END_TEST

START_TEST(a_tombstone_refuses_a_late_authorization)
{
    struct payment p = {.amount = 700, .state = PAYMENT_NEW, .is_cancelled = true};

    ck_assert(!apply(&p, ENTRY_AUTHORIZE, ENTRY_REQUESTED, 1, 700));
    ck_assert_int_eq((int)ledger_unwind_step(&p), 0);
}
END_TEST

START_TEST(money_that_shows_up_after_a_void_is_known_and_has_to_go_back)
{
    struct payment p = {.amount = 700, .state = PAYMENT_NEW};

    ck_assert(apply(&p, ENTRY_AUTHORIZE, ENTRY_REQUESTED, 1, 700));
    p.is_cancelled = true;
    ck_assert_int_eq(ledger_unwind_step(&p), ENTRY_VOID);
    ck_assert(apply(&p, ENTRY_VOID, ENTRY_REQUESTED, 1, 0));
    ck_assert(apply(&p, ENTRY_VOID, ENTRY_SUCCEEDED, 1, 0));
    ck_assert_int_eq(p.state, PAYMENT_VOIDED);
    ck_assert_int_eq((int)ledger_unwind_step(&p), 0);
    ck_assert(apply(&p, ENTRY_AUTHORIZE, ENTRY_SUCCEEDED, 1, 700));
    ck_assert_int_eq(ledger_unwind_step(&p), ENTRY_VOID);
}
END_TEST

/* The provider's webhook and its answer to us say the same, in any order. */
START_TEST(a_void_that_is_heard_of_twice_is_counted_once)
{
    struct payment p = given_authorized();

    ck_assert(apply(&p, ENTRY_VOID, ENTRY_SUCCEEDED, 1, 700)); // nobody asked for it
    ck_assert_int_eq(p.void_count, 1);
    ck_assert(!apply(&p, ENTRY_VOID, ENTRY_SUCCEEDED, 2, 0));
    ck_assert_int_eq(p.void_count, 1);
}
END_TEST

START_TEST(captures_never_exceed_what_is_held)
{
    struct payment p = given_authorized();

    ck_assert(!apply(&p, ENTRY_CAPTURE, ENTRY_REQUESTED, 1, 701));
    ck_assert(!apply(&p, ENTRY_CAPTURE, ENTRY_REQUESTED, 2, 700));
    ck_assert(apply(&p, ENTRY_CAPTURE, ENTRY_REQUESTED, 1, 300));
    ck_assert(!apply(&p, ENTRY_CAPTURE, ENTRY_REQUESTED, 2, 100)); // one at a time
    ck_assert(apply(&p, ENTRY_CAPTURE, ENTRY_SUCCEEDED, 1, 300));
    ck_assert(!apply(&p, ENTRY_CAPTURE, ENTRY_SUCCEEDED, 1, 300));
    ck_assert_int_eq(ledger_capturable(&p), 400);
    ck_assert(!apply(&p, ENTRY_CAPTURE, ENTRY_REQUESTED, 2, 401));
    ck_assert(apply(&p, ENTRY_CAPTURE, ENTRY_REQUESTED, 2, 400));
    ck_assert(apply(&p, ENTRY_CAPTURE, ENTRY_FAILED, 2, 400));
    ck_assert_int_eq(p.captured, 300);
    ck_assert_int_eq(ledger_capturable(&p), 400);
    ck_assert(apply(&p, ENTRY_CAPTURE, ENTRY_REQUESTED, 3, 400));
}
END_TEST

START_TEST(a_last_capture_releases_the_rest)
{
    struct payment p = given_authorized();
    struct payment_fact last = fact(ENTRY_CAPTURE, ENTRY_SUCCEEDED, 1, 300);

    last.is_last = true;
    ck_assert(apply(&p, ENTRY_CAPTURE, ENTRY_REQUESTED, 1, 300));
    ck_assert(ledger_apply(&p, &last));
    ck_assert_int_eq(p.authorized, 300);
    ck_assert_int_eq(ledger_capturable(&p), 0);
}
END_TEST

START_TEST(refunds_never_exceed_what_was_taken)
{
    struct payment p = given_authorized();

    ck_assert(apply(&p, ENTRY_CAPTURE, ENTRY_REQUESTED, 1, 700));
    ck_assert(apply(&p, ENTRY_CAPTURE, ENTRY_SUCCEEDED, 1, 700));
    ck_assert_int_eq(ledger_unwind_step(&p), ENTRY_REFUND);
    ck_assert(!apply(&p, ENTRY_REFUND, ENTRY_REQUESTED, 1, 701));
    ck_assert(apply(&p, ENTRY_REFUND, ENTRY_REQUESTED, 1, 700));
    ck_assert(apply(&p, ENTRY_REFUND, ENTRY_UNKNOWN, 1, 0));
    ck_assert(apply(&p, ENTRY_REFUND, ENTRY_SUCCEEDED, 1, 700));
    ck_assert_int_eq(p.state, PAYMENT_REFUNDED);
    ck_assert_int_eq((int)ledger_unwind_step(&p), 0);
}
END_TEST

/* The constraints of orders.payment, which no order of facts may break. */
static void then_sound(const struct payment *p)
{
    ck_assert_int_ge(p->refunded, 0);
    ck_assert_int_le(p->refunded, p->refund_requested);
    ck_assert_int_le(p->refund_requested, p->captured);
    ck_assert_int_le(p->captured, p->capture_requested);
    ck_assert_int_le(p->capture_requested, p->authorized);
    ck_assert_int_ge(p->state, PAYMENT_NEW);
    ck_assert_int_lt(p->state, PAYMENT_STATES);
}

START_TEST(every_fact_in_every_state_keeps_the_books_sound)
{
    for (int state = PAYMENT_NEW; state < PAYMENT_STATES; state++)
        for (int kind = ENTRY_AUTHORIZE; kind <= ENTRY_REFUND; kind++)
            for (int outcome = ENTRY_REQUESTED; outcome <= ENTRY_UNKNOWN; outcome++)
                for (int64_t number = 0; number < 3; number++) {
                    struct payment p = {.amount = 700, .state = (enum payment_state)state};
                    if (state == PAYMENT_AUTHORIZED)
                        p.authorized = 700;
                    if (state == PAYMENT_CAPTURED || state == PAYMENT_REFUNDED)
                        p.authorized = p.capture_requested = p.captured = 700;
                    if (state == PAYMENT_REFUNDED)
                        p.refund_requested = p.refunded = 700;
                    (void)apply(&p, (enum entry_kind)kind, (enum entry_outcome)outcome, number,
                                700);
                    then_sound(&p);
                }
}
END_TEST

/* A provider that answers late, twice and out of order. */
START_TEST(random_histories_keep_the_books_sound)
{
    unsigned seed = (unsigned)_i;

    for (int history = 0; history < 2000; history++) {
        struct payment p = {.amount = 700, .state = PAYMENT_NEW};
        for (int step = 0; step < 30; step++) {
            const int kind = ENTRY_AUTHORIZE + rand_r(&seed) % 4;
            const int outcome = ENTRY_REQUESTED + rand_r(&seed) % 4;
            const int64_t amount = 1 + rand_r(&seed) % 900;
            (void)apply(&p, (enum entry_kind)kind, (enum entry_outcome)outcome, rand_r(&seed) % 5,
                        amount);
            then_sound(&p);
        }
    }
}
END_TEST

void ledger_case(Suite *suite)
{
    TCase *ledger = tcase_create("ledger");

    tcase_add_test(ledger, an_authorization_is_held_once);
    tcase_add_test(ledger, the_attempt_rises_only_with_a_new_request);
    tcase_add_test(ledger, a_tombstone_refuses_a_late_authorization);
    tcase_add_test(ledger, money_that_shows_up_after_a_void_is_known_and_has_to_go_back);
    tcase_add_test(ledger, a_void_that_is_heard_of_twice_is_counted_once);
    tcase_add_test(ledger, captures_never_exceed_what_is_held);
    tcase_add_test(ledger, a_last_capture_releases_the_rest);
    tcase_add_test(ledger, refunds_never_exceed_what_was_taken);
    tcase_add_test(ledger, every_fact_in_every_state_keeps_the_books_sound);
    tcase_add_loop_test(ledger, random_histories_keep_the_books_sound, 0, 4);
    suite_add_tcase(suite, ledger);
}
