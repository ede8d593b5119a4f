/* tender_test.c - who pays what, and what the answers of all of them mean. */
#include "suites.h"

static const struct {
    const char *label;
    int64_t total;
    int64_t asked[3];
    size_t count;
    bool fits;
    int64_t paid[3];
} SPLITS[] = {
    {"one tender takes all", 700, {0}, 1, true, {700}},
    {"the exact amount", 700, {700}, 1, true, {700}},
    {"the open one takes the rest", 700, {200, 0, 100}, 3, true, {200, 400, 100}},
    {"a gift card that covers all", 700, {700, 0}, 2, true, {700, 0}},
    {"nothing to pay", 0, {0}, 1, true, {0}},
    {"too little", 700, {699}, 1, false, {0}},
    {"too much", 700, {701}, 1, false, {0}},
    {"too much together", 700, {400, 400}, 2, false, {0}},
    {"two open ones", 700, {0, 0}, 2, false, {0}},
};

START_TEST(tenders_add_up_to_the_total)
{
    int64_t paid[3] = {0};
    const bool fits = tender_split(SPLITS[_i].total, SPLITS[_i].asked, SPLITS[_i].count, paid);

    ck_assert_msg(fits == SPLITS[_i].fits, "%s", SPLITS[_i].label);
    for (size_t i = 0; fits && i < SPLITS[_i].count; i++)
        ck_assert_msg(paid[i] == SPLITS[_i].paid[i], "%s", SPLITS[_i].label);
}
END_TEST

/* Of one payment alone; of two it is the more pressing of both. */
static const enum checkout_state OUTCOMES[PAYMENT_STATES] = {
    [PAYMENT_NEW] = CHECKOUT_AUTH_PENDING,
    [PAYMENT_PENDING] = CHECKOUT_AUTH_PENDING,
    [PAYMENT_ACTION_REQUIRED] = CHECKOUT_ACTION_REQUIRED,
    [PAYMENT_AUTHORIZED] = CHECKOUT_AUTHORIZED,
    [PAYMENT_CAPTURED] = CHECKOUT_AUTHORIZED,
    [PAYMENT_DECLINED] = CHECKOUT_CANCELLING,
    [PAYMENT_VOIDED] = CHECKOUT_CANCELLING,
    [PAYMENT_REFUNDED] = CHECKOUT_CANCELLING,
};

static int urgency(enum checkout_state state)
{
    switch (state) {
    case CHECKOUT_CANCELLING:
        return 3;
    case CHECKOUT_ACTION_REQUIRED:
        return 2;
    case CHECKOUT_AUTH_PENDING:
        return 1;
    default:
        return 0;
    }
}

START_TEST(a_decline_then_an_action_then_waiting_decides_for_every_pair)
{
    for (int a = PAYMENT_NEW; a < PAYMENT_STATES; a++) {
        for (int b = PAYMENT_NEW; b < PAYMENT_STATES; b++) {
            const enum payment_state pair[] = {(enum payment_state)a, (enum payment_state)b};
            const bool is_first = urgency(OUTCOMES[a]) >= urgency(OUTCOMES[b]);
            ck_assert_int_eq((int)tender_outcome(pair, 1), (int)OUTCOMES[a]);
            ck_assert_int_eq((int)tender_outcome(pair, 2),
                             (int)(is_first ? OUTCOMES[a] : OUTCOMES[b]));
        }
    }
    ck_assert_int_eq((int)tender_outcome(NULL, 0), CHECKOUT_AUTHORIZED);
}
END_TEST

void tender_case(Suite *suite)
{
    TCase *tenders = tcase_create("tenders");

    tcase_add_loop_test(tenders, tenders_add_up_to_the_total, 0, ARRAY_LEN(SPLITS));
    tcase_add_test(tenders, a_decline_then_an_action_then_waiting_decides_for_every_pair);
    suite_add_tcase(suite, tenders);
}
