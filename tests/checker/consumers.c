/* consumers.c - every event that somebody subscribed to is handled, once, and remembered. */
#include "families.h"

#include "common/map.h"
#include "journal.h"

#include <inttypes.h>
#include <string.h>

static check check_handled, check_known, check_position, check_group, check_parked;

const struct invariant CONSUMERS[] = {
    {
        .name = "inbox-handled",
        .meaning = "each event that a service subscribed to is in its inbox, or parked",
        .when = SETTLED,
        .is_quiescence = true,
        .sources = SOURCE_TOPICS,
        .check = check_handled,
    },
    {
        .name = "inbox-known",
        .meaning = "each event in an inbox is on the topic, in the partition that it says",
        .sources = SOURCE_TOPICS,
        .check = check_known,
    },
    {
        .name = "inbox-once",
        .meaning = "a consumer handled each offset once",
        .schema = EACH,
        .broken = "SELECT concat_ws(' ', consumer, topic, part, off), count(*) > 1,"
                  "       format('%s events: %s', count(*), string_agg(event_id::text, ', '))"
                  "  FROM {schema}.inbox WHERE event_id >= $1 AND event_id < $2"
                  " GROUP BY consumer, topic, part, off",
    },
    {
        .name = "inbox-position",
        .meaning = "a consumer's position is behind everything that it handled or parked, and not"
                   " beyond the topic's end",
        .sources = SOURCE_TOPICS,
        .check = check_position,
    },
    {
        .name = "group-position",
        .meaning = "consumers without a database have committed all that they subscribed to",
        .when = SETTLED,
        .is_quiescence = true,
        .sources = SOURCE_TOPICS,
        .check = check_group,
    },
    {
        .name = "inbox-parked",
        .meaning = "no event is parked but for as many as --parked says",
        .check = check_parked,
    },
    {0},
};

/* Who has an effect of what; caches that follow every replica's own reading are left out. The
 * suite of this checker compares it with what the daemons print. */
const struct subscription SUBSCRIPTIONS[] = {
    {"inventory", "inventory", "order.order.events.v1", "order.v1.OrderPlaced"},
    {"inventory", "inventory", "order.order.events.v1", "order.v1.OrderCancelled"},
    {"inventory", "inventory", "order.order.events.v1", "order.v1.ShipmentShipped"},
    {"marketing", "marketing", "order.order.events.v1", "order.v1.OrderPlaced"},
    {"order", "orders", "order.payment.events.v1", "order.v1.PaymentCaptured"},
    {"platform", "platform", "platform.notification.commands.v1", "platform.v1.SendNotification"},
    {"platform", "platform", "inventory.stock.events.v1", "inventory.v1.StockLow"},
    {"cart", NULL, "order.order.events.v1", "order.v1.OrderPlaced"},
    {"gateway", NULL, "order.checkout.events.v1", "order.v1.CheckoutResumeRequested"},
    {0},
};

static bool is_for(const struct subscription *subscription, const struct record *record)
{
    return str_equal(subscription->type, record->type) &&
           str_equal(subscription->topic, record->topic);
}

/* "consumer event" of what is in the inboxes and what is parked; the inbox's key is the window. */
static struct map *inboxes_read(struct audit *audit)
{
    static const char SQL[] =
        "SELECT concat_ws(' ', consumer, event_id), concat_ws('/', topic, part)"
        "  FROM {schema}.inbox WHERE event_id >= $1 AND event_id < $2"
        " UNION ALL SELECT concat_ws(' ', consumer, event_id), concat_ws('/', topic, part)"
        "  FROM {schema}.inbox_parked";
    struct map *handled = map_create(audit->arena, 1 << 14);

    for (size_t i = 0; i < SCHEMAS; i++) {
        _cleanup_(result_clear) PGresult *rows = database_query(audit, SERVICE_SCHEMAS[i], SQL);
        if (rows == NULL)
            return NULL;
        for (int k = 0; k < PQntuples(rows); k++)
            map_set(handled, PQgetvalue(rows, k, 0), handled);
    }
    return handled;
}

static void check_handled(struct audit *audit, struct findings *findings)
{
    struct map *handled = inboxes_read(audit);
    const struct journal *journal = handled ? journal_read(audit) : NULL;

    for (size_t i = 0; journal != NULL && i < journal->count; i++) {
        const struct record *record = journal->records[i];
        if (record->first != NULL || !audit_covers(audit, record->id))
            continue;
        for (const struct subscription *s = SUBSCRIPTIONS; s->consumer != NULL; s++) {
            if (s->schema == NULL || !is_for(s, record))
                continue;
            const char *key = arena_printf(audit->arena, "%s %s", s->consumer, record->id);
            findings->checked++;
            if (map_get(handled, key) == NULL)
                findings_add(audit, findings, key, "%s of %s/%" PRId64 "/%" PRId64, record->type,
                             record->topic, record->part, record->offset);
        }
    }
}

