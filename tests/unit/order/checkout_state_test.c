/* checkout_state_test.c - every pair of states, for every mover. */
#include "suites.h"

/* Rows: from. Columns: to. D the driver may, P the payments, O placing the order; both when two. */
static const char *const MAY[CHECKOUT_STATES] = {
    /*                           to: -  B  P  R  Ap Ar Az Pl Cg Cd */
    [0] = /*                      */ "..........", [CHECKOUT_BEGUN] = /*         */ "..D.....D.",
    [CHECKOUT_PRICED] = /*        */ "...D....D.", [CHECKOUT_RESERVED] = /*      */ "....PPP.X.",
    [CHECKOUT_AUTH_PENDING] = /*  */ ".....PP.X.", [CHECKOUT_ACTION_REQUIRED] = /**/ "....P.P.X.",
    [CHECKOUT_AUTHORIZED] = /*    */ ".......OD.", [CHECKOUT_PLACED] = /*        */ "..........",
    [CHECKOUT_CANCELLING] = /*    */ ".........D", [CHECKOUT_CANCELLED] = /*     */ "..........",
};

START_TEST(a_checkout_moves_as_its_table_says_and_not_otherwise)
{
    for (int from = 0; from < CHECKOUT_STATES; from++) {
        for (int to = 0; to < CHECKOUT_STATES; to++) {
            const char may = MAY[from][to];
            const bool wanted[] = {
                [CHECKOUT_BY_DRIVER] = may == 'D' || may == 'X',
                [CHECKOUT_BY_PAYMENTS] = may == 'P' || may == 'X',
                [CHECKOUT_BY_PIVOT] = may == 'O',
            };
            for (int mover = CHECKOUT_BY_DRIVER; mover <= CHECKOUT_BY_PIVOT; mover++)
                ck_assert_msg(checkout_may((enum checkout_state)from, (enum checkout_state)to,
                                           (enum checkout_mover)mover) == wanted[mover],
                              "from %d to %d by %d", from, to, mover);
        }
    }
}
END_TEST

START_TEST(a_finished_checkout_has_no_way_out)
{
    for (int from = 1; from < CHECKOUT_STATES; from++) {
        bool has_way = false;
        for (int to = 0; to < CHECKOUT_STATES; to++)
            for (int mover = CHECKOUT_BY_DRIVER; mover <= CHECKOUT_BY_PIVOT; mover++)
                has_way |= checkout_may((enum checkout_state)from, (enum checkout_state)to,
                                        (enum checkout_mover)mover);
        ck_assert_int_eq(has_way, checkout_is_live((enum checkout_state)from));
    }
}
END_TEST

START_TEST(only_what_holds_no_money_for_sure_expires)
{
    for (int state = 1; state < CHECKOUT_STATES; state++)
        ck_assert_int_eq(checkout_can_expire((enum checkout_state)state),
                         state < CHECKOUT_AUTHORIZED);
}
END_TEST

START_TEST(somebody_looks_less_and_less_often)
{
    const int64_t wanted[] = {2000, 5000, 15000, 60000, 300000, 300000};

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        ck_assert_int_eq(checkout_wait_ms((int64_t)i), wanted[i]);
    ck_assert_int_eq(checkout_wait_ms(INT64_MAX), 300000);
}
END_TEST

void checkout_state_case(Suite *suite)
{
    TCase *states = tcase_create("checkout states");

    tcase_add_test(states, a_checkout_moves_as_its_table_says_and_not_otherwise);
    tcase_add_test(states, a_finished_checkout_has_no_way_out);
    tcase_add_test(states, only_what_holds_no_money_for_sure_expires);
    tcase_add_test(states, somebody_looks_less_and_less_often);
    suite_add_tcase(suite, states);
}
