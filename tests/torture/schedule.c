/* schedule.c - what breaks when. The seed decides the order of the faults, what they hit, how long
 * and what else breaks at the same time; how long healing takes decides when the next round begins.
 *
 * First every kind once, in an order of chance, then by weight. */
#include "torture.h"

#include "common/str.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KINDS_MAX = 160, FAULT_ROWS_MAX = 64, WELL_MS = 120000, POLL_US = 300000 };

struct kind {
    const struct fault *fault;
    const char *target; /* NULL: any of the fault's */
};

static size_t count_targets(const struct fault *fault)
{
    size_t count = 0;

    while (fault->targets[count] != NULL)
        count++;
    return count;
}

static bool is_of_process(const struct fault *fault) /* it ends, or does not answer */
{
    return fault->victim == OF_REPLICA || fault->victim == OF_SERVER || fault->victim == OF_VOLUME;
}

/* For pairs the first of them stands for both. */
static size_t list_kinds(struct kind kinds[KINDS_MAX])
{
    size_t count = 0;

    for (const struct fault *fault = FAULTS; fault->name != NULL; fault++) {
        if (!fault_is_possible(fault))
            continue;
        const bool is_each = is_of_process(fault);
        const size_t step = fault->victim == OF_REPLICA ? 2 : 1;
        for (size_t i = 0; i < (is_each ? count_targets(fault) : 1); i += step) {
            assert(count < KINDS_MAX);
            kinds[count++] = (struct kind){fault, is_each ? fault->targets[i] : NULL};
        }
    }
    return count;
}

/* A target of that kind: itself or its replica, or any. */
static const char *choose_target(struct dice *dice, struct kind kind)
{
    const char *const *targets = kind.fault->targets;

    if (kind.target == NULL)
        return targets[dice_roll(dice, (int64_t)count_targets(kind.fault))];
    if (kind.fault->victim != OF_REPLICA || dice_chance(dice, 50))
        return kind.target;
    while (*targets != kind.target)
        targets++;
    return targets[1];
}

static struct kind draw(struct dice *dice)
{
    int64_t sum = 0;

    for (const struct fault *fault = FAULTS; fault->name != NULL; fault++)
        sum += fault_is_possible(fault) ? fault->weight : 0;
    int64_t roll = dice_roll(dice, sum);
    for (const struct fault *fault = FAULTS; fault->name != NULL; fault++) {
        roll -= fault_is_possible(fault) ? fault->weight : 0;
        if (roll >= 0)
            continue;
        size_t pairs = count_targets(fault) / 2;
        return (struct kind){fault,
                             fault->victim == OF_REPLICA
                                 ? fault->targets[2 * (size_t)dice_roll(dice, (int64_t)pairs)]
                                 : NULL};
    }
    assert(false && "a roll beyond the weights");
    return (struct kind){0};
}

static void shuffle(struct dice *dice, struct kind *kinds, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)dice_roll(dice, (int64_t)i);
        struct kind kept = kinds[i - 1];
        kinds[i - 1] = kinds[other];
        kinds[other] = kept;
    }
}

static bool is_of_server(const struct fault *fault)
{
    return fault->victim == OF_SERVER || fault->victim == OF_VOLUME ||
           fault->victim == OF_CONNECTION;
}

/* The shop is promised to survive the loss of one replica of each daemon, and of one server. */
static bool can_join(const struct strike *first, struct kind second)
{
    if (is_of_server(first->fault) && is_of_server(second.fault))
        return false;
    if (first->fault->victim == OF_PROVIDER && second.fault->victim == OF_PROVIDER)
        return false;
    return second.target == NULL
               ? second.fault->victim != OF_CALL || first->fault->victim != OF_REPLICA
               : !str_starts_with(first->target, second.target);
}

