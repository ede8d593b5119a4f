/* work.c - what is to be done is done, what was said is said once, and the books are only added to.
 */
#include "families.h"

#include "common/map.h"
#include "journal.h"

#include <inttypes.h>

static check check_deliveries;

const struct invariant WORK[] = {
    {
        .name = "task-pending",
        .meaning = "no task waits to be run, but for messages whose receiver refused them",
        .when = SETTLED,
        .is_quiescence = true,
        .schema = EACH,
        .broken = "SELECT id::text, NOT (attempts > 0 AND due_at > now()"
                  "                      AND kind IN ('send_mail', 'post_webhook')),"
                  "       format('%s %s, due %s, %s attempts: %s', kind, key, due_at, attempts,"
                  "              last_error)"
                  "  FROM {schema}.task WHERE failed_at IS NULL",
    },
    {
        .name = "task-overdue",
        .meaning = "no task is due for longer than the grace and in nobody's hands",
        .schema = EACH,
        .broken = "SELECT id::text, greatest(due_at, lease_until)"
                  "       < now() - $3 * interval '1 second',"
                  "       format('%s %s, due %s, leased until %s', kind, key, due_at, lease_until)"
                  "  FROM {schema}.task WHERE failed_at IS NULL AND due_at <= now()",
    },
    {
        .name = "delivery-once",
        .meaning = "a message is said to be sent once, and once per cause",
        .sources = SOURCE_TOPICS,
        .check = check_deliveries,
    },
    {
        .name = "order-confirmation",
        .meaning = "the buyer of each order is told so by one message",
        .when = SETTLED,
        .left = {"orders", "SELECT o.id::text, '1' FROM orders.orders AS o"
                           "  WHERE o.id >= $1 AND o.id < $2"},
        .right = {"platform", "SELECT subject_id::text, count(*)::text FROM platform.delivery"
                              " WHERE kind = 'order_placed' AND id >= $1 AND id < $2"
                              "   AND subject_id IS NOT NULL GROUP BY subject_id"},
    },
    {
        .name = "append-only-rights",
        .meaning = "nobody but the owner may change or remove rows of a table that is only added"
                   " to, and its triggers are on",
        .schema = EACH,
        .broken = "WITH kept AS (SELECT oid, relname, relowner, relacl FROM pg_class"
                  " WHERE relnamespace = '{schema}'::regnamespace AND relkind IN ('r', 'p')"
                  "   AND relname IN ('outbox', 'inbox', 'audit', 'movement', 'payment_entry',"
                  "                   'order_revision')),"
                  " rights AS (SELECT kept.oid, acl.grantee, acl.privilege_type"
                  "   FROM kept, aclexplode(relacl) AS acl WHERE acl.grantee <> relowner"
                  " UNION ALL SELECT kept.oid, acl.grantee, acl.privilege_type"
                  "   FROM kept JOIN pg_attribute ON attrelid = kept.oid, aclexplode(attacl) AS acl"
                  "  WHERE acl.grantee <> relowner)"
                  " SELECT relname::text,"
                  "        count(*) FILTER (WHERE privilege_type IN ('UPDATE', 'DELETE',"
                  "                                                  'TRUNCATE')) > 0"
                  "        OR relname = 'order_revision' AND NOT EXISTS ("
                  "           SELECT FROM pg_trigger WHERE tgrelid = kept.oid"
                  "              AND NOT tgisinternal AND tgenabled = 'O'),"
                  "        string_agg(DISTINCT grantee::regrole || ' ' || privilege_type, ', ')"
                  "   FROM kept LEFT JOIN rights USING (oid) GROUP BY relname, kept.oid",
    },
    {
        .name = "append-only-rows",
        .meaning = "no row of such a table was ever changed, as far as the statistics go back",
        .schema = EACH,
        .broken = "SELECT relname::text, pg_stat_get_tuples_updated(oid) > 0,"
                  "       format('%s rows changed', pg_stat_get_tuples_updated(oid))"
                  "  FROM pg_class WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'r'"
                  "   AND relname ~ '^(outbox|inbox|audit|movement|payment_entry)_p[0-9]+$"
                  "|^order_revision$'",
    },
    {0},
};

/* A delivery that failed may be tried again; one that was sent may not. */
static void check_deliveries(struct audit *audit, struct findings *findings)
{
    const struct journal *journal = journal_read(audit);
    struct map *sent = map_create(audit->arena, 1024);
    _cleanup_(result_clear) PGresult *causes =
        journal == NULL
            ? NULL
            : database_query(audit, "platform",
                             "SELECT cause_id, string_agg(id::text, ' ') FROM platform.delivery"
                             " WHERE id >= $1 AND id < $2 GROUP BY cause_id HAVING count(*) > 1");

    for (size_t i = 0; causes != NULL && i < journal->count; i++) {
        struct record *record = journal->records[i];
        if (record->first != NULL || !str_equal(record->type, "platform.v1.DeliverySent"))
            continue;
        const struct record *before = map_get(sent, record->key);
        findings->checked++;
        if (before != NULL)
            findings_add(audit, findings, record->key, "was sent by %s and by %s", before->id,
                         record->id);
        map_set(sent, record->key, record);
    }
    for (int i = 0; causes != NULL && i < PQntuples(causes); i++)
        findings_add(audit, findings, PQgetvalue(causes, i, 0), "caused %s",
                     PQgetvalue(causes, i, 1));
}