static void check_known(struct audit *audit, struct findings *findings)
{
    static const char SQL[] = "SELECT consumer, event_id, topic, part, off FROM {schema}.inbox"
                              " WHERE event_id >= $1 AND event_id < $2";
    const struct journal *journal = journal_read(audit);
    int64_t part = 0;

    for (size_t i = 0; journal != NULL && i < SCHEMAS; i++) {
        _cleanup_(result_clear) PGresult *rows = database_query(audit, SERVICE_SCHEMAS[i], SQL);
        for (int k = 0; rows != NULL && k < PQntuples(rows); k++) {
            const char *topic = PQgetvalue(rows, k, 2);
            const struct record *record = journal_find(journal, PQgetvalue(rows, k, 1));
            if (record == NULL && strstr(topic, ".commands.") != NULL)
                continue; // gone from its topic after a day
            findings->checked++;
            (void)str_to_int64(PQgetvalue(rows, k, 3), &part);
            if (record == NULL || !str_equal(record->topic, topic) || record->part != part)
                findings_add(audit, findings,
                             arena_printf(audit->arena, "%s %s", PQgetvalue(rows, k, 0),
                                          PQgetvalue(rows, k, 1)),
                             "is not at %s/%" PRId64 "/%s", topic, part, PQgetvalue(rows, k, 4));
        }
    }
}

static void check_position(struct audit *audit, struct findings *findings)
{
    static const char SQL[] =
        "SELECT p.consumer, p.topic, p.part, p.next_off, coalesce(greatest("
        "       (SELECT max(off) FROM {schema}.inbox AS i WHERE i.consumer = p.consumer"
        "           AND i.topic = p.topic AND i.part = p.part"
        "           AND event_id >= $1 AND event_id < $2),"
        "       (SELECT max(off) FROM {schema}.inbox_parked AS i WHERE i.consumer = p.consumer"
        "           AND i.topic = p.topic AND i.part = p.part)), -1)"
        "  FROM {schema}.inbox_position AS p";
    const struct journal *journal = journal_read(audit);
    int64_t part = 0, next = 0, last = 0;

    for (size_t i = 0; journal != NULL && i < SCHEMAS; i++) {
        _cleanup_(result_clear) PGresult *rows = database_query(audit, SERVICE_SCHEMAS[i], SQL);
        for (int k = 0; rows != NULL && k < PQntuples(rows); k++) {
            (void)str_to_int64(PQgetvalue(rows, k, 2), &part);
            (void)str_to_int64(PQgetvalue(rows, k, 3), &next);
            (void)str_to_int64(PQgetvalue(rows, k, 4), &last);
            const struct partition *partition =
                journal_partition(journal, PQgetvalue(rows, k, 1), part);
            findings->checked++;
            if (partition == NULL || next > partition->high || last >= next)
                findings_add(audit, findings,
                             arena_printf(audit->arena, "%s %s/%" PRId64, PQgetvalue(rows, k, 0),
                                          PQgetvalue(rows, k, 1), part),
                             "next is %" PRId64 ", handled up to %" PRId64
                             ", the topic ends at %" PRId64,
                             next, last, partition ? partition->high : -1);
        }
    }
}

/* The last offset of a partition that the subscription wants, -1 when there is none. */
static int64_t last_wanted(const struct journal *journal, const struct subscription *subscription,
                           int64_t part)
{
    int64_t offset = -1;

    for (size_t i = 0; i < journal->count; i++)
        if (is_for(subscription, journal->records[i]) && journal->records[i]->part == part &&
            journal->records[i]->offset > offset)
            offset = journal->records[i]->offset;
    return offset;
}

static void check_group(struct audit *audit, struct findings *findings)
{
    const struct journal *journal = journal_read(audit);

    for (const struct subscription *s = SUBSCRIPTIONS; journal && s->consumer != NULL; s++)
        for (size_t i = 0; s->schema == NULL && i < journal->partition_count; i++) {
            const struct partition *partition = &journal->partitions[i];
            if (!str_equal(partition->topic, s->topic))
                continue;
            int64_t last = last_wanted(journal, s, partition->part);
            if (last < 0)
                continue;
            int64_t committed = journal_group_offset(audit, s->consumer, s->topic, partition->part);
            findings->checked++;
            if (committed <= last)
                findings_add(audit, findings,
                             arena_printf(audit->arena, "%s %s/%" PRId64, s->consumer, s->topic,
                                          partition->part),
                             "committed %" PRId64 ", %s at %" PRId64, committed, s->type, last);
        }
}

static void check_parked(struct audit *audit, struct findings *findings)
{
    int64_t allowed = audit->settings.parked_max;

    for (size_t i = 0; i < SCHEMAS; i++) {
        _cleanup_(result_clear) PGresult *rows =
            database_query(audit, SERVICE_SCHEMAS[i],
                           "SELECT consumer, event_id, type, reason, is_dead"
                           "  FROM {schema}.inbox_parked ORDER BY parked_at");
        for (int k = 0; rows != NULL && k < PQntuples(rows); k++) {
            findings->checked++;
            if (--allowed < 0)
                findings_add(audit, findings,
                             arena_printf(audit->arena, "%s %s", PQgetvalue(rows, k, 0),
                                          PQgetvalue(rows, k, 1)),
                             "%s: %s", PQgetvalue(rows, k, 2), PQgetvalue(rows, k, 3));
        }
    }
}
