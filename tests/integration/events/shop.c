/* shop.c - the daemon of these tests. */
#include "shop.h"

#include "common/v1/money.pb-c.h"
#include "common/v1/money.schema.h"
#include "events/consumer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct db_migration MIGRATIONS[] = {
    {"0001_effect",
     "CREATE TABLE {schema}.effect (id bigint GENERATED ALWAYS AS IDENTITY, event_id uuid NOT NULL,"
     " key uuid NOT NULL, sequence bigint NOT NULL, number bigint NOT NULL, pid bigint NOT NULL,"
     " correlation text, causation text);"
     "CREATE TABLE {schema}.broken (currency text PRIMARY KEY);"
     "GRANT SELECT, INSERT ON {schema}.effect TO {app};"
     "GRANT SELECT ON {schema}.broken TO {app};"},
    {0},
};

static const struct db_stmt ADD_EFFECT = {
    .name = "add_effect",
    .in = "uuiiitt",
    .out = "",
    .sql = "INSERT INTO effect (event_id, key, sequence, number, pid, correlation, causation)"
           " VALUES ($1, $2, $3, $4, $5, $6, $7)",
};
static const struct db_stmt IS_BROKEN = {
    .name = "is_broken",
    .in = "t",
    .out = "f",
    .sql = "SELECT EXISTS (SELECT FROM broken WHERE currency = $1)",
    .read_only = true,
};
static const struct db_stmt *const STORE[] = {&ADD_EFFECT, &IS_BROKEN, NULL};
static const struct db_stmt *const *const STATEMENTS[] = {STORE, NULL};

static const struct error_def SHOP_BROKEN = {STATUS_INTERNAL, "SHOP_BROKEN", "a test says so"};
static const struct error_def SHOP_AWAY = {STATUS_UNAVAILABLE, "SHOP_AWAY", "a test says so"};

static struct status on_sold(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                             const void *body);

static struct status on_all_sold(struct ctx *ctx, struct db_tx *tx, const struct event_item *items,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        event_enter(ctx, items[i].event);
        TRY(on_sold(ctx, tx, items[i].event, items[i].body));
    }
    return status_ok();
}

struct event_kind SHOP_SOLD = {.body = &common__v1__money__schema, .key_doc = "sale id"};
static struct event_subscription subscriptions[] = {
    {.body = &common__v1__money__schema, .handle = on_sold},
    {0},
};
static const struct event_kind *const EVENTS[] = {&SHOP_SOLD, NULL};
static const struct service_component *const COMPONENTS[] = {&EVENTS_COMPONENT, NULL};

const struct service SHOP = {
    .name = "shop",
    .doc = "publishes for tests",
    .takes_unsigned_calls = true,
    .events = EVENTS,
    .statements = STATEMENTS,
    .migrations = MIGRATIONS,
    .components = COMPONENTS,
};

const struct service SHOP_CONSUMER = {
    .name = "shop",
    .doc = "consumes for tests",
    .takes_unsigned_calls = true,
    .events = EVENTS,
    .subscriptions = subscriptions,
    .statements = STATEMENTS,
    .migrations = MIGRATIONS,
    .components = COMPONENTS,
};

static event_handler count_sold;
static struct event_subscription cache_subscriptions[] = {
    {.body = &common__v1__money__schema, .handle = count_sold, .mode = SUBSCRIPTION_BROADCAST},
    {0},
};
static struct event_subscription view_subscriptions[] = {
    {.body = &common__v1__money__schema, .handle = count_sold},
    {0},
};

struct shop_seen shop_seen;

static void count_gap(void *state)
{
    (void)state;
    shop_seen.gaps++;
}

static struct status watch_gaps(struct ctx *boot)
{
    consumer_on_gap(boot->daemon, count_gap, NULL);
    return status_ok();
}

const struct service SHOP_CACHE = {
    .name = "shop-cache",
    .doc = "caches for tests",
    .takes_unsigned_calls = true,
    .subscriptions = cache_subscriptions,
    .components = COMPONENTS,
    .start = watch_gaps,
};

const struct service SHOP_VIEW = {
    .name = "shop-view",
    .doc = "views for tests",
    .takes_unsigned_calls = true,
    .subscriptions = view_subscriptions,
    .components = COMPONENTS,
};

void shop_configure(void)
{
    SHOP_SOLD.topic = subscriptions[0].topic = getenv("TORG_SHOP_TOPIC");
    cache_subscriptions[0].topic = view_subscriptions[0].topic = SHOP_SOLD.topic;
    subscriptions[0].commit_per_record = getenv("TORG_SHOP_SINGLY") != NULL;
    if (getenv("TORG_SHOP_ALL") != NULL)
        subscriptions[0].handle_all = on_all_sold;
}

struct status shop_publish(struct ctx *ctx, const struct shop_sale *sale)
{
    _cleanup_(db_rollback) struct db_tx *tx = NULL;

    TRY(db_begin(ctx, &tx));
    for (int64_t i = 0; i < sale->count; i++) {
        Common__V1__Money body = COMMON__V1__MONEY__INIT;
        body.minor_units = sale->first + i;
        body.currency_code = sale->currency;
        TRY(outbox_add(tx, &SHOP_SOLD, sale->key, sale->first + i, &body));
    }
    if (sale->is_rolled_back)
        return status_ok();
    return db_commit(&tx);
}

/* EUR just works. BAD is refused and AWY must wait, as long as table broken says so; DIE ends the
 * process before the commit. */
static struct status on_sold(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                             const void *body)
{
    const Common__V1__Money *money = body;
    struct db_rows rows;

    TRY(db_later(tx, &ADD_EFFECT,
                 DB_ARGS(db_uuid(event->id), db_uuid(event->key), db_int(event->sequence),
                         db_int(money->minor_units), db_int(getpid()), db_text(ctx->correlation_id),
                         db_text(ctx->causation_id))));
    TRY(db_one(tx, &IS_BROKEN, DB_ARGS(db_text(money->currency_code)), &rows));
    if (!db_get_bool(&rows, 0, 0))
        return status_ok();
    if (strcmp(money->currency_code, "AWY") == 0)
        return ctx_fail(ctx, &SHOP_AWAY, "number %lld", (long long)money->minor_units);
    if (strcmp(money->currency_code, "DIE") == 0)
        _exit(9);
    return ctx_fail(ctx, &SHOP_BROKEN, "number %lld", (long long)money->minor_units);
}

static struct status count_sold(struct ctx *ctx, struct db_tx *tx, const struct event *event,
                                const void *body)
{
    const Common__V1__Money *money = body;

    (void)event;
    if (tx != NULL)
        return ctx_fail(ctx, &SHOP_BROKEN, "a transaction without a database");
    if (strcmp(money->currency_code, "BAD") == 0) {
        shop_seen.refused++;
        return ctx_fail(ctx, &SHOP_BROKEN, "number %lld", (long long)money->minor_units);
    }
    if (strcmp(money->currency_code, "AWY") == 0 && shop_seen.is_away)
        return ctx_fail(ctx, &SHOP_AWAY, "number %lld", (long long)money->minor_units);
    shop_seen.handled++;
    return status_ok();
}