static void add_strike(struct dice *dice, struct round *round, struct kind kind)
{
    round->strikes[round->count++] = (struct strike){
        .fault = kind.fault,
        .target = choose_target(dice, kind),
        .offset_ms = round->count == 1 ? 0 : dice_between(dice, 0, 4000),
        .hold_ms =
            dice_between(dice, 1000 * kind.fault->hold_low_s, 1000 * kind.fault->hold_high_s),
    };
}

void schedule_make(struct schedule *schedule, uint64_t seed)
{
    struct dice dice = {seed};
    struct kind kinds[KINDS_MAX];
    size_t count = list_kinds(kinds), next = 0;

    shuffle(&dice, kinds, count);
    for (schedule->count = 0; schedule->count < ROUNDS_MAX; schedule->count++) {
        struct round *round = &schedule->rounds[schedule->count];
        *round = (struct round){.calm_ms = dice_between(&dice, 1000, 4000), .well_ms = -1};
        add_strike(&dice, round, next < count ? kinds[next++] : draw(&dice));
        if (!dice_chance(&dice, 50))
            continue;
        struct kind second = next < count ? kinds[next] : draw(&dice);
        if (!can_join(&round->strikes[0], second))
            continue;
        next += next < count;
        add_strike(&dice, round, second);
    }
}

/* "link {} delay 150" -> "link kafka delay 150" */
static void fill_in(char *text, size_t size, const char *form, const char *target)
{
    const char *place = strstr(form, "{}");

    if (place == NULL)
        (void)snprintf(text, size, "%s", form);
    else
        (void)snprintf(text, size, "%.*s%s%s", (int)(place - form), form, target, place + 2);
}

static void *run_strike(void *argument)
{
    struct strike *strike = argument;
    const bool is_held = is_of_process(strike->fault);
    char command[256];

    usleep((useconds_t)strike->offset_ms * 1000);
    if (is_held)
        process_hold(strike->target, true);
    fill_in(command, sizeof command, strike->fault->start, strike->target);
    history_note("fault", "%s", command);
    strike->begun_ms = history_now_ms();
    strike->has_failed = process_hand("%s", command) != 0;
    usleep((useconds_t)strike->hold_ms * 1000);
    if (strike->fault->heal != NULL) {
        fill_in(command, sizeof command, strike->fault->heal, strike->target);
        history_note("heal", "%s", command);
        strike->has_failed |= process_hand("%s", command) != 0;
    }
    strike->healed_ms = history_now_ms();
    if (is_held)
        process_hold(strike->target, false);
    if (strike->has_failed)
        history_note("fault", "hand could not do it: see log/hand.log");
    return NULL;
}

bool schedule_wait_well(int64_t limit_ms)
{
    const int64_t until_ms = history_now_ms() + limit_ms;

    while (!process_all_answer()) {
        if (history_now_ms() > until_ms)
            return false;
        usleep(POLL_US);
    }
    return true;
}

static void run_round(struct round *round)
{
    pthread_t threads[ROUND_FAULTS_MAX];

    for (int i = 0; i < round->count; i++)
        pthread_create(&threads[i], NULL, run_strike, &round->strikes[i]);
    for (int i = 0; i < round->count; i++)
        pthread_join(threads[i], NULL);
    if (schedule_wait_well(WELL_MS))
        round->well_ms = history_now_ms();
    else
        history_note("schedule", "not everything answers again");
}

