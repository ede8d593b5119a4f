/* crash.c - runs the crash cases against one shop, and prints TAP.
 *
 *   crash --list          what there is to run
 *   crash [--only PATTERN] [--action kill,error,delay] [--hits 1-3]
 *
 * A case arms its point, tells its story, sees that a daemon died there of SIGKILL, starts that
 * again, and looks at what the client was told. Whatever takes longer to come true is looked at
 * once all cases are over. The shop's daemons become children of this process, so that their ends
 * are seen. tests/crash/run sets the environment. */
#include "cases.h"
#include "tap.h"

#include "common/clock.h"
#include "common/compiler.h"

#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SOON_MS = 3000,   /* what a request does itself */
    WAIT_MS = 30000,  /* what happens behind it */
    ATTEMPTS_MAX = 6, /* stories for a later hit */
    LABEL_MAX = 120,
};

static const char *const ACTIONS[] = {"kill", "error", "delay"};

static struct {
    const char *only;
    bool actions[ARRAY_LEN(ACTIONS)];
    int first_hit, last_hit;
} wanted = {"*", {true, false, false}, 1, 1};

static struct {
    const struct crash_case *row;
    enum crash_action action;
    int hit;
    char label[LABEL_MAX];
} now; /* the case that is being run */

/* --- one case ---------------------------------------------------------------------------- */

static bool has_fired(int64_t wait_ms)
{
    int64_t deadline_us = clock_monotonic_us() + wait_ms * 1000;

    while (board_fired(now.row->daemon, now.row->point) == 0) {
        if (clock_monotonic_us() >= deadline_us)
            return false;
        usleep(5000);
    }
    return true;
}

/* Did this telling of the story bring somebody there, or is it time to tell it again? */
static bool has_come_by(int before)
{
    int64_t deadline_us = clock_monotonic_us() + SOON_MS * INT64_C(1000);

    while (board_countdown(now.row->daemon, now.row->point) == before &&
           clock_monotonic_us() < deadline_us)
        usleep(5000);
    return board_countdown(now.row->daemon, now.row->point) <= 0;
}

static bool is_instance(const char *instance, pid_t pid)
{
    const char *path =
        arena_printf(arena, "%s/run/%s.pid", shop_setting("TORG_SHOP_VAR"), instance);
    FILE *file = fopen(path, "r");
    long found = 0;

    if (file != NULL) {
        if (fscanf(file, "%ld", &found) != 1)
            found = 0;
        fclose(file);
    }
    return found == pid;
}

/* Unless the story itself restarted it. */
static void start_again(pid_t dead)
{
    const char *const names[] = {now.row->daemon, arena_printf(arena, "%s-2", now.row->daemon)};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (is_instance(names[i], dead))
            shop_script(arena_printf(arena, "restart %s", names[i]));
}

static void arm(void)
{
    struct crash_slot slot = {.action = (int)now.action};

    atomic_init(&slot.countdown, now.hit + (now.row->hit > 0 ? now.row->hit - 1 : 0));
    snprintf(slot.subject, sizeof slot.subject, "%s",
             strcmp(now.row->subject, "") == 0 ? "" : now.row->subject);
    board_arm(now.row->daemon, now.row->point, &slot);
}

START_TEST(the_sale_survives)
{
    const struct story *story = now.row->story;
    struct plot plot;

    later_case(now.label);
    for (int attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
        plot = (struct plot){.daemon = now.row->daemon};
        if (story->given != NULL)
            story->given(&plot);
        if (attempt == 1)
            arm();
        int before = board_countdown(now.row->daemon, now.row->point);
        story->when(&plot);
        if (now.hit == 1 || has_come_by(before))
            break;
        if (story->then != NULL)
            story->then(&plot);
    }
    ck_assert_msg(has_fired(WAIT_MS), "nobody came by this point within %d s", WAIT_MS / 1000);
    if (now.action == CRASH_KILL)
        start_again(board_fired(now.row->daemon, now.row->point));
    if (story->then != NULL)
        story->then(&plot);
}
END_TEST

static void add_case(TCase *tcase)
{
    tcase_add_test(tcase, the_sale_survives);
}

/* Of our own child, as every daemon of the shop is. */
static bool was_killed(pid_t pid)
{
    int64_t deadline_us = clock_monotonic_us() + SOON_MS * INT64_C(1000);
    int state = 0;

    while (clock_monotonic_us() < deadline_us) {
        pid_t ended = waitpid(pid, &state, WNOHANG);
        if (ended == pid)
            return WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL;
        if (ended < 0)
            return false;
        usleep(5000);
    }
    return false;
}

/* Whatever a failed case left behind. */
static void repair(void)
{
    board_clear(now.row->daemon);
    if (system(getenv("TORG_CRASH_UP")) != 0)
        printf("# the shop does not start again; see its log\n");
}

