/* reservation_state_test.c - every action in every state. */
#include "suites.h"

#include "common/str.h"
#include "reservation_state.h"

#include <string.h>

/* One letter per action: pin, extend, commit, release, cancel, expire.
 * a apply, k keep, t tombstone, n not found, r released, x expired, c committed */
static const struct {
    enum reservation_state state;
    const char *outcomes;
} TABLE[] = {
    {RESERVATION_NONE, "nnnttn"},     {RESERVATION_HELD, "aaaaaa"},
    {RESERVATION_PINNED, "kkaaak"},   {RESERVATION_COMMITTED, "kkkcak"},
    {RESERVATION_RELEASED, "rrrkkk"}, {RESERVATION_EXPIRED, "xxxkkk"},
};

static const char LETTERS[] = {
    [OUTCOME_APPLY] = 'a',     [OUTCOME_KEEP] = 'k',     [OUTCOME_TOMBSTONE] = 't',
    [OUTCOME_NOT_FOUND] = 'n', [OUTCOME_RELEASED] = 'r', [OUTCOME_EXPIRED] = 'x',
    [OUTCOME_COMMITTED] = 'c',
};

START_TEST(each_action_has_its_outcome_in_each_state)
{
    ck_assert_uint_eq(strlen(TABLE[_i].outcomes), RESERVATION_ACTIONS);
    for (int action = 0; action < RESERVATION_ACTIONS; action++) {
        struct reservation_transition transition =
            reservation_transition(TABLE[_i].state, (enum reservation_action)action);
        ck_assert_msg(LETTERS[transition.outcome] == TABLE[_i].outcomes[action],
                      "state %s, action %d: %c", reservation_state_name(TABLE[_i].state), action,
                      LETTERS[transition.outcome]);
    }
}
END_TEST

/* Where the units of a reservation are in each state. */
static enum account account_of(enum reservation_state state)
{
    switch (state) {
    case RESERVATION_HELD:
    case RESERVATION_PINNED:
        return ACCOUNT_RESERVED;
    case RESERVATION_COMMITTED:
        return ACCOUNT_ALLOCATED;
    default:
        return ACCOUNT_AVAILABLE;
    }
}

START_TEST(stock_moves_from_the_account_of_one_state_to_that_of_the_next)
{
    enum reservation_state state = TABLE[_i].state;

    for (int action = 0; action < RESERVATION_ACTIONS; action++) {
        struct reservation_transition transition =
            reservation_transition(state, (enum reservation_action)action);
        if (transition.outcome != OUTCOME_APPLY ||
            account_of(state) == account_of(transition.next)) {
            ck_assert_int_eq(transition.movement, MOVEMENT_KINDS);
            continue;
        }
        ck_assert_int_eq(MOVEMENT_RULES[transition.movement].from, account_of(state));
        ck_assert_int_eq(MOVEMENT_RULES[transition.movement].to, account_of(transition.next));
    }
}
END_TEST

START_TEST(doing_it_again_changes_nothing)
{
    for (int action = 0; action < RESERVATION_ACTIONS; action++) {
        struct reservation_transition first =
            reservation_transition(TABLE[_i].state, (enum reservation_action)action);
        if (first.outcome != OUTCOME_APPLY || action == RESERVATION_EXTEND)
            continue;
        ck_assert_int_eq(
            reservation_transition(first.next, (enum reservation_action)action).outcome,
            OUTCOME_KEEP);
    }
}
END_TEST

START_TEST(names_lead_back_to_their_states)
{
    for (enum reservation_state state = RESERVATION_HELD; state < RESERVATION_STATES; state++)
        ck_assert_int_eq(reservation_state_from_name(reservation_state_name(state)), state);
    ck_assert_int_eq(reservation_state_from_name("lost"), RESERVATION_NONE);
    ck_assert_int_eq(reservation_state_from_name(""), RESERVATION_NONE);
}
END_TEST

TCase *reservation_state_case(void)
{
    TCase *tcase = tcase_create("reservation state");
    int count = (int)ARRAY_LEN(TABLE);

    tcase_add_loop_test(tcase, each_action_has_its_outcome_in_each_state, 0, count);
    tcase_add_loop_test(tcase, stock_moves_from_the_account_of_one_state_to_that_of_the_next, 0,
                        count);
    tcase_add_loop_test(tcase, doing_it_again_changes_nothing, 0, count);
    tcase_add_test(tcase, names_lead_back_to_their_states);
    return tcase;
}
