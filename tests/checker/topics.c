/* topics.c - between the outboxes and the topics nothing is lost, made up, changed or reordered. */
#include "families.h"

#include "common/map.h"
#include "common/uuid.h"
#include "journal.h"

#include <inttypes.h>
#include <string.h>

static check check_published, check_phantoms, check_order, check_repeats, check_envelopes;

const struct invariant TOPICS[] = {
    {
        .name = "outbox-published",
        .meaning = "each committed outbox row is on its topic, byte for byte",
        .when = SETTLED,
        .is_quiescence = true,
        .sources = SOURCE_TOPICS,
        .check = check_published,
    },
    {
        .name = "topic-phantom",
        .meaning = "each event on a topic has a committed outbox row: none comes from a transaction"
                   " that was rolled back",
        .when = SETTLED,
        .sources = SOURCE_TOPICS,
        .check = check_phantoms,
    },
    {
        .name = "topic-order",
        .meaning = "the first occurrences of a key's events come in the order of their sequence,"
                   " without gaps, in one partition",
        .sources = SOURCE_TOPICS,
        .check = check_order,
    },
    {
        .name = "topic-repeats",
        .meaning = "an event that comes again is the same, byte for byte, on the same topic",
        .sources = SOURCE_TOPICS,
        .check = check_repeats,
    },
    {
        .name = "topic-envelope",
        .meaning =
            "every record but a dead letter is a CloudEvent with an id, a type and a sequence",
        .sources = SOURCE_TOPICS,
        .check = check_envelopes,
    },
    {
        .name = "relay-slot",
        .meaning = "the relay's slot is there and keeps less than a megabyte of log back",
        .when = SETTLED,
        .is_quiescence = true,
        .schema = "relay",
        .broken =
            "SELECT p.slot, s.slot_name IS NULL OR s.wal_status = 'lost'"
            "       OR pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn) > 1048576,"
            "       format('%s, %s bytes behind', coalesce(s.wal_status, 'no slot'),"
            "              pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn))"
            "  FROM relay.wal_position AS p"
            "  LEFT JOIN pg_replication_slots AS s ON s.slot_name = p.slot",
    },
    {
        .name = "relay-parked",
        .meaning = "no record was refused by the broker and waits for a person",
        .schema = "relay",
        .broken =
            "SELECT concat_ws(' ', topic, encode(key, 'hex')), true, reason FROM relay.parked",
    },
    {0},
};

/* What an outbox has of an event: its topic, and the digest of its bytes in hex. */
struct outbox_row {
    const char *id, *topic, *digest;
};

struct outboxes {
    struct outbox_row *rows;
    size_t count;
    struct map *by_id;
};

/* Commands live for a day on their topic: their rows are looked at for less than that. */
static const char OUTBOX_ROWS[] =
    "SELECT event_id, topic, encode(sha256(key || headers || payload), 'hex')"
    "  FROM {schema}.outbox WHERE event_id >= $1 AND event_id < $2"
    "   AND (topic NOT LIKE '%.commands.%' OR created_at > now() - interval '23 hours')";

static void add_rows(struct audit *audit, struct outboxes *outboxes, const PGresult *result)
{
    size_t count = (size_t)PQntuples(result);
    struct outbox_row *rows = arena_array(audit->arena, struct outbox_row, outboxes->count + count);

    if (outboxes->count > 0)
        memcpy(rows, outboxes->rows, outboxes->count * sizeof *rows);
    outboxes->rows = rows;
    for (int i = 0; i < (int)count; i++) {
        struct outbox_row *row = &rows[outboxes->count++];
        row->id = arena_strdup(audit->arena, PQgetvalue(result, i, 0));
        row->topic = arena_strdup(audit->arena, PQgetvalue(result, i, 1));
        row->digest = arena_strdup(audit->arena, PQgetvalue(result, i, 2));
        map_set(outboxes->by_id, row->id, row);
    }
}

static struct outboxes *outboxes_read(struct audit *audit)
{
    if (audit->outboxes != NULL)
        return audit->outboxes;
    struct outboxes *outboxes = arena_new(audit->arena, struct outboxes);
    outboxes->by_id = map_create(audit->arena, 1 << 14);
    for (size_t i = 0; i < SCHEMAS; i++) {
        _cleanup_(result_clear) PGresult *result =
            database_query(audit, SERVICE_SCHEMAS[i], OUTBOX_ROWS);
        if (result == NULL)
            return NULL;
        add_rows(audit, outboxes, result);
    }
    audit->outboxes = outboxes;
    return outboxes;
}