static void run_case(void)
{
    char why[4608];
    const char *said;
    int64_t begun_us = clock_monotonic_us();
    bool is_ok = tap_passes(add_case, false, &said);
    pid_t pid = board_fired(now.row->daemon, now.row->point);

    snprintf(why, sizeof why, "%s", said);
    if (is_ok && now.action == CRASH_KILL && !was_killed(pid)) {
        is_ok = false;
        snprintf(why, sizeof why, "process %d did not end by SIGKILL", (int)pid);
    }
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    int64_t ms = (clock_monotonic_us() - begun_us) / 1000;
    size_t length = strlen(now.label);
    snprintf(now.label + length, sizeof now.label - length, " (%d.%d s)", (int)(ms / 1000),
             (int)(ms / 100 % 10));
    if (!is_ok) {
        length = strlen(why);
        snprintf(why + length, sizeof why - length, "\nlogs: %s/log", getenv("TORG_SHOP_VAR"));
    }
    tap_report(is_ok, now.label, why);
    if (!is_ok)
        repair();
}

/* --- what is listed is what is run ------------------------------------------------------- */

/* "point subject": the list in the code. *at walks the subjects; a point may have none. */
static bool next_pair(enum crash_point point, const char **at, char *ret_pair)
{
    const char *subjects = CRASH_NAMES[point].subjects;

    if (*at != NULL && **at == '\0')
        return false;
    if (*at == NULL)
        *at = subjects;
    size_t length = strcspn(*at, " ");
    snprintf(ret_pair, LABEL_MAX, "%s%s%.*s", CRASH_NAMES[point].name, length > 0 ? " " : "",
             (int)length, *at);
    *at += length;
    *at += strspn(*at, " ");
    return true;
}

static bool is_pair(const struct crash_case *row, const char *pair)
{
    char own[LABEL_MAX];

    snprintf(own, sizeof own, "%s%s%s", CRASH_NAMES[row->point].name,
             *row->subject == '\0' ? "" : " ", row->subject);
    return strcmp(own, pair) == 0;
}

static void each_pair(void (*take)(const char *pair))
{
    char pair[LABEL_MAX];

    for (int point = 0; point < CRASH_POINTS; point++) {
        const char *at = NULL;
        while (next_pair((enum crash_point)point, &at, pair))
            take(pair);
    }
}

static void print_pair(const char *pair)
{
    puts(pair);
}

static int listed, missing, unlisted;

static void look_for_case(const char *pair)
{
    size_t i = 0;

    while (i < CASE_COUNT && !is_pair(&CASES[i], pair))
        i++;
    listed++;
    if (i == CASE_COUNT) {
        printf("# no case for %s\n", pair);
        missing++;
    }
}

static const struct crash_case *searched;
static bool is_found;

static void look_for_pair(const char *pair)
{
    is_found = is_found || is_pair(searched, pair);
}

static void compare_lists(void)
{
    char why[LABEL_MAX];

    each_pair(look_for_case);
    for (size_t i = 0; i < CASE_COUNT; i++) {
        searched = &CASES[i];
        is_found = false;
        each_pair(look_for_pair);
        unlisted += !is_found;
        if (!is_found)
            printf("# not in the code's list: %s %s\n", CRASH_NAMES[CASES[i].point].name,
                   CASES[i].subject);
    }
    snprintf(why, sizeof why, "%d listed, %d without a case, %d cases of none", listed, missing,
             unlisted);
    tap_report(missing == 0 && unlisted == 0, "every crash point of the code has its case", why);
}

/* Everybody calls, commits and runs scripts: of these the cases choose whom and what a death there
 * means something of its own for. */
static bool is_everywhere(enum crash_point point)
{
    return point == CRASH_RPC_UNSENT || point == CRASH_RPC_ANSWERED ||
           point == CRASH_TX_UNCOMMITTED || point == CRASH_TX_COMMITTED ||
           point == CRASH_SCRIPT_UNSENT || point == CRASH_SCRIPT_DONE;
}

static bool has_case(const char *daemon, enum crash_point point)
{
    for (size_t i = 0; i < CASE_COUNT; i++)
        if (CASES[i].point == point && strcmp(CASES[i].daemon, daemon) == 0)
            return true;
    return false;
}

