/* saga_test.c - the engine against a scripted table of steps. */
#include "suites.h"

#include "checkout/saga.h"
#include "common/clock.h"

#include <string.h>

enum state { BEGUN = 1, HELD, PAID, PLACED, UNDOING, UNDONE };

enum answer { OK, REFUSED, UNAVAILABLE, FENCED, WAITS, UNDOES_ITSELF, STUMBLES };

/* What each step answers, and what was called: a, b, c act; A, B, C undo; < and > begin and end. */
struct script {
    struct saga saga;
    int state;
    enum answer act[3], undo[3], begin_undo;
    char calls[32];
    int stumbles;         /* how often STUMBLES is not answered before it is */
    int64_t limits_ms[8]; /* what each try had */
    size_t tries;
};

static struct script *script_of(struct saga *saga)
{
    return (struct script *)(void *)saga;
}

static struct status answer(struct saga *saga, char name, enum answer how)
{
    struct script *script = script_of(saga);
    size_t length = strlen(script->calls);
    ck_assert_uint_lt(length + 1, sizeof script->calls);
    script->calls[length] = name;
    switch (how) {
    case REFUSED:
        return status_error(STATUS_FAILED_PRECONDITION, "NO", NULL);
    case UNAVAILABLE:
        return status_error(STATUS_UNAVAILABLE, "AWAY", NULL);
    case FENCED:
        return status_error(STATUS_ABORTED, "CHECKOUT_FENCED", NULL);
    case WAITS:
        return saga_wait(saga, 777);
    case STUMBLES:
        if (script->stumbles-- > 0)
            return status_error(STATUS_DEADLINE_EXCEEDED, "SLOW", NULL);
        return status_ok();
    case UNDOES_ITSELF:
        script->state = UNDOING;
        return status_ok();
    case OK:
        break;
    }
    return status_ok();
}

static struct status act(struct saga *saga, int step, int to_state)
{
    struct status status = answer(saga, (char)('a' + step), script_of(saga)->act[step]);
    if (status.code == STATUS_OK &&
        (script_of(saga)->act[step] == OK || script_of(saga)->act[step] == STUMBLES))
        script_of(saga)->state = to_state;
    return status;
}

static struct status act_a(struct ctx *ctx, struct saga *saga)
{
    struct script *script = script_of(saga);
    script->limits_ms[script->tries++] = ctx_remaining_ms(ctx);
    return act(saga, 0, HELD);
}

static struct status act_b(struct ctx *ctx, struct saga *saga)
{
    (void)ctx;
    return act(saga, 1, PAID);
}

static struct status act_c(struct ctx *ctx, struct saga *saga)
{
    (void)ctx;
    return act(saga, 2, PLACED);
}

static struct status undo_a(struct ctx *ctx, struct saga *saga)
{
    (void)ctx;
    return answer(saga, 'A', script_of(saga)->undo[0]);
}

static struct status undo_b(struct ctx *ctx, struct saga *saga)
{
    (void)ctx;
    return answer(saga, 'B', script_of(saga)->undo[1]);
}

static struct status begin_undo(struct ctx *ctx, struct saga *saga, struct status refusal)
{
    (void)ctx;
    ck_assert_str_eq(refusal.reason, "NO");
    script_of(saga)->state = UNDOING;
    return answer(saga, '<', script_of(saga)->begin_undo);
}

static struct status end_undo(struct ctx *ctx, struct saga *saga)
{
    (void)ctx;
    script_of(saga)->state = UNDONE;
    return answer(saga, '>', OK);
}

static int state_of(const struct saga *saga)
{
    return ((const struct script *)(const void *)saga)->state;
}

static const struct saga_step STEPS[] = {
    {"a", act_a, undo_a, BEGUN, 300},
    {"b", act_b, undo_b, HELD, 300},
    {"c", act_c, NULL, PAID, 300},
    {0},
};

static const struct saga_ops OPS = {
    .steps = STEPS,
    .state = state_of,
    .begin_undo = begin_undo,
    .end_undo = end_undo,
    .undoing_state = UNDOING,
    .first_final_state = PLACED,
    .last_final_state = UNDONE,
};

