/* outcomes.c - whatever the payment provider does, and whatever the buyer does meanwhile: one end,
 * and the same money in both books.
 *
 * Each script of the provider's simulator meets each behaviour of buyer and webhook. A case has an
 * amount of its own, which its script is for, so the cases of one behaviour run side by side. */
#include "client.h"
#include "tap.h"

#include "common/clock.h"
#include "common/compiler.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 100000,
    AT_ONCE = 8,
    FIRST_TENDER = 1000,
    NAME_LENGTH = 80,
    ARRIVAL_LOOKS = 200,
    ANSWER_MAX = 1 << 18,
    LATE_MS = 1500, /* longer than the shop waits for the provider */
};

enum end {
    PAID,     /* an order, and its money */
    DECLINED, /* no order, nothing held */
    FAILED,   /* an order whose money did not come, or none: nothing held */
    AT_BANK,  /* as the buyer decides there; one who never comes back has bought nothing */
    RETURNED, /* paid, cancelled, given back */
};

struct script {
    const char *operation, *behaviour;
    enum end end;
    int64_t delay_ms;
};

static const struct script SCRIPTS[] = {
    {"create", "error_before", DECLINED, 0}, // a 500 is replayed for its key: given up in the end
    {"none", "none", PAID, 0},
    {"create", "decline", DECLINED, 0},
    {"create", "action", AT_BANK, 0},
    {"create", "delay", PAID, 400},
    {"create", "timeout_before", PAID, LATE_MS},
    {"create", "timeout_after", PAID, LATE_MS},
    {"create", "error_after", PAID, 0},
    {"create", "unavailable", PAID, 0},
    {"create", "conflict", PAID, 0},
    {"create", "limit", PAID, 0},
    {"search", "miss", PAID, 0}, // after a create whose answer was late
    {"retrieve", "unavailable", AT_BANK, 0},
    {"retrieve", "timeout_after", AT_BANK, LATE_MS},
    {"capture", "decline", FAILED, 0},
    {"capture", "delay", PAID, 400},
    {"capture", "timeout_before", PAID, LATE_MS},
    {"capture", "timeout_after", PAID, LATE_MS},
    {"capture", "error_before", PAID, 0},
    {"capture", "error_after", PAID, 0},
    {"capture", "unavailable", PAID, 0},
    {"capture", "conflict", PAID, 0},
    {"capture", "limit", PAID, 0},
    {"cancel", "timeout_after", DECLINED, LATE_MS},
    {"cancel", "error_after", DECLINED, 0},
    {"cancel", "unavailable", DECLINED, 0},
    {"cancel", "conflict", DECLINED, 0},
    {"refund", "timeout_after", RETURNED, LATE_MS},
    {"refund", "error_after", RETURNED, 0},
    {"refund", "unavailable", RETURNED, 0},
};

enum manner { WAITS, LEAVES, RETRIES, WEBHOOK_FIRST, WEBHOOK_NEVER };

static const struct {
    const char *name;
    const char *webhooks; /* how the simulator sends them */
} MANNERS[] = {
    [WAITS] = {"browser waits", "copies=1"},
    [LEAVES] = {"browser leaves", "copies=1"},
    [RETRIES] = {"browser retries", "copies=1"},
    [WEBHOOK_FIRST] = {"webhook first", "copies=1&answer_delay_ms=300"},
    [WEBHOOK_NEVER] = {"webhook never", "copies=0"},
};

struct purchase {
    const struct script *script;
    enum manner manner;
    const char *cart, *key, *tenders, *checkout;
    int64_t total, amount;
};

static char variant_id[NAME_LENGTH];
static struct purchase now; /* of this process */

/* --- a purchase -------------------------------------------------------------------------- */

static bool is_of(const struct purchase *purchase, const char *operation)
{
    return strcmp(purchase->script->operation, operation) == 0;
}

static void script(const char *operation, const char *behaviour, const struct purchase *purchase)
{
    const char *form = arena_printf(
        arena, "operation=%s&behaviour=%s&count=1&delay_ms=%" PRId64 "&amount=%" PRId64, operation,
        behaviour, purchase->script->delay_ms, purchase->amount);
    expect(simulator("/script", form), 200);
}

