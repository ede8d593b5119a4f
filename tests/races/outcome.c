/* outcome.c - what is left when a race is over. */
#include "outcome.h"

#include "common/clock.h"
#include "common/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_US = 30 * 1000 * 1000, POLL_US = 50 * 1000 };

static int64_t begun_us;

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

struct book book_until(const char *checkout_id, int64_t kept_minor)
{
    int64_t deadline_us = clock_monotonic_us() + WAIT_US;
    for (;;) {
        struct book book = book_of(checkout_id);
        if ((book.held == 0 && book.captured - book.refunded == kept_minor) ||
            clock_monotonic_us() > deadline_us)
            return book;
        usleep(POLL_US);
    }
}

/* The last value of NAME in the environment of the daemon. */
static const char *setting_of(const char *daemon, const char *name)
{
    const char *path = arena_printf(arena, "%s/env/%s.env", shop_setting("TORG_SHOP_VAR"), daemon);
    char line[1024];
    const size_t length = strlen(name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "cannot read %s", path);
    const char *value = NULL;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, name, length) == 0 && line[length] == '=')
            value = arena_strdup(arena, line + length + 1);
    }
    fclose(file);
    ck_assert_msg(value != NULL, "no %s in %s", name, path);
    return value;
}

void out_of_time(const char *checkout_id)
{
    const char *command = arena_printf(
        arena,
        "psql -qX -v ON_ERROR_STOP=1 '%s' -c \"UPDATE orders.checkout SET deadline = now(),"
        " wake_time = now() WHERE id = '%s' AND is_live\"",
        setting_of("order", "ORDER_DATABASE_URL"), checkout_id);
    ck_assert_msg(system(command) == 0, "psql could not end the time of %s", checkout_id);
}

/* What the checker says beside what holds. */
static const char *findings_of(const char *path)
{
    struct buffer text;
    char line[1024];
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "cannot read %s", path);
    buffer_init(&text, arena, sizeof line);
    while (fgets(line, sizeof line, file))
        if (!strstr(line, " 0 broken  ok\n"))
            buffer_append(&text, line, strlen(line));
    buffer_append(&text, "", 1);
    fclose(file);
    return text.data;
}

void race_begins(void)
{
    begun_us = clock_monotonic_us();
}

/* Of what has happened since the race began: what others left behind is not its fault. */
void then_invariants_hold(void)
{
    const int64_t window_s = (clock_monotonic_us() - begun_us) / 1000000 + 1;
    const char *var = shop_setting("TORG_SHOP_VAR");
    const char *log = arena_printf(arena, "%s/log/invariants.log", var);
    const char *command = arena_printf(
        arena, "TORG_VAR='%s' '%s/tests/invariants' --window %" PRId64 "s --quiet %d >'%s' 2>&1",
        var, shop_setting("TORG_ROOT"), window_s, WAIT_US / 1000000, log);
    ck_assert_msg(system(command) == 0, "%s: %.3000s", log, findings_of(log));
}
