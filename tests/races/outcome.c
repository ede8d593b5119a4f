/* outcome.c - what is left when a race is over. */
#include "outcome.h"

#include "common/clock.h"
#include "common/str.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_US = 30 * 1000 * 1000, POLL_US = 50 * 1000 };

struct answer ended(const char *checkout_id)
{
    const char *path = arena_printf(arena, "/checkouts/%s", checkout_id);
    int64_t deadline_us = clock_monotonic_us() + WAIT_US;
    for (;;) {
        struct answer answer = store("GET", path, NULL, NULL);
        if (answer.status != 202)
            return answer;
        ck_assert_msg(clock_monotonic_us() < deadline_us, "checkout %s did not end: %s",
                      checkout_id, answer.text);
        usleep(POLL_US);
    }
}

struct answer followed(struct answer answer)
{
    return answer.status == 202 ? ended(text_at(answer, "id")) : answer;
}

static int64_t number_of(const struct json_node *node, const char *name)
{
    int64_t value = 0;
    const struct json_node *member = json_member(node, name);
    if (member != NULL && member->text != NULL)
        ck_assert(str_to_int64(member->text, &value));
    return value;
}

struct stock stock_of(struct item item)
{
    struct stock sum = {0};
    struct answer answer = expect(
        admin("GET", arena_printf(arena, "/stock-levels?stock_item_id=%s", item.variant_id), NULL),
        200);
    const struct json_node *level = node_at(answer, "levels");
    for (level = level ? level->child : NULL; level != NULL; level = level->next) {
        ck_assert_msg(number_of(level, "available") >= 0 && number_of(level, "reserved") >= 0 &&
                          number_of(level, "allocated") >= 0,
                      "stock below nothing: %s", answer.text);
        sum.available += number_of(level, "available");
        sum.reserved += number_of(level, "reserved");
        sum.allocated += number_of(level, "allocated");
    }
    return sum;
}

void then_stock_settles(struct item item, struct stock wanted)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_US;
    for (;;) {
        struct stock now = stock_of(item);
        if (now.available == wanted.available && now.reserved == wanted.reserved &&
            now.allocated == wanted.allocated)
            return;
        ck_assert_msg(clock_monotonic_us() < deadline_us,
                      "stock of %s: available %" PRId64 ", reserved %" PRId64 ", allocated %" PRId64
                      "; wanted %" PRId64 ", %" PRId64 ", %" PRId64,
                      item.variant_id, now.available, now.reserved, now.allocated, wanted.available,
                      wanted.reserved, wanted.allocated);
        usleep(POLL_US);
    }
}

struct book book_of(const char *checkout_id)
{
    struct book book = {0};
    const struct json_node *intent = node_at(expect(simulator("/book", NULL), 200), "intents");
    for (intent = intent ? intent->child : NULL; intent != NULL; intent = intent->next) {
        if (!str_equal(json_text(json_member(intent, "checkout_id")), checkout_id))
            continue;
        book.intents++;
        book.held += number_of(intent, "held");
        book.captured += number_of(intent, "captured");
        book.refunded += number_of(intent, "refunded");
    }
    return book;
}

void then_invariants_hold(void)
{
    then_ledger_agrees();
}