static void given_a_purchase(struct purchase *purchase, int64_t quantity)
{
    const char *method =
        purchase->script->end == AT_BANK ? "pm_card_authenticationRequired" : "pm_card_visa";

    purchase->cart = given_cart((struct item){.variant_id = variant_id}, quantity);
    purchase->total = purchase->amount = total_of(purchase->cart);
    purchase->key = new_key();
    purchase->tenders =
        arena_printf(arena, "{\"providerAccount\":\"stripe\",\"paymentMethod\":\"%s\"}", method);
    if (is_of(purchase, "cancel")) { // one card is held, and given back when the other is declined
        purchase->amount = FIRST_TENDER + quantity;
        purchase->tenders =
            arena_printf(arena,
                         "{\"providerAccount\":\"stripe\",\"paymentMethod\":\"pm_card_visa\","
                         "\"amountMinor\":\"%" PRId64 "\"},{\"providerAccount\":\"stripe\","
                         "\"paymentMethod\":\"pm_card_chargeDeclined\"}",
                         purchase->amount);
    }
    if (is_of(purchase, "search"))
        expect(simulator("/script", arena_printf(arena,
                                                 "operation=create&behaviour=timeout_after&count=1"
                                                 "&delay_ms=%d&amount=%" PRId64,
                                                 LATE_MS, purchase->amount)),
               200);
    if (!is_of(purchase, "none"))
        script(purchase->script->operation, purchase->script->behaviour, purchase);
}

static struct answer check_out(const void *what)
{
    const struct purchase *purchase = what;
    return when_tendering(purchase->cart, purchase->total, purchase->tenders, purchase->key);
}

/* By order's own word: who left knows no checkout. */
static struct answer checkout_of(const struct purchase *purchase)
{
    char *text = arena_alloc(arena, ANSWER_MAX);
    const char *call = arena_printf(arena, "%s/GetCheckout '{\"cartId\":\"%s\"}' 2>/dev/null",
                                    shop_setting("TORG_CRASH_CALL_ORDER"), purchase->cart);
    FILE *pipe = popen(call, "r");
    struct answer answer = {.text = text};

    ck_assert_ptr_nonnull(pipe);
    text[fread(text, 1, ANSWER_MAX - 1, pipe)] = '\0';
    answer.status = pclose(pipe) == 0 ? 200 : 404;
    if (json_parse(arena, text, strlen(text), &answer.body).code != STATUS_OK)
        answer.body = NULL;
    return answer;
}