/* The lists say what they say; the daemons' boards say where their code came by. */
static void compare_with_what_was_reached(void)
{
    char why[LABEL_MAX];
    const char *daemon;
    int reached = 0, overlooked = 0;

    for (size_t i = 0; (daemon = board_daemon(i)) != NULL; i++)
        for (int point = 0; point < CRASH_POINTS; point++) {
            if (!board_reached(daemon, (enum crash_point)point) || is_everywhere(point))
                continue;
            reached++;
            if (has_case(daemon, (enum crash_point)point))
                continue;
            printf("# %s comes by %s, and no case is about it\n", daemon, CRASH_NAMES[point].name);
            overlooked++;
        }
    snprintf(why, sizeof why, "%d points of a daemon reached, %d without a case", reached,
             overlooked);
    tap_report(overlooked == 0 && reached > 0, "whoever came by a crash point has a case there",
               why);
}

/* --- before and after -------------------------------------------------------------------- */

START_TEST(the_shop_opens)
{
    const char *folder = arena_printf(arena, "%s/crash", shop_setting("TORG_SHOP_VAR"));

    boards_create(folder);
    ck_assert_int_eq(system(shop_setting("TORG_CRASH_UP")), 0);
    stories_begin();
}
END_TEST

static void add_opening(TCase *tcase)
{
    tcase_add_test(tcase, the_shop_opens);
}

static size_t note;

START_TEST(it_came_true)
{
    then_later(note);
}
END_TEST

static void add_later(TCase *tcase)
{
    tcase_add_test(tcase, it_came_true);
}

START_TEST(nothing_is_held_or_missing)
{
    struct answer audit = expect(admin("GET", "/stock/audit", NULL), 200);
    const struct json_node *findings = node_at(audit, "findings");
    const struct json_node *intent =
        node_at(expect(simulator("/book", NULL), 200), "intents")->child;

    ck_assert_msg(findings == NULL || findings->child == NULL, "the audit found: %s", audit.text);
    for (; intent != NULL; intent = intent->next) {
        int64_t held = 0;
        ck_assert(json_to_int64(json_member(intent, "held"), &held));
        ck_assert_msg(held == 0, "the provider still holds %lld of checkout %s", (long long)held,
                      json_text(json_member(intent, "checkout_id")));
    }
}
END_TEST

static void add_ending(TCase *tcase)
{
    tcase_add_test(tcase, nothing_is_held_or_missing);
}

static void settle(void)
{
    const char *why;
    size_t count = later_count(), bad = 0;
    char label[LABEL_MAX];

    for (note = 0; note < count; note++)
        if (!tap_passes(add_later, false, &why)) {
            tap_report(false, later_label(note), why);
            bad++;
        }
    snprintf(label, sizeof label, "%zu things that were to become true did", count - bad);
    bool is_all = strcmp(wanted.only, "*") == 0; // some cases leave nothing to wait for
    tap_report(bad == 0 && (count > 0 || !is_all), label, NULL);
    bool is_ok = tap_passes(add_ending, false, &why);
    tap_report(is_ok, "the stock adds up, and no money is held for nothing", why);
}

/* --- main -------------------------------------------------------------------------------- */

static bool parse(int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--list") == 0) {
            each_pair(print_pair);
            return false;
        }
        if (value == NULL)
            return false;
        if (strcmp(argv[i], "--only") == 0)
            wanted.only = value;
        else if (strcmp(argv[i], "--action") == 0)
            for (size_t k = 0; k < ARRAY_LEN(ACTIONS); k++)
                wanted.actions[k] = strstr(value, ACTIONS[k]) != NULL;
        else if (strcmp(argv[i], "--hits") != 0 ||
                 sscanf(value, "%d-%d", &wanted.first_hit, &wanted.last_hit) < 1)
            return false;
    }
    if (wanted.last_hit < wanted.first_hit)
        wanted.last_hit = wanted.first_hit;
    return true;
}

static void run_cases(void)
{
    for (int hit = wanted.first_hit; hit <= wanted.last_hit; hit++)
        for (size_t action = 0; action < ARRAY_LEN(ACTIONS); action++)
            for (size_t i = 0; wanted.actions[action] && i < CASE_COUNT; i++) {
                now.row = &CASES[i];
                now.action = (enum crash_action)action;
                now.hit = hit;
                snprintf(now.label, sizeof now.label, "%s%s%s%s of %s, %s at hit %d",
                         CRASH_NAMES[now.row->point].name, *now.row->subject == '\0' ? "" : " ",
                         now.row->subject, now.row->hit > 1 ? " again" : "", now.row->daemon,
                         ACTIONS[action], hit);
                if (fnmatch(wanted.only, now.label, 0) == 0)
                    run_case();
            }
}

int main(int argc, char **argv)
{
    const char *why;

    if (!parse(argc, argv))
        return argc > 1 && strcmp(argv[1], "--list") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGPIPE, SIG_IGN);
    compare_lists();
    if (!tap_passes(add_opening, true, &why)) {
        tap_report(false, "the shop opens", why);
        return EXIT_FAILURE;
    }
    run_cases();
    settle();
    compare_with_what_was_reached();
    return tap_end();
}