static void check_published(struct audit *audit, struct findings *findings)
{
    const struct outboxes *outboxes = outboxes_read(audit);
    const struct journal *journal = outboxes ? journal_read(audit) : NULL;

    for (size_t i = 0; journal != NULL && i < outboxes->count; i++) {
        const struct outbox_row *row = &outboxes->rows[i];
        const struct record *record = journal_find(journal, row->id);
        findings->checked++;
        if (record == NULL)
            findings_add(audit, findings, row->id, "is not on %s", row->topic);
        else if (!str_equal(record->topic, row->topic))
            findings_add(audit, findings, row->id, "is on %s instead of %s", record->topic,
                         row->topic);
        else if (!str_equal(str_hex(audit->arena, record->digest, sizeof record->digest),
                            row->digest))
            findings_add(audit, findings, row->id, "is on %s with other bytes", row->topic);
    }
}

/* Outboxes keep seven days; what is older has no row any more. */
static bool has_outbox(const struct audit *audit, const struct record *record)
{
    enum { KEPT_MS = 6 * 24 * 3600 * 1000 };
    struct uuid id;

    return !str_equal(record->source, "/cart") && uuid_parse(record->id, &id) &&
           audit_covers(audit, record->id) && uuid_time_ms(id) > audit->to_ms - KEPT_MS;
}

static void check_phantoms(struct audit *audit, struct findings *findings)
{
    const struct outboxes *outboxes = outboxes_read(audit);
    const struct journal *journal = outboxes ? journal_read(audit) : NULL;
    const int64_t commands_from_ms = audit->to_ms - 22 * INT64_C(3600000);
    struct uuid id;

    for (size_t i = 0; journal != NULL && i < journal->count; i++) {
        const struct record *record = journal->records[i];
        if (record->first != NULL || !has_outbox(audit, record) ||
            (strstr(record->topic, ".commands.") && uuid_parse(record->id, &id) &&
             uuid_time_ms(id) < commands_from_ms))
            continue;
        findings->checked++;
        if (map_get(outboxes->by_id, record->id) == NULL)
            findings_add(audit, findings, record->id,
                         "%s %s/%" PRId64 "/%" PRId64 " is in no outbox", record->type,
                         record->topic, record->part, record->offset);
    }
}

/* Dead letters keep the key and the sequence of the record that they are about. */
static bool is_ordered(const struct record *record)
{
    return record->first == NULL && !record->is_malformed && strstr(record->topic, ".dlq.") == NULL;
}

static void check_order(struct audit *audit, struct findings *findings)
{
    const struct journal *journal = journal_read(audit);
    struct map *last = map_create(audit->arena, 1 << 14);

    for (size_t i = 0; journal != NULL && i < journal->count; i++) {
        struct record *record = journal->records[i];
        if (!is_ordered(record))
            continue;
        const char *key = arena_printf(audit->arena, "%s %s", record->topic, record->key);
        const struct record *before = map_get(last, key);
        findings->checked++;
        if (before != NULL && before->part != record->part)
            findings_add(audit, findings, key, "is in partitions %" PRId64 " and %" PRId64,
                         before->part, record->part);
        else if (before != NULL && record->sequence != before->sequence + 1)
            findings_add(audit, findings, key,
                         "%s %" PRId64 " at offset %" PRId64 " follows %s %" PRId64, record->type,
                         record->sequence, record->offset, before->type, before->sequence);
        map_set(last, key, record);
    }
}

static void check_repeats(struct audit *audit, struct findings *findings)
{
    const struct journal *journal = journal_read(audit);

    for (size_t i = 0; journal != NULL && i < journal->count; i++) {
        const struct record *record = journal->records[i];
        const struct record *first = record->first ? record->first : record;
        findings->checked++;
        if (memcmp(record->digest, first->digest, sizeof record->digest) != 0 ||
            !str_equal(record->topic, first->topic) || record->part != first->part)
            findings_add(audit, findings, record->id,
                         "%s/%" PRId64 "/%" PRId64 " is not what %s/%" PRId64 "/%" PRId64 " was",
                         record->topic, record->part, record->offset, first->topic, first->part,
                         first->offset);
    }
}

static void check_envelopes(struct audit *audit, struct findings *findings)
{
    const struct journal *journal = journal_read(audit);

    for (size_t i = 0; journal != NULL && i < journal->count; i++) {
        const struct record *record = journal->records[i];
        findings->checked++;
        if (record->is_malformed)
            findings_add(audit, findings, record->id, "'%s' on %s/%" PRId64 "/%" PRId64,
                         record->type, record->topic, record->part, record->offset);
    }
}