/* Another process sends the request, and is gone as soon as the request has arrived. */
static void send_and_leave(const struct purchase *purchase)
{
    pid_t pid = fork();

    if (pid == 0) {
        shop_forked();
        (void)check_out(purchase);
        _exit(0);
    }
    for (int i = 0; i < ARRIVAL_LOOKS && checkout_of(purchase).status != 200; i++)
        usleep(10 * 1000);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static struct answer until_it_ends(const struct purchase *purchase)
{
    int64_t deadline_us = clock_monotonic_us() + PATIENCE_MS * INT64_C(1000);

    for (;;) {
        struct answer answer = checkout_of(purchase);
        const struct json_node *state = answer.body ? node_at(answer, "checkout.state") : NULL;
        const char *name = state == NULL ? NULL : state->text;
        if (name != NULL && (strcmp(name, "CHECKOUT_STATE_PLACED") == 0 ||
                             strcmp(name, "CHECKOUT_STATE_CANCELLED") == 0))
            return answer;
        ck_assert_msg(clock_monotonic_us() < deadline_us, "the checkout did not end: %s",
                      answer.text);
        usleep(250 * 1000);
    }
}

static void confirm_at_the_bank(const struct purchase *purchase)
{
    struct answer found = checkout_of(purchase);
    expect(simulator("/complete", arena_printf(arena, "checkout_id=%s&outcome=succeed",
                                               text_at(found, "checkout.id"))),
           200);
}

static void when_bought(struct purchase *purchase)
{
    bool is_at_bank = purchase->script->end == AT_BANK;

    if (purchase->manner == LEAVES) {
        send_and_leave(purchase);
        return; // and never goes to the bank
    }
    if (purchase->manner == RETRIES)
        for (int i = 0; i < 3; i++)
            send_and_leave(purchase);
    if (is_at_bank) {
        struct answer waiting = check_out(purchase);
        for (int i = 0; i < 200 && node_at(waiting, "clientSecret") == NULL; i++) {
            usleep(100 * 1000);
            waiting = check_out(purchase);
        }
        confirm_at_the_bank(purchase);
    }
    if (purchase->manner == RETRIES || (purchase->manner == WEBHOOK_NEVER && is_at_bank))
        (void)insist(check_out, purchase); // comes back from the bank
    else if (!is_at_bank)
        (void)check_out(purchase);
}

/* --- what must be true then -------------------------------------------------------------- */

struct book {
    int64_t held, captured, refunded;
};

static struct book book_of(const char *checkout_id)
{
    struct book sum = {0};
    const struct json_node *node = node_at(expect(simulator("/book", NULL), 200), "intents");

    for (node = node ? node->child : NULL; node != NULL; node = node->next) {
        int64_t held = 0, captured = 0, refunded = 0;
        const char *id = json_text(json_member(node, "checkout_id"));
        if (id == NULL || strcmp(id, checkout_id) != 0)
            continue;
        ck_assert(json_to_int64(json_member(node, "held"), &held));
        ck_assert(json_to_int64(json_member(node, "captured"), &captured));
        ck_assert(json_to_int64(json_member(node, "refunded"), &refunded));
        sum = (struct book){sum.held + held, sum.captured + captured, sum.refunded + refunded};
    }
    return sum;
}

static struct book ledger_of(struct answer order)
{
    struct book sum = {0};

    for (int i = 0; node_at(order, arena_printf(arena, "order.payments.%d", i)) != NULL; i++) {
        const char *at = arena_printf(arena, "order.payments.%d", i);
        int64_t authorized = int_at(order, arena_printf(arena, "%s.authorized.minorUnits", at));
        int64_t captured = int_at(order, arena_printf(arena, "%s.captured.minorUnits", at));
        sum.captured += captured;
        sum.refunded += int_at(order, arena_printf(arena, "%s.refunded.minorUnits", at));
        sum.held += authorized - captured;
    }
    return sum;
}

/* Both books say what was to be, within the time that a provider may take. */
static void then_books_agree(const char *checkout_id, const char *order_id, struct book wanted_book)
{
    int64_t deadline_us = clock_monotonic_us() + PATIENCE_MS * INT64_C(1000);

    for (;;) {
        struct book book = book_of(checkout_id), ledger = wanted_book;
        if (order_id != NULL)
            ledger = ledger_of(
                expect(admin("GET", arena_printf(arena, "/orders/%s", order_id), NULL), 200));
        bool is_equal = book.captured == wanted_book.captured && book.held == wanted_book.held &&
                        book.refunded == wanted_book.refunded && ledger.captured == book.captured &&
                        ledger.refunded == book.refunded;
        if (is_equal)
            return;
        ck_assert_msg(clock_monotonic_us() < deadline_us,
                      "checkout %s: provider held %" PRId64 " captured %" PRId64
                      " refunded %" PRId64 ", ledger captured %" PRId64 " refunded %" PRId64
                      ", wanted %" PRId64 " %" PRId64 " %" PRId64,
                      checkout_id, book.held, book.captured, book.refunded, ledger.captured,
                      ledger.refunded, wanted_book.held, wanted_book.captured,
                      wanted_book.refunded);
        usleep(250 * 1000);
    }
}

static struct answer cancel_order(const void *what)
{
    return admin("POST", arena_printf(arena, "/orders/%s/cancel", (const char *)what),
                 "{\"reason\":\"returned\"}");
}

static void then_ended_well(const struct purchase *purchase)
{
    struct answer ended = until_it_ends(purchase);
    bool is_placed = strcmp(text_at(ended, "checkout.state"), "CHECKOUT_STATE_PLACED") == 0;
    const char *checkout = text_at(ended, "checkout.id");
    const char *order = is_placed ? text_at(ended, "checkout.orderId") : NULL;
    enum end end = purchase->script->end;
    struct book wanted_book = {0};

    if (end == AT_BANK)
        end = purchase->manner == LEAVES ? DECLINED : PAID;
    ck_assert_msg(is_placed == (end == PAID || end == FAILED || end == RETURNED),
                  "the checkout ended as %s: %s", text_at(ended, "checkout.state"), ended.text);
    if (end == PAID || end == RETURNED) {
        wanted_book.captured = purchase->total;
        then_books_agree(checkout, order, wanted_book);
    }
    if (end == RETURNED) {
        expect(insist(cancel_order, order), 200);
        wanted_book.refunded = purchase->total;
    }
    then_books_agree(checkout, order, wanted_book);
}

/* --- all of them ------------------------------------------------------------------------- */

START_TEST(both_books_agree)
{
    // a quantity of its own is a total of its own
    given_a_purchase(&now, 1 + (int64_t)(now.script - SCRIPTS));

    when_bought(&now);

    then_ended_well(&now);
}
END_TEST

static void add_outcome(TCase *tcase)
{
    tcase_add_test(tcase, both_books_agree);
}

START_TEST(something_is_on_sale)
{
    snprintf(variant_id, sizeof variant_id, "%s", given_item(1000, 100000).variant_id);
}
END_TEST

static void add_opening(TCase *tcase)
{
    tcase_add_test(tcase, something_is_on_sale);
}

static char next_webhooks[NAME_LENGTH];

START_TEST(webhooks_are_sent_so)
{
    expect(simulator("/webhooks", next_webhooks), 200);
}
END_TEST

static void add_webhooks(TCase *tcase)
{
    tcase_add_test(tcase, webhooks_are_sent_so);
}

struct running {
    pid_t pid;
    FILE *said; /* why it failed */
    size_t script;
};

static void start(struct running *running, size_t script, enum manner manner)
{
    const char *why;

    *running = (struct running){.said = tmpfile(), .script = script};
    running->pid = fork();
    if (running->pid != 0)
        return;
    now = (struct purchase){.script = &SCRIPTS[script], .manner = manner};
    bool is_ok = tap_passes(add_outcome, false, &why);
    fputs(why, running->said);
    fflush(running->said);
    _exit(is_ok ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void finish(struct running *running, enum manner manner)
{
    char label[2 * NAME_LENGTH], why[4096] = "";
    const struct script *row = &SCRIPTS[running->script];
    int state = 0;

    waitpid(running->pid, &state, 0);
    rewind(running->said);
    why[fread(why, 1, sizeof why - 1, running->said)] = '\0';
    fclose(running->said);
    snprintf(label, sizeof label, "provider: %s %s, %s", row->operation, row->behaviour,
             MANNERS[manner].name);
    tap_report(WIFEXITED(state) && WEXITSTATUS(state) == EXIT_SUCCESS, label, why);
    *running = (struct running){0};
}

static void run_manner(enum manner manner, const char *only)
{
    struct running running[AT_ONCE] = {0};
    size_t slot = 0;
    const char *why;

    snprintf(next_webhooks, sizeof next_webhooks, "%s", MANNERS[manner].webhooks);
    if (!tap_passes(add_webhooks, true, &why))
        tap_report(false, MANNERS[manner].name, why);
    for (size_t i = 0; i < ARRAY_LEN(SCRIPTS); i++) {
        char name[NAME_LENGTH];
        snprintf(name, sizeof name, "%s %s", SCRIPTS[i].operation, SCRIPTS[i].behaviour);
        if (fnmatch(only, name, 0) != 0)
            continue;
        // the first is the slowest: it keeps its place
        slot = slot + 1 < AT_ONCE ? slot + 1 : 1;
        slot = i == 0 ? 0 : slot;
        if (running[slot].pid != 0)
            finish(&running[slot], manner);
        start(&running[slot], i, manner);
    }
    for (size_t i = 0; i < AT_ONCE; i++)
        if (running[i].pid != 0)
            finish(&running[i], manner);
}

int main(int argc, char **argv)
{
    const char *why;

    if (!tap_passes(add_opening, true, &why)) {
        tap_report(false, "something is on sale", why);
        return tap_end();
    }
    for (size_t manner = 0; manner < ARRAY_LEN(MANNERS); manner++)
        run_manner((enum manner)manner, argc > 1 ? argv[1] : "*");
    return tap_end();
}