static const struct {
    const char *label;
    int state;
    enum answer act[3], undo[3], begin_undo;
    enum saga_outcome outcome;
    const char *calls;
    int final_state;
} CASES[] = {
    {"all goes well", BEGUN, {OK, OK, OK}, {OK}, OK, SAGA_FINISHED, "abc", PLACED},
    {"taken up in the middle", HELD, {OK, OK, OK}, {OK}, OK, SAGA_FINISHED, "bc", PLACED},
    {"taken up before the pivot", PAID, {OK, OK, OK}, {OK}, OK, SAGA_FINISHED, "c", PLACED},
    {"nothing is left to do", PLACED, {OK, OK, OK}, {OK}, OK, SAGA_FINISHED, "", PLACED},
    {"the first is refused", BEGUN, {REFUSED}, {OK}, OK, SAGA_FINISHED, "a<A>", UNDONE},
    {"the second is refused", BEGUN, {OK, REFUSED}, {OK}, OK, SAGA_FINISHED, "ab<BA>", UNDONE},
    {"the pivot is refused", BEGUN, {OK, OK, REFUSED}, {OK}, OK, SAGA_FINISHED, "abc<BA>", UNDONE},
    {"a step cancels by itself",
     BEGUN,
     {OK, UNDOES_ITSELF},
     {OK},
     OK,
     SAGA_FINISHED,
     "abBA>",
     UNDONE},
    {"a step waits", BEGUN, {OK, WAITS}, {OK}, OK, SAGA_WAITING, "ab", HELD},
    {"a step does not answer", BEGUN, {OK, UNAVAILABLE}, {OK}, OK, SAGA_WAITING, "abbb", HELD},
    {"the pivot does not answer", PAID, {OK, OK, UNAVAILABLE}, {OK}, OK, SAGA_WAITING, "ccc", PAID},
    {"another has it", BEGUN, {OK, FENCED}, {OK}, OK, SAGA_LOST, "ab", HELD},
    {"another has it when undoing begins",
     BEGUN,
     {REFUSED},
     {OK},
     FENCED,
     SAGA_LOST,
     "a<",
     UNDOING},
    {"undoing is taken up", UNDOING, {OK}, {OK, OK}, OK, SAGA_FINISHED, "BA>", UNDONE},
    {"undoing waits", UNDOING, {OK}, {OK, WAITS}, OK, SAGA_WAITING, "B", UNDOING},
    {"undoing is not answered",
     UNDOING,
     {OK},
     {UNAVAILABLE, OK},
     OK,
     SAGA_WAITING,
     "BAAA",
     UNDOING},
    {"undoing is lost", UNDOING, {OK}, {OK, FENCED}, OK, SAGA_LOST, "B", UNDOING},
    {"all was undone", UNDONE, {OK}, {OK}, OK, SAGA_FINISHED, "", UNDONE},
};

START_TEST(a_refusal_undoes_what_ran_and_nothing_else_does)
{
    struct ctx *ctx = begin_ctx();
    struct script script = {.saga = {.ops = &OPS}, .state = CASES[_i].state};
    memcpy(script.act, CASES[_i].act, sizeof script.act);
    memcpy(script.undo, CASES[_i].undo, sizeof script.undo);
    script.begin_undo = CASES[_i].begin_undo;

    enum saga_outcome outcome = saga_run(ctx, &script.saga);

    ck_assert_str_eq(script.calls, CASES[_i].calls);
    ck_assert_int_eq(outcome, CASES[_i].outcome);
    ck_assert_int_eq(script.state, CASES[_i].final_state);
    end_ctx();
}
END_TEST

START_TEST(a_wait_says_how_long)
{
    struct ctx *ctx = begin_ctx();
    struct script script = {.saga = {.ops = &OPS}, .state = BEGUN, .act = {WAITS}};

    ck_assert_int_eq(saga_run(ctx, &script.saga), SAGA_WAITING);
    ck_assert_int_eq(script.saga.wait_ms, 777);
    script.act[0] = OK;
    ck_assert_int_eq(saga_run(ctx, &script.saga), SAGA_FINISHED);
    ck_assert_str_eq(script.calls, "aabc");
    end_ctx();
}
END_TEST

START_TEST(a_slow_step_is_tried_again_with_more_time_each)
{
    struct ctx *ctx = begin_ctx();
    struct script script = {
        .saga = {.ops = &OPS}, .state = BEGUN, .act = {STUMBLES}, .stumbles = 2};
    ctx->deadline_us = clock_monotonic_us() + 60 * 1000000;
    const int64_t deadline_us = ctx->deadline_us;

    ck_assert_int_eq(saga_run(ctx, &script.saga), SAGA_FINISHED);

    ck_assert_str_eq(script.calls, "aaabc");
    for (size_t i = 0; i < script.tries; i++)
        ck_assert_int_le(script.limits_ms[i], 300 << i);
    ck_assert_int_eq(ctx->deadline_us, deadline_us); // the whole budget is as it was
    end_ctx();
}
END_TEST

START_TEST(no_step_is_tried_again_when_the_budget_is_over)
{
    struct ctx *ctx = begin_ctx();
    struct script script = {.saga = {.ops = &OPS}, .state = BEGUN, .act = {UNAVAILABLE}};
    ctx->deadline_us = clock_monotonic_us() - 1;

    ck_assert_int_eq(saga_run(ctx, &script.saga), SAGA_WAITING);
    ck_assert_str_eq(script.calls, "a");
    end_ctx();
}
END_TEST

TCase *saga_case(void)
{
    TCase *saga = tcase_create("saga");

    tcase_add_loop_test(saga, a_refusal_undoes_what_ran_and_nothing_else_does, 0, ARRAY_LEN(CASES));
    tcase_add_test(saga, a_wait_says_how_long);
    tcase_add_test(saga, a_slow_step_is_tried_again_with_more_time_each);
    tcase_add_test(saga, no_step_is_tried_again_when_the_budget_is_over);
    return saga;
}