void schedule_run(struct schedule *schedule, int64_t until_ms)
{
    while (schedule->done < schedule->count && history_now_ms() < until_ms) {
        struct round *round = &schedule->rounds[schedule->done++];

        run_round(round);
        usleep((useconds_t)round->calm_ms * 1000);
    }
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

struct effect {
    int count;
    int64_t gap_ms, sale_ms, well_ms;
};

static int64_t last_heal_ms(const struct round *round)
{
    int64_t last_ms = 0;

    for (int i = 0; i < round->count; i++)
        last_ms = larger(last_ms, round->strikes[i].healed_ms);
    return last_ms;
}

static void add_effect(struct effect *effect, const struct round *round,
                       const struct strike *strike)
{
    int64_t first_sale_ms = history_first_sale_after_ms(strike->healed_ms);

    effect->count++;
    effect->gap_ms =
        larger(effect->gap_ms, history_longest_gap_ms(strike->begun_ms, strike->healed_ms));
    if (first_sale_ms >= 0)
        effect->sale_ms = larger(effect->sale_ms, first_sale_ms - strike->healed_ms);
    if (round->well_ms >= 0)
        effect->well_ms = larger(effect->well_ms, round->well_ms - last_heal_ms(round));
}

static const char *const OF_WHAT[] = {
    [OF_REPLICA] = "one of two",          [OF_SERVER] = "a Redis",
    [OF_VOLUME] = "server's file system", [OF_CONNECTION] = "connection to a server",
    [OF_CALL] = "calls of a daemon",      [OF_PROVIDER] = "payment provider",
};

static struct effect effect_of(const struct schedule *schedule, const struct fault *fault)
{
    struct effect effect = {0};

    for (int i = 0; i < schedule->done; i++)
        for (int k = 0; k < schedule->rounds[i].count; k++)
            if (schedule->rounds[i].strikes[k].fault == fault)
                add_effect(&effect, &schedule->rounds[i], &schedule->rounds[i].strikes[k]);
    return effect;
}

void schedule_print_summary(const struct schedule *schedule)
{
    printf("# %-16s %-24s %5s  longest without  first sale   all well\n", "fault", "of", "times");
    printf("# %-16s %-24s %5s           a sale  after heal  after heal\n", "", "", "");
    for (const struct fault *fault = FAULTS; fault->name != NULL; fault++) {
        const struct effect effect = effect_of(schedule, fault);
        const bool is_named = fault->victim == OF_SERVER && fault->targets[1] == NULL;
        if (effect.count > 0)
            printf("#   %-14s %-24s %5d %14.1f s %9.1f s %9.1f s\n", fault->name,
                   is_named ? fault->targets[0] : OF_WHAT[fault->victim], effect.count,
                   (double)effect.gap_ms / 1000, (double)effect.sale_ms / 1000,
                   (double)effect.well_ms / 1000);
    }
}

static bool has_happened(const struct schedule *schedule, struct kind kind)
{
    for (int i = 0; i < schedule->done; i++)
        for (int k = 0; k < schedule->rounds[i].count; k++) {
            const struct strike *strike = &schedule->rounds[i].strikes[k];
            if (strike->fault == kind.fault && !strike->has_failed &&
                (kind.target == NULL || str_starts_with(strike->target, kind.target)))
                return true;
        }
    return false;
}

int schedule_print_missing(const struct schedule *schedule)
{
    struct kind kinds[KINDS_MAX];
    size_t count = list_kinds(kinds);
    int missing = 0;

    for (size_t i = 0; i < count; i++) {
        if (has_happened(schedule, kinds[i]))
            continue;
        printf("%s%s of %s", missing++ == 0 ? "# did not happen: " : ", ", kinds[i].fault->name,
               kinds[i].target ? kinds[i].target : OF_WHAT[kinds[i].fault->victim]);
    }
    for (const struct fault *fault = FAULTS; fault->name != NULL; fault++)
        if (!fault_is_possible(fault))
            printf("%s%s (not possible here)", missing == 0 ? "# did not happen: " : ", ",
                   fault->name);
    printf(missing == 0 ? "" : "\n");
    return missing;
}

int schedule_failures(const struct schedule *schedule)
{
    int failures = 0;

    for (int i = 0; i < schedule->done; i++) {
        failures += schedule->rounds[i].well_ms < 0;
        for (int k = 0; k < schedule->rounds[i].count; k++)
            failures += schedule->rounds[i].strikes[k].has_failed;
    }
    return failures;
}
